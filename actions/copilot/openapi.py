"""The OpenAPI description of the copilot's endpoints, made of the pydantic models that read and write their bodies.

Each endpoint describes itself once (`describe`, called by `calls.endpoint`); `document` is what
GET /copilot/openapi.json gives.
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

VERSION = "1.0.0"
TITLE = "Tandem copilot"
ABOUT = (
    "What a human agent gets from the same retriever, policy and back office as the assistant. Every call carries "
    '`Authorization: Bearer` and the ACTIONS_TOKEN. An error is one sentence: `{"error": "…"}`.'
)
ERRORS = {
    "400": "The body is no JSON object.",
    "401": "The token is missing or wrong.",
    "422": "A field is missing or cannot be taken; the sentence names it.",
    "503": "A system behind cannot be reached just now.",
}


@dataclass(frozen=True)
class Operation:
    """One endpoint; `path` in OpenAPI's form (/copilot/articles/{reference}), `takes` is the body or, on GET, the
    query."""

    path: str
    method: str
    takes: type[BaseModel] | None
    gives: type[BaseModel]
    summary: str
    about: str = ""
    errors: tuple[tuple[int, str], ...] = ()


_operations: dict[tuple[str, str], Operation] = {}


def describe(
    path: str,
    method: str,
    takes: type[BaseModel] | None,
    gives: type[BaseModel],
    summary: str,
    about: str = "",
    errors: dict[int, str] | None = None,
) -> None:
    """Add an endpoint; `path` may be written in Sanic's way (<reference>). Describing it again replaces it."""
    path = re.sub(r"<(\w+)(?::[^>]*)?>", r"{\1}", path)
    operation = Operation(path, method.lower(), takes, gives, summary, about, tuple((errors or {}).items()))
    _operations[path, operation.method] = operation


def document() -> dict[str, Any]:
    """The description of all endpoints: OpenAPI 3.1."""
    operations = [_operations[key] for key in sorted(_operations)]
    bodies = [(o.takes, "validation") for o in operations if o.takes and o.method != "get"]
    models: list[Any] = [*bodies, *((o.gives, "serialization") for o in operations)]
    schemas, definitions = models_json_schema(list(dict.fromkeys(models)), ref_template="#/components/schemas/{model}")
    refs = {key: dict(schema) for key, schema in schemas.items()}
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation, refs)
    error = {
        "type": "object",
        "properties": {"error": {"type": "string", "description": "one sentence that says what to do"}},
        "required": ["error"],
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": ABOUT},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}) | {"Error": error},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "ACTIONS_TOKEN"}},
        },
    }


def _described(operation: Operation, refs: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """The Operation Object of an endpoint."""
    failed = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    told = ERRORS | {str(status): text for status, text in operation.errors}
    given = {"application/json": {"schema": refs[operation.gives, "serialization"]}}
    found: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{operation.method}_{operation.path.removeprefix('/copilot/')}").strip("_"),
        "summary": operation.summary,
        "responses": {"200": {"description": "Done.", "content": given}}
        | {status: {"description": text, "content": failed} for status, text in sorted(told.items())},
    }
    if operation.about:
        found["description"] = operation.about
    if parameters := _parameters(operation):
        found["parameters"] = parameters
    if operation.takes and operation.method != "get":
        schema = refs[operation.takes, "validation"]
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    """What stands in the path, and for GET in the query."""
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    if operation.takes and operation.method == "get":
        schema = operation.takes.model_json_schema()
        needed = schema.get("required", [])
        found += [
            {"name": name, "in": "query", "required": name in needed, "schema": about}
            for name, about in schema.get("properties", {}).items()
        ]
    return found
