"""The copilot's panel over HTTP: suggestions, articles, next steps, other words; with the copilot down, too."""

import html
import json

import pytest
from conftest import ScriptedActions, handed_over, tables_of, user, wait_for

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
SUGGESTION = {
    "id": "s1",
    "text": "Your deposit comes back within 5 days.",
    "kind": "answer",
    "why": "The customer asked about a deposit.",
    "sources": [{"title": "Deposits", "article": "billing/deposits", "passage": "Deposits are paid back in 5 days."}],
}
ACTION = {
    "id": "move_visit",
    "title": "Move the visit",
    "why": "The customer asked for another day.",
    "needs": "known",
    "allowed": True,
    "blocked_by": "",
    "params": {"reference": "V-1042", "visit_slot": None},
    "changes": True,
}


@pytest.fixture(scope="module")
def alex(desk):
    return desk.logged_in("alex")


@pytest.fixture(scope="module")
def sam(desk):
    return desk.logged_in("sam")


@pytest.fixture
def address(desk, alex, assistant, request):
    """A conversation that Alex has."""
    sender = request.node.name
    desk.stream.publish(sender, user("When do I get my deposit back?"), *handed_over())
    found = alex.find(sender)
    wait_for(lambda: "Waiting for a person" in alex.get(found).text)
    assert alex.post(f"{found}/take", htmx=True, seen_assignee="").status_code == 200
    assistant.requests.clear()
    return found


def test_the_panel_offers_replies_with_sources_and_one_key(alex, actions: ScriptedActions, address):
    actions.answers["/copilot/suggest"] = (200, {"suggestions": [SUGGESTION] * 4, "by": "twin"})
    actions.answers["/copilot/next"] = (200, {"actions": [ACTION]})
    assert f'hx-get="{address}/copilot/live"' in alex.get(f"{address}/copilot").text
    page = alex.get(f"{address}/copilot/live").text
    assert page.count("data-insert=") == 3
    assert 'aria-keyshortcuts="Alt+3"' in page
    assert "Deposits are paid back in 5 days." in page and "The customer asked about a deposit." in page
    assert 'name="param-reference" value="V-1042"' in page
    assert 'name="param-visit_slot" value=""' in page and "Visit slot" in page
    asked = dict(actions.requests)["/copilot/suggest"]
    assert asked["turns"][0]["n"] == 1
    assert (asked["turns"][0]["who"], asked["turns"][0]["text"]) == ("customer", "When do I get my deposit back?")
    assert asked["packet"]["issue"] == "Wants a refund"
    assert asked["agent"] == {"name": "alex", "first_name": "Alex", "role": "agent"}


def test_a_copilot_that_is_down_is_one_quiet_sentence(alex, actions, assistant, address):
    for path in ("suggest", "next", "search"):
        actions.answers[f"/copilot/{path}"] = (503, {"error": "The articles are being read in."})
    page = alex.get(f"{address}/copilot/live")
    assert page.status_code == 200
    assert "reply in your own words" in page.text and "The articles are being read in." in page.text
    search = alex.get(f"{address}/copilot/search?q=fees")
    assert search.status_code == 200 and "can't be searched just now" in search.text
    assert alex.reply(address, "I will look it up").status_code == 200
    assert assistant.requests


def test_odd_answers_of_the_copilot_are_no_error(alex, actions, address):
    actions.answers["/copilot/suggest"] = (
        200,
        {"suggestions": [None, 3, {"text": None}, {"text": "Yes", "sources": 7}]},
    )
    actions.answers["/copilot/next"] = (200, {"actions": {"id": "x"}})
    page = alex.get(f"{address}/copilot/live").text
    assert page.count("data-insert=") == 1 and "Nothing to propose for this conversation." in page


def test_nothing_the_copilot_says_is_markup(alex, actions, address):
    source = {"title": EVIL, "article": EVIL, "passage": EVIL}
    suggestion = {"id": EVIL, "text": EVIL, "kind": EVIL, "why": EVIL, "sources": [source]}
    action = {"id": EVIL, "title": EVIL, "why": EVIL, "allowed": True, "params": {EVIL: EVIL}, "changes": True}
    blocked = {**action, "allowed": False, "blocked_by": EVIL}
    passage = {key: EVIL for key in ("id", "title", "article", "text", "context", "audience", "valid_from")}
    actions.answers["/copilot/suggest"] = (200, {"suggestions": [suggestion]})
    actions.answers["/copilot/next"] = (200, {"actions": [action, blocked]})
    actions.answers["/copilot/search"] = (200, {"results": [{**passage, "sendable": True}, passage]})
    actions.answers["/copilot/run"] = (200, {"result": EVIL})
    pages = [
        alex.get(f"{address}/copilot/live"),
        alex.get(f"{address}/copilot/search", params={"q": EVIL}),
        alex.post(f"{address}/copilot/run", htmx=True, action=EVIL, title=EVIL, request="r-evil"),
    ]
    actions.answers["/copilot/run"] = (409, {"error": EVIL})
    pages.append(alex.post(f"{address}/copilot/run", htmx=True, action=EVIL, title=EVIL, request="r-evil2"))
    for page in pages:
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
        assert "&lt;script&gt;" in page.text


