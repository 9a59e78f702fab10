"""The desk's API for the action server, on a running desk."""

from datetime import timedelta

import httpx
import pytest
from conftest import handed_over, slot, user, wait_for

from desk.models import now


@pytest.fixture
def api(desk):
    with httpx.Client(
        base_url=f"{desk.url}/api", headers={"Authorization": "Bearer desk-token"}, trust_env=False
    ) as client:
        yield client


def callback(**fields):
    at = (now() + timedelta(hours=2)).isoformat()
    body = {"conversation": "caller", "queue": "billing", "at": at, "phone": "07700 900123", "text": "About the bill"}
    return {**body, "request": "a" * 64, **fields}


def test_only_with_the_token(desk):
    for headers in ({}, {"Authorization": "Bearer nope"}, {"Authorization": "Basic desk-token"}):
        for path in ("/api/health", "/api/queues/billing/estimate"):
            response = httpx.get(desk.url + path, headers=headers, trust_env=False)
            assert response.status_code == 401 and "error" in response.json()
        assert httpx.post(f"{desk.url}/api/callbacks", json=callback(), headers=headers).status_code == 401


def test_health(api):
    assert api.get("/health").json() == {"status": "ok"}


def test_an_estimate_counts_places_and_learns_from_the_last_waits(desk, api, alex):
    path = "/queues/estimates/estimate"
    assert api.get(path).json() == {
        "waiting": 0,
        "position": 1,
        "wait_minutes": None,
        "agents": 1,
        "open": True,
    }
    for sender in ("e-one", "e-two"):
        [packet, owner] = handed_over()
        packet["value"]["queue"] = "estimates"
        started = now().timestamp() - 200
        events = [{**event, "timestamp": started} for event in (user("hi"), packet, owner)]
        desk.stream.publish(sender, *events)
    wait_for(lambda: api.get(path).json()["waiting"] == 2)
    assert api.get(path, params={"conversation": "e-two"}).json()["position"] == 2
    assert api.get(path, params={"conversation": "stranger"}).json()["position"] == 3
    assert alex.post(f"{alex.find('e-one')}/take", seen_assignee="").status_code == 303
    found = api.get(path, params={"conversation": "e-two"}).json()
    assert (found["waiting"], found["position"]) == (1, 1)
    assert found["wait_minutes"] == 4  # 200 s and a moment, one agent
    desk.stream.publish("e-two", slot("owner", "bot"))


@pytest.fixture
def alex(desk, assistant):
    return desk.logged_in("alex")


@pytest.mark.parametrize("queue", ["Billing!", "x" * 65, "%2e%2e"])
def test_no_such_queue(api, queue):
    response = api.get(f"/queues/{queue}/estimate")
    assert response.status_code == 404 and "error" in response.json()


def test_a_call_back_is_kept_once(api):
    first, again = api.post("/callbacks", json=callback()), api.post("/callbacks", json=callback())
    assert (first.status_code, first.json()) == (201, again.json())
    assert first.json()["reference"].startswith("CB-")
    other = api.post("/callbacks", json=callback(request="b" * 64, conversation="known to nobody yet"))
    assert other.json()["reference"] != first.json()["reference"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "tomorrow"},
        {"at": "2020-01-01T00:00:00+00:00"},
        {"at": "2099-01-01T00:00:00+00:00"},
        {"phone": "<script>"},
        {"queue": ""},
        {"text": ""},
        {"text": "x" * 3000},
        {"conversation": 7},
        {"request": "short"},
    ],
)
def test_a_call_back_that_cannot_be_kept_says_why(api, wrong):
    response = api.post("/callbacks", json=callback(**wrong))
    assert response.status_code == 422 and next(iter(wrong)) in response.json()["error"]


def test_a_body_that_is_no_object(api):
    assert api.post("/callbacks", json=[1]).status_code == 422
    response = api.post("/callbacks", content=b"{", headers={"Content-Type": "application/json"})
    assert response.status_code == 400 and "error" in response.json()
