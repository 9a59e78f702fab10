"""Notes and whispers in the transcript: for colleagues, never for the customer."""

import pytest
from conftest import handed_over, user, wait_for


@pytest.fixture(scope="module")
def alex(desk):
    return desk.logged_in("alex")


@pytest.fixture(scope="module")
def sam(desk):
    return desk.logged_in("sam")


@pytest.fixture
def session(desk):
    return desk.chat()


@pytest.fixture
def address(desk, alex, assistant, session):
    desk.stream.publish(session.session_id, user("hello"), *handed_over())
    found = alex.find(session.session_id)
    wait_for(lambda: "Waiting for a person" in alex.get(found).text)
    return found


def test_a_note_stands_in_the_transcript_of_colleagues_and_not_of_the_customer(desk, alex, sam, address, session):
    assert alex.post(f"{address}/notes", note_text="Look at the <photos>").status_code == 303
    for member in (alex, sam):
        page = member.get(address).text
        assert "Note by Alex Morgan" in page and "Look at the &lt;photos&gt;" in page
    with desk.client() as client:
        history = client.get("/chat/history", headers={"Authorization": f"Bearer {session.token}"}).text
    assert "hello" in history and "photos" not in history


def test_a_note_reaches_an_open_page_once(alex, sam, address):
    first = sam.get(f"{address}/updates?after=0&after_note=0").text
    alex.post(f"{address}/notes", htmx=True, note_text="One")
    new = sam.get(f"{address}/updates?after=0&after_note=0").text
    assert "One" not in first and "Note by Alex Morgan" in new
    seen = new.split('id="seen-note" name="after_note" value="')[1].split('"')[0]
    assert "Note by Alex Morgan" not in sam.get(f"{address}/updates?after=0&after_note={seen}").text


def test_an_empty_or_endless_note_is_a_sentence_and_keeps_the_text(alex, address):
    assert "Write a note first." in alex.post(f"{address}/notes", htmx=True, note_text=" ").text
    long = "x" * 2001
    answer = alex.post(f"{address}/notes", htmx=True, note_text=long)
    assert answer.status_code == 409 and "shorten it to 2,000" in answer.text and long in answer.text


def test_a_whisper_is_for_the_agent_and_supervisors(desk, alex, sam, address):
    alex.post(f"{address}/take", seen_assignee="")
    wait_for(lambda: "Whisper to Alex" in sam.get(address).text)
    assert sam.post(f"{address}/whisper", whisper_text="Offer the £20 credit").status_code == 303
    assert "Whisper from Sam Reid" in alex.get(address).text
    assert "Offer the £20 credit" in sam.get(address).text
    assert alex.post(f"{address}/whisper", htmx=True, whisper_text="x").status_code in (403, 409)