def test_internal_passages_are_marked_and_cannot_be_inserted(alex, actions, address):
    open_, internal = (
        {"title": title, "article": "a", "text": f"Text of {title}", "context": "Fees", "sendable": sendable}
        for title, sendable in (("Fees", True), ("Goodwill", False))
    )
    actions.answers["/copilot/search"] = (200, {"results": [open_, internal]})
    page = alex.get(f"{address}/copilot/search?q=fees").text
    assert page.count("data-insert=") == 1
    assert "Text of Fees\nSource: Fees" in html.unescape(page)
    assert "Internal" in page and "For colleagues only" in page and "Text of Goodwill" in page


def test_what_was_suggested_and_what_was_sent_are_kept(desk, alex, actions, address):
    actions.answers["/copilot/draft"] = (200, {"outcome": "allow"})
    sources = json.dumps([{"title": "Deposits", "article": "billing/deposits", "extra": 1}])
    for _ in range(2):
        put = alex.post(f"{address}/copilot/inserted", text=SUGGESTION["text"], kind="answer", sources=sources)
        assert put.status_code == 201
        assert alex.reply(address, SUGGESTION["text"] if _ == 0 else "Within 5 days.").status_code == 200
    alex.reply(address, "Anything else?")
    query = "SELECT suggestion, sent_text, edited, sources, kind FROM suggestion_uses WHERE conversation_id = :id"
    kept = tables_of(desk)(query, id=int(address.rsplit("/", 1)[1]))
    assert [(row.sent_text, row.edited) for row in kept] == [(SUGGESTION["text"], 0), ("Within 5 days.", 1)]
    assert json.loads(kept[0].sources) == [{"title": "Deposits", "article": "billing/deposits"}]
    assert alex.post(f"{address}/copilot/inserted", text="x", kind="answer", sources="[broken").status_code == 201


def test_a_next_step_runs_once_with_its_parameters_and_is_audited(desk, alex, actions, address):
    actions.answers["/copilot/run"] = (200, {"result": "The visit is on 3 December."})
    ran = alex.post(
        f"{address}/copilot/run",
        htmx=True,
        action="move_visit",
        title="Move the visit",
        request="r1",
        **{"param-reference": "V-1042", "param-visit_slot": "3 December"},
    )
    assert ran.status_code == 200 and "The visit is on 3 December." in ran.text
    assert ran.headers["hx-trigger"] == "copilot-ran"
    asked = actions.requests[-1][1]
    assert asked["params"] == {"reference": "V-1042", "visit_slot": "3 December"}
    assert (asked["action"], asked["request"]) == ("move_visit", "r1")
    actions.answers["/copilot/run"] = (403, {"error": "This needs a one-time code first."})
    refused = alex.post(f"{address}/copilot/run", htmx=True, action="move_visit", title="Move", request="r2")
    assert refused.status_code == 409 and "This needs a one-time code first." in refused.text
    assert "hx-trigger" not in refused.headers
    query = "SELECT action, detail FROM audit WHERE conversation_id = :id AND action LIKE 'run%'"
    assert [tuple(row) for row in tables_of(desk)(query, id=int(address.rsplit("/", 1)[1]))] == [
        ("run", "move_visit"),
        ("run_refused", "move_visit"),
    ]


def test_a_blocked_step_says_what_is_missing_and_has_no_button(alex, actions, address):
    blocked = {**ACTION, "allowed": False, "blocked_by": "The customer must be verified first."}
    actions.answers["/copilot/suggest"] = (200, {"suggestions": []})
    actions.answers["/copilot/next"] = (200, {"actions": [blocked]})
    page = alex.get(f"{address}/copilot/live").text
    assert "The customer must be verified first." in page
    assert "<dialog" not in page and "/copilot/run" not in page


def test_other_words_for_a_draft_or_the_reason_why_not(alex, actions, address):
    actions.answers["/copilot/rewrite"] = (200, {"text": "Shorter.", "by": "twin"})
    put = {"text": "A long text", "style": "shorter"}
    assert alex.post(f"{address}/copilot/rewrite", **put).json() == {"text": "Shorter."}
    actions.answers["/copilot/rewrite"] = (422, {"error": "The amount would not survive."})
    refused = alex.post(f"{address}/copilot/rewrite", **put)
    assert (refused.status_code, refused.json()) == (409, {"error": "The amount would not survive."})
    assert alex.post(f"{address}/copilot/rewrite", text="x", style="ruder").status_code == 409
    assert alex.post(f"{address}/copilot/rewrite", text=" ", style="formal").json() == {
        "error": "Write something first."
    }


def test_only_who_has_the_conversation_uses_the_copilot(alex, sam, actions, address):
    asked = len(actions.requests)
    assert "/copilot/live" not in sam.get(f"{address}/copilot").text
    assert sam.get(f"{address}/copilot/live").status_code == 400
    for part in ("run", "rewrite", "inserted"):
        assert sam.post(f"{address}/copilot/{part}", action="x", text="x", style="formal").status_code == 400
        assert alex.client.post(f"{address}/copilot/{part}", data={"text": "x"}).status_code == 403
    assert len(actions.requests) == asked
    assert alex.get("/desk/conversations/999999/copilot").status_code == 404
