"""The copilot over HTTP, from the action server as a real process: token, bodies, errors, the OpenAPI page."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import jsonschema
import pytest
from copilot_fixtures import SAM
from test_server import AUTH, Server

POSTS = ("suggest", "search", "next", "run", "rewrite", "draft", "customer")
TALK = {"conversation": "c", "turns": [{"n": 1, "who": "customer", "text": "hello"}], "agent": SAM}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("var"))
    yield running
    running.process.terminate()
    assert running.process.wait(30) == 0


def post(server: Server, path: str, body: Any) -> httpx.Response:
    return httpx.post(f"{server.url}/copilot/{path}", json=body, headers=AUTH, timeout=60)


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/copilot/openapi.json", headers=AUTH).json()
    return found


@pytest.mark.parametrize("path", POSTS)
def test_nothing_without_the_token(server: Server, path: str) -> None:
    assert httpx.post(f"{server.url}/copilot/{path}", json={}).status_code == 401


def test_the_pages_need_the_token_too(server: Server) -> None:
    for path in ("openapi.json", "docs"):
        assert httpx.get(f"{server.url}/copilot/{path}").status_code == 401


@pytest.mark.parametrize("path", POSTS)
def test_a_body_that_is_no_object_is_a_400(server: Server, path: str) -> None:
    for content in (b"", b"[1]", b"{", b'"text"'):
        refused = httpx.post(f"{server.url}/copilot/{path}", content=content, headers=AUTH)
        assert refused.status_code == 400 and "send a JSON object" in refused.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("suggest", {"turns": [], "agent": SAM}, "`conversation` is missing"),
        ("suggest", TALK | {"turns": [{"who": "robot", "text": "x"}]}, "`turns.0.who` cannot be taken"),
        ("search", {"query": ""}, "`query` cannot be taken"),
        ("search", {"query": "x", "k": 1000}, "`k` cannot be taken"),
        ("rewrite", {"text": "x", "style": "ruder"}, "`style` cannot be taken"),
        ("run", {"conversation": "c", "action": "balance", "agent": SAM}, "`request` is missing"),
        ("customer", {"conversation": "c", "agent": {"name": "x", "role": "root"}}, "`agent.role` cannot be taken"),
        ("draft", {"text": "x" * 20_001, "conversation": "c", "agent": SAM}, "`text` cannot be taken"),
    ],
)
def test_a_wrong_field_is_named_and_never_repeated(server: Server, path: str, body: Any, named: str) -> None:
    refused = post(server, path, body)
    assert refused.status_code == 422
    assert refused.json()["error"].startswith(named) and "xxxx" not in refused.text and "robot" not in refused.text


def test_each_endpoint_answers_as_it_is_described(server: Server, document: dict[str, Any]) -> None:
    bodies = {
        "suggest": TALK,
        "search": {"query": "late payment fee"},
        "next": TALK,
        "run": {"conversation": "c", "action": "check_outage", "params": {"postcode": "CF10"}, "agent": SAM,
                "request": "request-1"},
        "rewrite": {"text": "We will utilise it.", "style": "simpler"},
        "draft": {"text": "The fee is £7.50.", "conversation": "c", "agent": SAM},
        "customer": {"conversation": "c", "agent": SAM},
    }  # fmt: skip
    for path, body in bodies.items():
        answer = post(server, path, body)
        assert answer.status_code == 200, answer.text
        described = document["paths"][f"/copilot/{path}"]["post"]
        for schema, value in (
            (described["responses"]["200"]["content"], answer.json()),
            (described["requestBody"]["content"], body),
        ):
            whole = schema["application/json"]["schema"] | {"components": document["components"]}
            jsonschema.Draft202012Validator(whole).validate(value)


def test_an_action_below_the_level_is_a_403(server: Server) -> None:
    call = {"conversation": "c", "action": "balance", "agent": SAM, "request": "request-2"}
    refused = post(server, "run", call)
    assert refused.status_code == 403 and "not verified" in refused.json()["error"]
    assert post(server, "run", call | {"action": "nothing"}).status_code == 404


def test_no_text_of_a_customer_or_agent_is_logged(server: Server) -> None:
    post(server, "suggest", TALK | {"turns": [{"n": 1, "who": "customer", "text": "zebra-4711 where is it?"}]})
    post(server, "rewrite", {"text": "zebra-4711 is here.", "style": "formal"})
    assert "zebra-4711" not in server.log.read_text()


def test_the_document_is_an_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0" and {"title", "version"} <= document["info"].keys()
    assert {f"/copilot/{path}" for path in POSTS} <= document["paths"].keys()
    names = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(set(names)) == len(names)
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name.isidentifier()
    for ref in _refs(document):
        assert ref.startswith("#/components/schemas/") and ref.rsplit("/", 1)[1] in schemas
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"] and {"200", "401", "422"} <= operation["responses"].keys()
            assert all(response["description"] for response in operation["responses"].values())
    assert document["security"] == [{"token": []}] and "token" in document["components"]["securitySchemes"]


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for inner in value.values():
            yield from _refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _refs(inner)


class Links(HTMLParser):
    """The ids of a page, what it links to, and whether it loads anything."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.to: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {given.get("id") or ""}
        if tag == "a":
            self.to.add(given.get("href") or "")
        if tag in ("script", "link", "img", "iframe") or "src" in given:
            self.loads.append(tag)


def test_the_page_is_whole_and_loads_nothing(server: Server, document: dict[str, Any]) -> None:
    answer = httpx.get(f"{server.url}/copilot/docs", headers=AUTH)
    assert answer.headers["content-type"].startswith("text/html")
    page = Links()
    page.feed(answer.text)
    assert page.loads == []
    assert {link.removeprefix("#") for link in page.to} <= page.ids
    assert all(path in answer.text for path in document["paths"])
