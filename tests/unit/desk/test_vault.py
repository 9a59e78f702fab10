"""Values in the place of tokens: what the vault gives, and what the desk does without it."""

import asyncio
import base64
import json
import sqlite3

import pytest
from conftest import ROOT
from vault_file import MASTER, VaultFile

from desk import vault as vaults
from desk.vault import Vault
from desk.vault_tokens import clipped, covered, normalise

OTHER_KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


@pytest.fixture
def file(tmp_path):
    return VaultFile(tmp_path / "vault.db")


@pytest.fixture
def opened(file, run):
    vault = Vault(file.url, MASTER)
    yield vault
    run(vault.close())


def test_texts_and_json_get_their_values_back(file, opened, run):
    mail, code = file.hold("c", "email", "jo@example.com"), file.hold("c", "postcode", "LS1 4AP", "LS14AP")
    assert run(opened.reveal("c", f"I am {mail}, at {code}.")) == "I am jo@example.com, at LS1 4AP."
    packet = {"issue": f"Change {mail}", "slots": [{"value": code}, 3, None], "ok": True}
    assert run(opened.reveal("c", packet)) == {
        "issue": "Change jo@example.com",
        "slots": [{"value": "LS1 4AP"}, 3, None],
        "ok": True,
    }
    assert (
        run(opened.reveal("c", "No token at all [[nor:this]] or [[name:short]]"))
        == "No token at all [[nor:this]] or [[name:short]]"
    )
    assert opened.trouble == ""


def test_another_conversation_does_not_open_the_same_token(file, opened, run):
    mail = file.hold("c", "email", "jo@example.com")
    file.hold("d", "phone", "+447700900123")
    assert run(opened.reveal_all([("c", mail), ("d", mail), ("e", mail)])) == ["jo@example.com", "[email]", "[email]"]
    assert opened.trouble == ""


def test_an_erased_conversation_stays_covered_and_is_soon_forgotten(file, opened, run, monkeypatch):
    monkeypatch.setattr(vaults, "KEEP_SECONDS", 0.05)
    assert vaults.KEEP_SECONDS < 60
    mail = file.hold("c", "email", "jo@example.com")

    async def before_and_after():
        shown = await opened.reveal("c", mail)
        file.erase("c")
        while opened._kept:
            await asyncio.sleep(0.01)
        return shown, await opened.reveal("c", mail)

    assert run(asyncio.wait_for(before_and_after(), 5)) == ("jo@example.com", "[email]")


def test_what_is_kept_in_memory_has_a_limit(file, opened, run, monkeypatch):
    monkeypatch.setattr(vaults, "KEPT", 3)
    pairs = [(f"c{n}", file.hold(f"c{n}", "name", f"Name {n}")) for n in range(8)]
    assert run(opened.reveal_all(pairs)) == [f"Name {n}" for n in range(8)]
    assert len(opened._kept) == 3


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", "TANDEM_VAULT_KEY is not set"),
        ("not a key", "TANDEM_VAULT_KEY is not 32 bytes in base64"),
        (OTHER_KEY, "locked with another key than TANDEM_VAULT_KEY"),
    ],
)
def test_without_the_right_key_the_kind_is_shown_and_the_reason_said(file, run, keys, said):
    vault = Vault(file.url, keys)
    mail = file.hold("c", "email", "jo@example.com")
    assert run(vault.reveal("c", f"I am {mail}")) == "I am [email]"
    assert said in vault.trouble and vault.trouble.endswith("Tell an operator.")
    assert run(vault.beginnings("jo@example.com")) == []
    run(vault.close())


def test_a_vault_that_comes_later_is_read_and_the_trouble_over(tmp_path, run):
    path = tmp_path / "vault.db"
    vault = Vault(f"sqlite:///{path}", MASTER)
    token = "[[email:aaaaaaaaaaaaaaaa]]"
    assert run(vault.reveal("c", token)) == "[email]"
    assert "no vault yet" in vault.trouble and not path.exists()
    mail = VaultFile(path).hold("c", "email", "jo@example.com")
    assert run(vault.reveal("c", mail)) == "jo@example.com"
    assert vault.trouble == ""
    run(vault.close())


