"""Who sees values and who sees kinds: over HTTP, with a real vault beside the desk."""

import json
import sqlite3

import httpx
import pytest
from conftest import bot, slot, start_desk, stop_desk, user, wait_for
from vault_file import MASTER, VaultFile

MAIL, NAME, STREET = "jo.marked@example.com", "Josephine Marked", "17 Marked Street"


@pytest.fixture(scope="module")
def desk(tmp_path_factory, scripted_server, scripted_actions):
    """A desk with a vault."""
    folder = tmp_path_factory.mktemp("var")
    running = start_desk(folder, scripted_server.port, scripted_actions.port, TANDEM_VAULT_KEY=MASTER)
    running.stream.create()
    running.vault = VaultFile(folder / "vault.db")
    yield running
    stop_desk(running)


@pytest.fixture(scope="module")
def people(desk):
    return {name: desk.logged_in(name) for name in ("alex", "sam", "dana", "uma")}


@pytest.fixture
def told(desk, people, request):
    """The address of a conversation whose texts hold tokens, and its sender."""
    opened = httpx.post(f"{desk.url}/chat/session", trust_env=False).json()
    sender = opened["session_id"]
    desk.token = opened["token"]
    mail = desk.vault.hold(sender, "email", MAIL)
    name = desk.vault.hold(sender, "name", NAME, "josephine marked")
    street = desk.vault.hold(sender, "address", STREET, "17 marked street")
    packet = {
        "version": 2,
        "task": "change_email",
        "reason": "customer_asked",
        "issue": f"Wants letters at {street}",
        "summary": [{"text": f"{name} moved.", "turns": [1]}],
        "slots": [{"name": "email", "label": "E-mail", "value": mail, "turn": 1, "confirmed": True}],
    }
    entities = [{"entity": "email", "value": mail}]
    said = user(f"I am {name}, {mail}", **{"parse_data": {"intent": {"name": "inform"}, "entities": entities}})
    desk.stream.publish(sender, said, bot(f"Thank you, {name}."), slot("handoff", packet), slot("owner", "queue"))
    address = people["alex"].find(sender)
    wait_for(lambda: "Waiting for a person" in people["alex"].get(address).text)
    return address, sender


def test_agents_read_values_and_others_kinds(told, people):
    address, _ = told
    for name in ("alex", "sam"):
        page = people[name].get(address).text
        assert f"I am {NAME}, {MAIL}" in page and f"Thank you, {NAME}." in page and "[[" not in page
    for name in ("dana", "uma"):
        page = people[name].get(address).text
        assert "I am [name], [email]" in page and "Thank you, [name]." in page
        assert "[[" not in page and NAME not in page and MAIL not in page and STREET not in page


def test_the_packet_opens_to_who_has_the_conversation(told, people, actions):
    address, _ = told
    assert "Wants letters at [address]" in people["alex"].get(address).text
    assert f"Wants letters at {STREET}" in people["sam"].get(address).text
    people["alex"].post(f"{address}/take", seen_assignee="")
    mine = people["alex"].get(address).text
    assert f"Wants letters at {STREET}" in mine and f"{NAME} moved." in mine
    actions.answers["/copilot/slots"] = (200, {"slots": [{"name": "email", "label": "E-mail"}]})
    assert f"Known: {MAIL}" in people["alex"].get(f"{address}/hand-back").text


def test_the_details_of_a_turn_follow_the_role(told, people):
    address, _ = told
    turn = people["alex"].get(address).text.split("/turns/")[1].split('"')[0]
    assert MAIL in people["alex"].get(f"{address}/turns/{turn}").text
    hidden = people["dana"].get(f"{address}/turns/{turn}").text
    assert "[email]" in hidden and MAIL not in hidden


def test_the_list_shows_values_to_agents_only(told, people):
    _, sender = told

    def row(name):
        page = people[name].get("/desk/inbox?view=all").text
        return page.split(f'data-sender="{sender}"')[1].split("</li>")[0]

    assert STREET in row("sam") and "[address]" in row("alex") and "[address]" in row("dana")


def test_the_customer_reads_their_own_words(desk, told):
    headers = {"Authorization": f"Bearer {desk.token}"}
    answer = httpx.get(f"{desk.url}/chat/history", headers=headers, trust_env=False)
    texts = [message["text"] for message in answer.json()["messages"]]
    assert f"I am {NAME}, {MAIL}" in texts and f"Thank you, {NAME}." in texts


def test_a_search_for_a_value_finds_its_token(told, people):
    _, sender = told
    for sought in (MAIL, MAIL.upper(), f"  {MAIL} "):
        assert f'data-sender="{sender}"' in people["alex"].get("/desk/inbox", params={"view": "all", "q": sought}).text
    assert sender not in people["alex"].get("/desk/inbox", params={"view": "all", "q": "no@example.com"}).text
    # Who may not see a value cannot find out by searching whether it is there.
    assert sender not in people["dana"].get("/desk/inbox", params={"view": "all", "q": MAIL}).text


def test_the_copilot_works_with_values(told, people, actions):
    address, _ = told
    people["alex"].post(f"{address}/take", seen_assignee="")
    actions.answers["/copilot/suggest"] = (200, {"suggestions": []})
    actions.answers["/copilot/next"] = (200, {"actions": []})
    actions.answers["/copilot/draft"] = (200, {"outcome": "allow", "text": "Yes"})
    people["alex"].get(f"{address}/copilot/live")
    people["alex"].reply(address, "Yes")
    asked = {path: json.dumps(body) for path, body in actions.requests if path.startswith("/copilot/")}
    assert asked.keys() >= {"/copilot/suggest", "/copilot/next", "/copilot/draft"}
    assert all(f"I am {NAME}, {MAIL}" in body and "[[" not in body for body in asked.values())
    assert STREET in asked["/copilot/suggest"]


def test_the_desks_own_database_holds_no_value(desk, told, people):
    people["alex"].get(told[0])
    with sqlite3.connect(desk.stream.path.parent / "desk.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in desk.stream.path.parent.glob("desk.db*"):
        content = path.read_bytes()
        for value in (MAIL, NAME, STREET):
            assert value.encode() not in content, path.name


def test_a_vault_that_went_away_is_said_on_the_page(desk, people, told):
    address, sender = told
    away = desk.vault.path.with_suffix(".away")
    fresh = desk.vault.hold(sender, "phone", "+447700900123")
    desk.stream.publish(sender, user(f"Call {fresh}"))
    desk.vault.path.rename(away)
    try:
        page = wait_for(
            lambda: (
                (text := people["alex"].get(address)).status_code == 200 and "Call [phone]" in text.text and text.text
            )
        )
        assert "Personal data can&#39;t be shown just now" in people["alex"].get(address).text, page[:500]
    finally:
        away.rename(desk.vault.path)
    wait_for(lambda: "Call +447700900123" in people["alex"].get(address).text)
    assert "vault-trouble" not in people["alex"].get(address).text
