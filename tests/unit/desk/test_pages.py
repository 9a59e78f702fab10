"""The agents' pages over HTTP: log-in, rights, live updates, failures."""

import threading
import time

import httpx
import pytest
from conftest import PASSWORD, bot, handed_over, hidden, user, wait_for

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def alex(desk):
    return desk.logged_in("alex")


@pytest.fixture(scope="module")
def sam(desk):
    return desk.logged_in("sam")


@pytest.fixture
def waiting(desk, alex, request):
    """The address of a conversation that waits for a person."""
    sender = request.node.name
    desk.stream.publish(sender, user("hello"), *handed_over())
    address = alex.find(sender)
    wait_for(lambda: "Waiting for a person" in alex.get(address).text)
    return address


@pytest.mark.parametrize("path", ["/desk", "/desk/inbox", "/desk/conversations/1", "/desk/conversations/1/updates"])
def test_nothing_is_shown_without_a_login(desk, path):
    with desk.client() as client:
        response = client.get(path)
        assert (response.status_code, response.headers["location"]) == (303, "/desk/login")
        assert client.get(path, headers={"HX-Request": "true"}).headers["hx-redirect"] == "/desk/login"
        assert client.get("/desk/stream").status_code == 401
        assert client.get(path, headers={"Accept": "application/json"}).status_code == 401
        assert client.post("/desk/conversations/1/take").status_code == 303


def test_the_login_needs_its_csrf_token_and_sets_careful_cookies(desk):
    with desk.client() as client:
        form = client.get("/desk/login")
        fields = {"name": "alex", "password": PASSWORD}
        assert client.post("/desk/login", data=fields).status_code == 403
        assert client.post("/desk/login", data=fields | {"csrf_token": "0" * 64}).status_code == 403
        response = client.post("/desk/login", data=fields | {"csrf_token": hidden(form.text)})
        cookie = response.headers["set-cookie"]
        assert "tandem_desk=" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
        assert client.get("/desk").headers["cache-control"] == "no-store"


def test_a_wrong_password_keeps_the_name_and_the_sixth_try_is_locked(desk):
    with desk.client() as client:
        statuses = []
        for _ in range(6):
            token = hidden(client.get("/desk/login").text)
            fields = {"name": 'mallory"><b>', "password": "guess", "csrf_token": token}
            response = client.post("/desk/login", data=fields)
            statuses.append(response.status_code)
            assert "mallory&#34;&gt;&lt;b&gt;" in response.text
        assert statuses == [401] * 5 + [429]


def test_every_post_needs_the_sessions_csrf_token(desk, alex, waiting):
    for action in ("take", "reply", "hand-back", "wrap-up/start", "wrap-up/confirm"):
        for fields in ({}, {"csrf_token": "wrong"}):
            response = alex.client.post(f"{waiting}/{action}", data=fields)
            assert response.status_code == 403
    assert alex.client.post("/desk/account/log-out").status_code == 403
    assert "Waiting for a person" in alex.get(waiting).text


def test_what_customers_and_packets_say_is_never_markup(desk, alex):
    desk.stream.publish("evil", user(EVIL, intent=EVIL), bot(EVIL, [{"title": EVIL, "payload": "x"}]))
    desk.stream.publish("evil", *handed_over(EVIL))
    address = alex.find("evil")
    wait_for(lambda: "Waiting for a person" in alex.get(address).text)
    for page in (address, f"{address}/updates", "/desk?view=all", "/desk/inbox?view=queue"):
        text = alex.get(page).text
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text and "<img" not in text


def test_a_transcript_shows_who_spoke_intent_confidence_and_sources(desk, alex):
    desk.stream.publish(
        "transcript",
        user("What does it cost?", "ask_question", 0.42),
        bot("£45.00.\nSource: Fees", sources=[{"title": "Fees", "article": "fees"}]),
    )
    text = alex.get(alex.find("transcript")).text
    wait_for(lambda: "£45.00." in alex.get(alex.find("transcript")).text)
    text = alex.get(alex.find("transcript")).text
    assert "ask_question" in text and "42 %" in text
    assert text.count("Source: Fees") == 1


def test_take_reply_hand_back(desk, alex, assistant, waiting):
    assert "Hand back" in alex.post(f"{waiting}/take", htmx=True, seen_assignee="").text
    assert alex.reply(waiting, "One\n\nTwo").status_code == 200
    assert alex.post(f"{waiting}/hand-back").status_code == 303
    events = [event for path, body in assistant.requests if "/tracker/events" in path for event in body]
    assert [event.get("value") or event["text"].split(".")[0] for event in events] == [
        "agent",
        "Alex has joined the conversation",
        "One\n \nTwo",
        "bot",
        "Alex has left the conversation",
    ]
    path, body = assistant.requests[-1]
    assert "/trigger_intent" in path and body == {"name": "EXTERNAL_handed_back", "entities": {}}
    path = assistant.requests[0][0]
    assert "rasa-token" not in path and "output_channel=latest" in path and "execute_side_effects=true" in path


def test_two_agents_cannot_take_the_same(desk, alex, sam, assistant, waiting):
    statuses = []

    def take(member):
        statuses.append(member.post(f"{waiting}/take", htmx=True, seen_assignee="").status_code)

    threads = [threading.Thread(target=take, args=(member,)) for member in (alex, sam)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409]
    assert len(assistant.requests) == 1


