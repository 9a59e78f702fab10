import base64
import json
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from assistant.channels.addressbook import AddressUnknown, address_book, conversation_of
from assistant.privacy import keys, tokens
from assistant.privacy.keys import KeyFormatError, MasterKeys, Unreadable, VaultError
from assistant.privacy.vault import ENTRIES, KEYS, META, Vault, shared_vault

VECTORS = json.loads((Path(__file__).parents[1] / "vault_vectors.json").read_text())
OLD, NEW = (base64.urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def blob(text):
    return base64.b64decode(text)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/vault.db"


@pytest.fixture
def vault(url):
    opened = Vault(url, MasterKeys.parse(OLD))
    yield opened
    opened.close()


def test_the_vectors_are_what_this_code_reads_and_writes():
    master = MasterKeys.parse(VECTORS["TANDEM_VAULT_KEY"])
    pepper, key, conversation = blob(VECTORS["pepper"]), blob(VECTORS["data_key"]), VECTORS["conversation"]
    assert master.key_id == VECTORS["key_id"]
    assert master.unwrap(blob(VECTORS["wrapped_pepper"]), "pepper") == pepper
    assert master.unwrap(blob(VECTORS["wrapped_data_key"]), f"key|{conversation}", master.key_id) == key
    for entry in VECTORS["entries"]:
        assert tokens.normalise(entry["kind"], entry["value"]) == entry["normalised"]
        assert tokens.token(pepper, entry["kind"], entry["value"]) == entry["token"]
        opened = keys.unseal(key, blob(entry["ciphertext"]), f"{conversation}|{entry['token']}")
        assert opened.decode() == entry["value"]
    address = keys.unseal(key, blob(VECTORS["address"]["ciphertext"]), f"address|{conversation}")
    assert address.decode() == VECTORS["address"]["value"]


def test_a_database_with_the_vectors_rows_is_read(url):
    vault = Vault(url, MasterKeys.parse(VECTORS["TANDEM_VAULT_KEY"]))
    vault.close()
    conversation, at = VECTORS["conversation"], "2026-11-23 00:00:00.000000"
    with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
        db.execute("UPDATE meta SET value = ?", (blob(VECTORS["wrapped_pepper"]),))
        wrapped = blob(VECTORS["wrapped_data_key"])
        db.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", (conversation, wrapped, VECTORS["key_id"], at))
        for entry in VECTORS["entries"]:
            row = (conversation, entry["token"], entry["kind"], blob(entry["ciphertext"]), at)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)
    vault = Vault(url, MasterKeys.parse(VECTORS["TANDEM_VAULT_KEY"]))
    for text in VECTORS["texts"]:
        assert vault.reveal(conversation, text["stored"]) == text["clear"]
    vault.close()


def test_what_is_put_is_revealed_in_its_own_conversation_only(vault):
    known = vault.put("a", [("email", "Ada@example.com"), ("name", "Ada")])
    mail = known.tokens["email", "Ada@example.com"]
    assert tokens.TOKEN.fullmatch(mail)
    assert vault.reveal("a", f"To {mail}!") == "To Ada@example.com!"
    assert vault.reveal("b", f"To {mail}!") == f"To {mail}!"
    vault.put("b", [("name", "Bea")])
    assert vault.reveal("b", mail) == mail


def test_another_spelling_comes_back_as_it_was_and_is_found(vault):
    known = vault.put("a", [("phone", "07700 900123")])
    known = vault.put("b", [("phone", "+44 7700 900123"), ("phone", "07700 900123")])
    first, second = known.tokens["phone", "+44 7700 900123"], known.tokens["phone", "07700 900123"]
    assert first != second
    assert vault.reveal("b", f"{first} {second}") == "+44 7700 900123 07700 900123"
    assert vault.find("0044 7700 900 123") == ["a", "b"]
    assert vault.find("07700 900124") == []


def test_the_database_holds_no_value(vault, tmp_path):
    vault.put("a", [("name", "Marked Person"), ("email", "marked@example.com")])
    vault.remember_address("a", "sms", "+447700900555")
    for file in tmp_path.iterdir():
        assert not any(word in file.read_bytes() for word in (b"Marked", b"marked", b"900555")), file


def test_the_database_is_readable_by_its_owner_alone(vault, tmp_path):
    assert (tmp_path / "vault.db").stat().st_mode & 0o077 == 0


def test_two_processes_share_one_database(vault, url):
    other = Vault(url, MasterKeys.parse(OLD))
    mine = vault.put("a", [("name", "Ada")]).tokens["name", "Ada"]
    theirs = other.put("a", [("name", "Ada"), ("email", "a@example.com")])
    assert theirs.tokens["name", "Ada"] == mine
    assert vault.put("a", [("email", "a@example.com"), ("phone", "0113 496 0000")])
    assert set(other.known("a").values.values()) == {"Ada", "a@example.com", "0113 496 0000"}
    other.close()


def test_a_forgotten_conversation_is_forgotten_by_a_running_process(vault, url):
    name = vault.put("a", [("name", "Ada")]).tokens["name", "Ada"]
    vault.remember_address("a", "sms", "+447700900555")
    other = Vault(url, MasterKeys.parse(OLD))
    assert other.forget("a") == {"keys": 1, "entries": 1, "addresses": 1}
    assert vault.known("a") is None and vault.reveal("a", name) == name
    vault.put("b", [("name", "Bea")])
    other.forget("b")
    again = vault.put("b", [("email", "b@example.com")])  # without a look at the database before
    assert set(again.values.values()) == {"b@example.com"}
    assert other.known("b").values == again.values
    other.close()


