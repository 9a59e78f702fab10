"""The page at GET /copilot/docs: the OpenAPI description, readable, in one file that loads nothing from elsewhere."""

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
body { color: #1d2530; background: #fff; }
h2 { border-top: 1px solid #ccd3dc; padding-top: 1.5rem; margin-top: 2.5rem; font-size: 1.15rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: #f3f5f8; padding: .8rem; overflow-x: auto; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #e2e6ec; vertical-align: top; }
.method { color: #fff; background: #1f5fbf; border-radius: 4px; padding: .1rem .45rem; font-size: .8rem; }
@media (prefers-color-scheme: dark) {
  body { color: #e4e8ee; background: #14181f; } pre { background: #1f2530; }
  th, td, h2 { border-color: #333c4a; } a { color: #8ab4f8; }
}
"""
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
# The page's own style is all that a browser may use of it.
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_CALL = """curl -s -H "Authorization: Bearer $ACTIONS_TOKEN" -H "Content-Type: application/json" \\
    -d '{"query": "late payment fee"}' http://localhost:5055/copilot/search"""


def page(document: dict[str, Any]) -> str:
    """The HTML page of an OpenAPI document."""
    operations = [
        (path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()
    ]
    contents = "".join(
        f'<li><a href="#{o["operationId"]}"><code>{m.upper()} {escape(p)}</code></a>: {escape(o["summary"])}</li>'
        for p, m, o in operations
    )
    schemas = document["components"]["schemas"]
    sections = "".join(_section(p, m, o) for p, m, o in operations)
    objects = "".join(_schema(name, schema) for name, schema in sorted(schemas.items()))
    about, title = escape(document["info"]["description"]), escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<h1>{title} {escape(document['info']['version'])}</h1><p>{about}</p><pre>{escape(_CALL)}</pre>"
        f"<p>The same for machines: <code>GET /copilot/openapi.json</code>.</p><ul>{contents}</ul>{sections}"
        f"<h1>Objects</h1>{objects}</body></html>"
    )


def _section(path: str, method: str, operation: dict[str, Any]) -> str:
    """One endpoint: what it takes, what it gives, what can go wrong."""
    rows = "".join(
        f"<tr><td>{escape(p['name'])}</td><td>{escape(p['in'])}</td><td>{_kind(p['schema'])}</td></tr>"
        for p in operation.get("parameters", [])
    )
    parameters = f"<table><tr><th>Parameter</th><th>In</th><th>Type</th></tr>{rows}</table>" if rows else ""
    body = operation.get("requestBody")
    takes = f"<p>Takes {_kind(body['content']['application/json']['schema'])}.</p>" if body else ""
    given = operation["responses"]["200"]["content"]["application/json"]["schema"]
    errors = "".join(
        f"<tr><td>{status}</td><td>{escape(told['description'])}</td></tr>"
        for status, told in operation["responses"].items()
        if status != "200"
    )
    return (
        f'<h2 id="{operation["operationId"]}"><span class="method">{escape(method.upper())}</span> '
        f"<code>{escape(path)}</code></h2>"
        f"<p><strong>{escape(operation['summary'])}.</strong> {escape(operation.get('description', ''))}</p>"
        f"{parameters}{takes}<p>Gives {_kind(given)}.</p>"
        f"<table><tr><th>Status</th><th>When</th></tr>{errors}</table>"
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    """One object with its fields."""
    needed = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{'' if field in needed else ' (optional)'}</td><td>{_kind(about)}</td>"
        f"<td>{escape(str(about.get('description', '')))}</td></tr>"
        for field, about in schema.get("properties", {}).items()
    )
    table = f"<table><tr><th>Field</th><th>Type</th><th></th></tr>{rows}</table>" if rows else ""
    return f'<h2 id="{escape(name)}">{escape(name)}</h2><p>{escape(schema.get("description", ""))}</p>{table}'


def _kind(schema: dict[str, Any]) -> str:
    """A schema's type in a few words, with a link to the object that it names."""
    if ref := schema.get("$ref"):
        name = escape(ref.rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if options := schema.get("anyOf"):
        return " or ".join(_kind(option) for option in options)
    if "enum" in schema:
        return " | ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(str(schema.get("type", "anything")))
