"""The dependency audit with advisories from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.audit import __main__ as audit
from deploy.audit.osv import affects

EVENTS = [{"introduced": "1.0"}, {"fixed": "1.4.2"}, {"introduced": "2.0"}, {"last_affected": "2.3"}]


def advisory(package: str, events: list[dict[str, str]], versions: tuple[str, ...] = ()) -> dict:
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    affected = {"package": {"name": package, "ecosystem": "PyPI"}, "ranges": ranges, "versions": list(versions)}
    return {"id": "PYSEC-1", "aliases": ["CVE-1"], "details": "Bad.", "affected": [affected]}


@pytest.mark.parametrize(
    ("version", "hit"),
    [
        ("0.9", False),
        ("1.0", True),
        ("1.4.1", True),
        ("1.4.2", False),
        ("1.10", False),
        ("2.3", True),
        ("2.3.1", False),
    ],
)
def test_the_events_of_a_range_decide(version: str, hit: bool) -> None:
    assert affects(advisory("Some_Package", EVENTS), "some-package", version) is hit
    assert not affects(advisory("other", EVENTS), "some-package", version)


def test_a_listed_version_counts_without_a_range() -> None:
    assert affects(advisory("p", [], ("3.1rc1",)), "p", "3.1rc1")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the advisory database in which our own jinja2 is affected."""
    folder = tmp_path / "vulns" / "jinja2"
    folder.mkdir(parents=True)
    (folder / "PYSEC-1.yaml").write_text(yaml.safe_dump(advisory("jinja2", [{"introduced": "0"}])))
    return tmp_path


def test_a_new_finding_fails_and_an_accepted_one_is_told_with_its_reason(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "ENVIRONMENTS", {"desk": "desk/.venv"})
    monkeypatch.setattr(audit, "read_accepted", lambda: {})
    assert audit.main([str(checkout)]) == 1
    assert "NEW: Bad." in capsys.readouterr().out
    monkeypatch.setattr(audit, "read_accepted", lambda: {"CVE-1": {"id": "CVE-1", "reason": "Not used."}})
    assert audit.main([str(checkout)]) == 0
    assert "accepted: Not used." in capsys.readouterr().out


def test_a_folder_without_advisories_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main([str(tmp_path)]) == 2
    assert "name a checkout" in capsys.readouterr().err


def test_every_accepted_finding_has_a_reason() -> None:
    for name, entry in audit.read_accepted().items():
        assert name.startswith(("CVE-", "PYSEC-", "GHSA-")) and entry["package"] and len(entry["reason"]) > 40
