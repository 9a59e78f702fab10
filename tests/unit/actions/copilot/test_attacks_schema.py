"""The copilot's endpoints against their own OpenAPI description: whatever is sent, the answer is one that it names."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from test_server import AUTH, Server

from tests.attacks import attempt

EXAMPLES = 12  # of each endpoint and kind
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
SECRETS = ("Traceback", "/actions/", "sqlalchemy", AUTH["Authorization"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("var"))
    yield running
    running.process.terminate()
    assert running.process.wait(30) == 0


@pytest.fixture(scope="module")
def schema(server: Server) -> Any:
    return schemathesis.openapi.from_dict(httpx.get(f"{server.url}/copilot/openapi.json", headers=AUTH).json())


def labels() -> list[tuple[str, str]]:
    """Path and method of each endpoint, as the description names them."""
    from actions.copilot import api, articles, openapi, slots, wrapup_api  # noqa: F401  each describes its own

    return sorted((path, method) for path, methods in openapi.document()["paths"].items() for method in methods)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize(("path", "method"), labels())
def test_every_answer_is_as_described(
    server: Server, schema: Any, path: str, method: str, mode: schemathesis.GenerationMode
) -> None:
    operation = schema[path][method.upper()]

    @QUIET
    @given(case=operation.as_strategy(generation_mode=mode))
    def sent(case: Any) -> None:
        response = case.call(base_url=server.url, headers=AUTH, timeout=60)
        case.validate_response(response, checks=CHECKS)
        told = not any(secret in response.text for secret in SECRETS)
        attempt("schemathesis: made-up request", f"{method} {path} {mode.name}", told and response.status_code < 500)

    sent()
