"""The review of drafted articles."""

import pytest
from conftest import tables_of

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
DRAFT = {"reference": "a1b2c3", "title": "Refunds", "markdown": "# Refunds\n\nIn 5 days.", "at": "2026-11-23T10:00:00"}


@pytest.fixture(scope="module")
def sam(desk):
    return desk.logged_in("sam")


def test_a_supervisor_reads_and_accepts_a_draft(desk, sam, actions):
    actions.answers["/copilot/articles"] = (200, {"articles": [DRAFT]})
    assert 'href="/desk/articles/a1b2c3">Refunds</a>' in sam.get("/desk/articles").text
    assert "# Refunds\n\nIn 5 days.</pre>" in sam.get("/desk/articles/a1b2c3").text
    actions.answers["/copilot/articles/a1b2c3"] = (200, {"status": "accepted"})
    accepted = sam.post("/desk/articles/a1b2c3", decision="accept")
    assert (accepted.status_code, accepted.headers["location"]) == (303, "/desk/articles?said=accept")
    assert "The draft was accepted." in sam.get("/desk/articles?said=accept").text
    sent = next(body for path, body in actions.requests if path == "/copilot/articles/a1b2c3")
    assert sent == {"decision": "accept", "agent": {"name": "sam", "first_name": "Sam", "role": "supervisor"}}
    assert tables_of(desk)("SELECT 1 FROM audit WHERE action = 'article_accepted' AND detail = 'a1b2c3'")


def test_a_rejection_needs_a_reason_and_keeps_it(desk, sam, actions):
    actions.answers["/copilot/articles"] = (200, {"articles": [DRAFT]})
    actions.answers["/copilot/articles/a1b2c3"] = (200, {})
    refused = sam.post("/desk/articles/a1b2c3", decision="reject")
    assert refused.status_code == 409 and "Say why it is rejected" in refused.text
    assert sam.post("/desk/articles/a1b2c3", decision="publish").status_code == 409
    assert "/copilot/articles/a1b2c3" not in dict(actions.requests)
    assert sam.post("/desk/articles/a1b2c3", decision="reject", reason="Too short").status_code == 303
    assert dict(actions.requests)["/copilot/articles/a1b2c3"]["reason"] == "Too short"
    assert tables_of(desk)("SELECT 1 FROM audit WHERE detail = 'a1b2c3: Too short'")


def test_a_decision_that_cannot_be_kept_is_a_sentence(sam, actions):
    actions.answers["/copilot/articles"] = (200, {"articles": [DRAFT]})
    actions.answers["/copilot/articles/a1b2c3"] = (409, {"error": "Somebody has rejected it."})
    failed = sam.post("/desk/articles/a1b2c3", decision="accept")
    assert failed.status_code == 409 and "Somebody has rejected it." in failed.text
    actions.answers["/copilot/articles"] = (503, {"error": "Later."})
    down = sam.get("/desk/articles")
    assert down.status_code == 200 and "The drafts can't be shown just now. Later." in down.text
    actions.answers["/copilot/articles"] = (200, {"articles": []})
    assert sam.get("/desk/articles/a1b2c3").status_code == 404


def test_agents_do_not_review_and_posts_need_their_token(desk, sam, actions):
    alex = desk.logged_in("alex")
    assert alex.get("/desk/articles").status_code == 403
    assert alex.get("/desk/articles/a1b2c3").status_code == 403
    assert alex.post("/desk/articles/a1b2c3", decision="accept").status_code == 403
    assert sam.client.post("/desk/articles/a1b2c3", data={"decision": "accept"}).status_code == 403
    assert not actions.requests


def test_nothing_of_a_draft_is_markup(sam, actions):
    evil = {key: EVIL for key in ("title", "markdown", "status", "at")} | {"reference": "e1"}
    actions.answers["/copilot/articles"] = (200, {"articles": [evil, evil | {"reference": EVIL}]})
    for path in ("/desk/articles", "/desk/articles/e1"):
        page = sam.get(path).text
        assert "<script>alert" not in page and "<img src=x" not in page and "&lt;script&gt;" in page