def test_another_key_is_a_clear_error(vault, url):
    vault.put("a", [("name", "Ada")])
    with pytest.raises(Unreadable, match="TANDEM_VAULT_KEY is not the key"):
        Vault(url, MasterKeys.parse(NEW))


def test_a_changed_value_is_a_clear_error(vault, url):
    vault.put("a", [("name", "Ada")])
    with vault.engine.begin() as db:
        db.execute(sa.update(ENTRIES).values(ciphertext=b"x" * 40))
    other = Vault(url, MasterKeys.parse(OLD))
    with pytest.raises(Unreadable, match="does not open"):
        other.known("a")
    other.close()


def test_a_value_moved_to_another_conversation_does_not_open(vault, url):
    vault.put("a", [("name", "Ada")])
    vault.put("b", [("name", "Bea")])
    with vault.engine.begin() as db:
        db.execute(sa.delete(ENTRIES).where(ENTRIES.c.conversation == "b"))
        db.execute(sa.update(ENTRIES).values(conversation="b"))
    other = Vault(url, MasterKeys.parse(OLD))
    with pytest.raises(Unreadable):
        other.known("b")
    other.close()


def test_both_keys_open_while_they_are_rotated(vault, url):
    name = vault.put("a", [("name", "Ada")]).tokens["name", "Ada"]
    both = Vault(url, MasterKeys.parse(f"{NEW}, {OLD}"))
    assert both.reveal("a", name) == "Ada"
    both.put("b", [("name", "Bea")])
    with both.engine.connect() as db:
        ids = dict(db.execute(sa.select(KEYS.c.conversation, KEYS.c.key_id)).all())
        assert db.execute(sa.select(sa.func.count()).select_from(META)).scalar() == 1
    assert ids["a"] == MasterKeys.parse(OLD).key_id and ids["b"] == both.keys.key_id
    with pytest.raises(Unreadable, match=f"key {ids['b']}, which is not in TANDEM_VAULT_KEY"):
        vault.known("b")
    both.close()


@pytest.mark.parametrize("text", ["short", "a" * 64, f"{OLD},nonsense", "§§§", f"{OLD},"])
def test_a_key_of_the_wrong_format_is_one_clear_sentence(text):
    with pytest.raises(KeyFormatError) as error:
        MasterKeys.parse(text)
    assert str(error.value).startswith("TANDEM_VAULT_KEY is not a key: it must be the urlsafe base64 of 32 bytes")
    assert text not in str(error.value)


def test_no_key_is_a_sentence_that_says_what_to_do():
    with pytest.raises(KeyFormatError, match="TANDEM_VAULT_KEY is not set: start Tandem with `make run`"):
        MasterKeys.parse("")


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////proc/nowhere/vault.db", "postgresql://u:hush@127.0.0.1:1/x"])
def test_a_database_that_cannot_be_opened_is_a_clear_error_without_the_password(url):
    with pytest.raises(VaultError, match="VAULT_DATABASE_URL") as error:
        Vault(url, MasterKeys.parse(OLD))
    assert "hush" not in str(error.value)


def test_memory_of_decrypted_values_is_bounded(vault, monkeypatch):
    monkeypatch.setattr("assistant.privacy.vault.MAX_CONVERSATIONS", 3)
    for number in range(9):
        vault.put(f"c{number}", [("name", f"Name {number}")])
    assert len(vault._known) == 3
    assert list(vault.known("c0").values.values()) == ["Name 0"]


class TestAddressBook:
    @pytest.fixture(autouse=True)
    def var(self, environment, tmp_path):
        environment.setenv("TANDEM_VAR", str(tmp_path))
        yield
        shared_vault().close()

    def test_an_id_holds_no_address_and_is_always_the_same(self):
        conversation = conversation_of("sms", "+447700900123")
        assert conversation == conversation_of("sms", "+447700900123")
        assert conversation.startswith("sms-") and len(conversation) == 4 + 32 and "7700" not in conversation
        assert len({conversation, conversation_of("whatsapp", "+447700900123"), conversation_of("sms", "+44")}) == 3

    def test_another_secret_is_another_id(self, environment):
        conversation = conversation_of("sms", "+447700900123")
        environment.setenv("TANDEM_SECRET", "another-secret")
        assert conversation_of("sms", "+447700900123") != conversation

    def test_an_address_is_remembered_encrypted(self, tmp_path):
        conversation = conversation_of("voice-call", "+447700900123")
        for _ in range(2):
            address_book().remember(conversation, "+447700900123")
        assert address_book().address_of(conversation) == "+447700900123"
        with sqlite3.connect(tmp_path / "vault.db") as db:
            assert db.execute("SELECT conversation, channel FROM addresses").fetchall() == [
                (conversation, "voice-call")
            ]
        address_book().remember(conversation, "+447700900124")
        assert address_book().address_of(conversation) == "+447700900124"

    def test_an_unknown_or_erased_address_is_an_error(self):
        with pytest.raises(AddressUnknown):
            address_book().address_of("sms-0")
        address_book().remember("sms-0", "+447700900123")
        shared_vault().forget("sms-0")
        with pytest.raises(AddressUnknown):
            address_book().address_of("sms-0")
