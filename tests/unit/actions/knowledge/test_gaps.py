"""The list of questions without an answer."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actions.knowledge import gaps


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TANDEM_VAR", str(tmp_path))
    return tmp_path


def test_like_questions_are_counted_together() -> None:
    gaps.record(
        "Do you sell phone insurance?", "orders/faulty-or-damaged-items", 0.41, datetime(2026, 11, 20, tzinfo=UTC)
    )
    gaps.record("do you sell insurance for phones", "orders/returns", 0.38, datetime(2026, 11, 22, tzinfo=UTC))
    gaps.record("Can I watch football?", "", 0.1, datetime(2026, 11, 21, tzinfo=UTC))
    first, second = gaps.gaps()
    assert (first.question, first.count) == ("Do you sell phone insurance?", 2)
    assert (first.first_seen[:10], first.last_seen[:10]) == ("2026-11-20", "2026-11-22")
    assert (first.nearest, first.score) == ("orders/returns", 0.38)
    assert (second.question, second.count, second.nearest) == ("Can I watch football?", 1, "")


def test_the_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "GROUPS", 2)
    for question in ("Do you sell insurance?", "Can I watch football?", "Who founded you?"):
        gaps.record(question)
    assert len(gaps.gaps()) == 2


def test_a_failing_list_stops_nobody(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "knowledge.db").write_bytes(b"this is not a database, and long enough to be read as one" * 40)
    gaps.record("Do you sell insurance?")
    assert [r.message for r in caplog.records if r.name.endswith("gaps")] == ["gap_not_kept"]


def test_it_is_printed_for_authors(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["gaps"])
    assert gaps.main() == 0
    assert "No question has stayed without an answer." in capsys.readouterr().out
    gaps.record("Do you sell insurance?", "orders/returns", 0.4)
    assert gaps.main() == 0
    assert "orders/returns (0.40)" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["gaps", "--forget"])
    assert gaps.main() == 0
    assert gaps.gaps() == []


def test_questions_of_a_conversation_are_forgotten(folder: Path) -> None:
    gaps.record("Do you sell insurance?", asker="one")
    gaps.record("Can I watch football?", asker="two")
    assert gaps.forget_asked_by(["one", ""], ["nobody@example.com"]) == 1
    assert [gap.question for gap in gaps.gaps()] == ["Can I watch football?"]
    assert gaps.forget_asked_by([], ["WATCH foot"]) == 1


def test_a_list_of_an_earlier_version_is_taken_on(folder: Path) -> None:
    old = gaps._TABLE.replace(",\n    asker TEXT NOT NULL DEFAULT ''", "")
    assert old != gaps._TABLE
    with sqlite3.connect(folder / "knowledge.db") as database:
        database.execute(old)
        database.execute("INSERT INTO gaps VALUES (1, 'Old?', x'00', 1, '2026', '2026', '', 0)")
    assert gaps.forget_asked_by(["one"]) == 0
    assert [gap.question for gap in gaps.gaps()] == ["Old?"]
