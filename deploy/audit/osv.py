"""Advisories from a folder, for a machine that cannot ask an advisory service.

The folder is a checkout of PyPA's advisory database (github.com/pypa/advisory-database): one YAML file an advisory,
in the OSV format (ossf.github.io/osv-schema). A server on loopback answers OSV's query API, which pip-audit asks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


class NoAdvisories(Exception):
    """The folder is no checkout of the advisory database; str() says what to do."""


def affects(advisory: dict[str, Any], package: str, version: str) -> bool:
    """Whether an advisory names this version of a package, in its list of versions or between two events of a range."""
    for affected in advisory.get("affected", []):
        if canonicalize_name(affected.get("package", {}).get("name", "")) != package:
            continue
        if version in affected.get("versions", []):
            return True
        ranges = [r for r in affected.get("ranges", []) if r.get("type") == "ECOSYSTEM"]
        if any(_within(found["events"], version) for found in ranges):
            return True
    return False


def _within(events: list[dict[str, str]], version: str) -> bool:
    """OSV's algorithm: the last event at or before the version decides."""
    try:
        wanted, inside = Version(version), False
        points = [(Version(v), kind) for event in events for kind, v in event.items() if kind != "limit"]
    except InvalidVersion:
        return False
    for point, kind in sorted(points):
        if kind == "introduced" and wanted >= point:
            inside = True
        elif (kind == "fixed" and wanted >= point) or (kind == "last_affected" and wanted > point):
            inside = False
    return inside


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """The URL of a query API on loopback over the advisories in `folder`. Raises NoAdvisories."""
    if not (folder / "vulns").is_dir():
        raise NoAdvisories(f"{folder} has no folder vulns: name a checkout of PyPA's advisory database.")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            package = canonicalize_name(query["package"]["name"])
            known = [yaml.safe_load(file.read_text()) for file in sorted((folder / "vulns" / package).glob("*.yaml"))]
            found = [advisory for advisory in known if affects(advisory, package, query["version"])]
            body = json.dumps({"vulns": found} if found else {}, default=str).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