def test_a_file_that_is_no_database_is_said_and_not_raised(tmp_path, run):
    (tmp_path / "vault.db").write_bytes(b"not a database at all" * 100)
    vault = Vault(f"sqlite:///{tmp_path / 'vault.db'}", MASTER)
    assert run(vault.reveal("c", "[[email:aaaaaaaaaaaaaaaa]]")) == "[email]"
    assert "cannot be read" in vault.trouble
    run(vault.close())


def test_a_damaged_entry_covers_only_itself(file, opened, run):
    mail, phone = file.hold("c", "email", "jo@example.com"), file.hold("c", "phone", "+447700900123")
    with file.connect() as connection:
        connection.execute("UPDATE entries SET ciphertext = zeroblob(40) WHERE token = ?", (mail,))
    assert run(opened.reveal("c", f"{mail} {phone}")) == "[email] +447700900123"
    assert "damaged" in opened.trouble


def test_both_keys_of_a_rotation_open_the_vault(tmp_path, file, run):
    old = file.hold("c", "email", "jo@example.com")
    vault = Vault(file.url, f"{OTHER_KEY},{MASTER}")
    assert run(vault.reveal("c", old)) == "jo@example.com"
    run(vault.close())


def test_the_desk_cannot_write_to_the_vault(file, opened, run):
    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    async def write():
        async with opened._engine.begin() as connection:
            await connection.execute(text("DELETE FROM keys"))

    with pytest.raises(OperationalError, match="readonly"):
        run(write())


def test_covering_needs_no_vault():
    assert covered({"a": ["[[email:abcdefghijklmnop]] x"]}) == {"a": ["[email] x"]}


@pytest.mark.parametrize("most", range(0, 45))
def test_a_clipped_text_holds_no_half_token(most):
    text = "My mail is [[email:abcdefghijklmnop]] thanks"
    cut = clipped(text, most)
    assert len(cut) <= max(most, 0) and text.startswith(cut)
    rest = cut.replace("[[email:abcdefghijklmnop]]", "")
    assert "[" not in rest and "]" not in rest


VECTORS = json.loads((ROOT / "tests/unit/vault_vectors.json").read_text())


@pytest.fixture
def made_elsewhere(tmp_path):
    """The database that the vectors of the assistant's own tests describe."""
    blob = {name: base64.b64decode(VECTORS[name]) for name in ("wrapped_pepper", "wrapped_data_key")}
    path = VaultFile(tmp_path / "vectors.db").path
    conversation = VECTORS["conversation"]
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'pepper'", (blob["wrapped_pepper"],))
        key = (conversation, blob["wrapped_data_key"], VECTORS["key_id"], "")
        connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", key)
        for entry in VECTORS["entries"]:
            row = (conversation, entry["token"], entry["kind"], base64.b64decode(entry["ciphertext"]), "")
            connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)
    return f"sqlite:///{path}"


def test_the_vectors_of_the_assistants_vault_are_read(made_elsewhere, run):
    vault = Vault(made_elsewhere, VECTORS["TANDEM_VAULT_KEY"])
    for entry in VECTORS["entries"]:
        assert run(vault.reveal(VECTORS["conversation"], entry["token"])) == entry["value"]
        assert any(entry["token"].startswith(start) for start in run(vault.beginnings(f" {entry['value']} "))), entry
        assert normalise(entry["kind"], entry["value"]) == entry["normalised"]
    for text in VECTORS["texts"]:
        assert run(vault.reveal(VECTORS["conversation"], text["stored"])) == covered(text["clear"])
    assert vault.trouble == ""
    run(vault.close())