def test_a_supervisor_takes_over_and_the_agent_can_no_longer_reply(desk, alex, sam, assistant, waiting):
    alex.post(f"{waiting}/take", seen_assignee="")
    page = sam.get(waiting).text
    assert "Take over from Alex" in page and 'id="reply"' not in page
    assert sam.post(f"{waiting}/reply", htmx=True, text="hi").status_code == 409
    assert sam.post(f"{waiting}/take", htmx=True, seen_assignee=hidden(page, "seen_assignee")).status_code == 200
    refused = alex.reply(waiting, "hi")
    assert (refused.status_code, refused.json()) == (409, {"error": "Sam Reid has this conversation now."})


@pytest.mark.parametrize("status", [401, 500])
def test_a_failure_is_a_sentence_and_keeps_the_text(desk, alex, assistant, waiting, status):
    alex.post(f"{waiting}/take", seen_assignee="")
    assistant.status = status
    response = alex.reply(waiting, "A long answer")
    assert response.status_code == 502
    assert response.json()["error"].startswith("The assistant")
    page = alex.post(f"{waiting}/reply", text="A long <careful> answer")
    assert page.status_code == 502
    assert "A long &lt;careful&gt; answer</textarea>" in page.text
    assert 'role="alert" id="action-error" >The assistant' in page.text


def test_the_inbox_lists_queue_mine_and_all(desk, alex, assistant, waiting):
    row = 'id="row-' + waiting.rsplit("/", 1)[1] + '"'
    queue = alex.get("/desk?view=queue").text
    assert row in queue and "Wants a refund" in queue and "Customer asked for a person" in queue
    assert row not in alex.get("/desk?view=mine").text
    alex.post(f"{waiting}/take", seen_assignee="")
    assert row not in alex.get("/desk?view=queue").text
    assert row in alex.get("/desk?view=mine").text
    alex.post(f"{waiting}/wrap-up/confirm", disposition="resolved", note="Done", desk_only="1")
    assert row not in alex.get("/desk?view=mine").text
    assert "Closed: Resolved" in alex.get("/desk?view=all").text


def test_open_pages_hear_within_a_second(desk, alex, waiting):
    heard = threading.Event()

    def listen():
        with alex.client.stream("GET", f"/desk/stream?open={waiting.rsplit('/', 1)[1]}") as stream:
            chunks = stream.iter_text()
            next(chunks)
            ready.set()
            while "event: conversation" not in next(chunks):
                continue
            heard.set()

    ready = threading.Event()
    threading.Thread(target=listen, daemon=True).start()
    assert ready.wait(5)
    begin = time.monotonic()
    sender = alex.get(waiting).text.split('data-sender="')[-1].split('"')[0]
    desk.stream.publish(sender, user("are you there?"))
    assert heard.wait(1), time.monotonic() - begin
    assert "are you there?" in alex.get(f"{waiting}/updates?after=0").text


def test_updates_bring_only_what_is_new(desk, alex, waiting):
    page = alex.get(waiting).text
    after, state = hidden(page, "after"), hidden(page, "state")
    sender = waiting.rsplit("/", 1)[1]
    nothing = alex.get(f"{waiting}/updates", params={"after": after, "state": state}).text
    assert "<article" not in nothing and 'id="composer"' not in nothing
    assert f'value="{after}"' in nothing
    changed = alex.get(f"{waiting}/updates", params={"after": "0", "state": "another"}).text
    assert changed.count("<article") == 1 and 'id="composer"' in changed
    assert sender in changed


@pytest.mark.parametrize("path", ["/desk/conversations/999999", "/desk/conversations/x", "/nothing", "/desk/nothing"])
def test_a_page_that_does_not_exist(alex, path):
    response = alex.get(path)
    assert response.status_code == 404
    assert "Traceback" not in response.text and "does not exist" in response.text


def test_odd_requests_are_answered_plainly(desk, alex, waiting):
    huge = alex.client.post(f"{waiting}/reply", data={"csrf_token": alex.csrf_token, "text": "x" * 300_000})
    assert huge.status_code == 413
    assert alex.get(f"{waiting}/updates?after=-1&state=%00").status_code == 200
    assert alex.get("/desk?view=<b>").status_code == 200
    assert alex.post(f"{waiting}/take", seen_assignee="abc").status_code in (303, 409, 502)
    assert httpx.get(desk.url + "/desk/login", headers={"Cookie": "tandem_login="}, trust_env=False).status_code == 200


def test_logging_out_ends_the_session_itself(desk):
    member = desk.logged_in("sam")
    cookie = member.client.cookies["tandem_desk"]
    assert member.post("/desk/account/log-out").status_code == 303
    member.client.cookies.set("tandem_desk", cookie, domain="127.0.0.1", path="/desk")
    assert member.get("/desk").status_code == 303


def test_a_page_that_answers_says_nothing_and_needs_a_log_in(desk, alex):
    response = alex.get("/desk/seen")
    assert (response.status_code, response.text) == (204, "")
    assert desk.client().get("/desk/seen").status_code == 303
    assert 'hx-trigger="sse:ping"' in alex.get("/desk").text
