"""The dependency audit: `python -m deploy.audit [ADVISORIES]`.

pip-audit looks the packages of the three environments up in the advisory service, or in a checkout of PyPA's advisory
database. Findings that deploy/audit/accepted.yml accepts with a reason are told and do not fail the audit.

Exit code: 0 nothing new, 1 a finding that is not accepted, 2 no such folder, 3 nobody could be asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import yaml

from deploy.audit.osv import NoAdvisories, service
from deploy.local.environment import ROOT

ENVIRONMENTS = {"assistant": ".venv", "actions": "actions/.venv", "desk": "desk/.venv"}
PIP_AUDIT = ROOT / "desk" / ".venv" / "bin" / "pip-audit"
ACCEPTED = Path(__file__).with_name("accepted.yml")
UNREACHABLE = (
    "No advisory service could be asked, so nothing was checked. Try again with the network, or give a checkout of "
    "PyPA's advisory database: make audit ADVISORIES=folder"
)


class Unreachable(Exception):
    """pip-audit got no answer for any package."""


def audit(environment: Path, url: str | None) -> list[dict[str, Any]]:
    """The packages of an environment as pip-audit reports them: name, version, vulns. Raises Unreachable."""
    (packages,) = environment.glob("lib/python3*/site-packages")
    asked = ["-s", "osv", "--osv-url", url] if url else []
    command = [str(PIP_AUDIT), "--path", str(packages), "--format", "json", "--progress-spinner", "off", *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    try:
        report = json.loads(done.stdout)["dependencies"]
    except ValueError:
        raise Unreachable from None
    if all("vulns" not in package for package in report):
        raise Unreachable
    return report


def read_accepted(path: Path = ACCEPTED) -> dict[str, dict[str, str]]:
    """Accepted findings by their id: package and reason."""
    return {entry["id"]: entry for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or []}


def main(arguments: list[str]) -> int:
    """Audit all environments and print what was found."""
    accepted, met, new = read_accepted(), set(), 0
    try:
        with service(Path(arguments[0])) if arguments else nullcontext() as url:
            for name, folder in ENVIRONMENTS.items():
                report = audit(ROOT / folder, url)
                unknown = [package["name"] for package in report if "vulns" not in package]
                print(f"{name}: {len(report) - len(unknown)} packages looked up, {len(unknown)} unknown to the service")
                for package, finding in _findings(report):
                    entry = next((accepted[i] for i in _ids(finding) if i in accepted), None)
                    met.update([entry["id"]] if entry else [])
                    new += entry is None
                    _print(package, finding, entry)
    except NoAdvisories as error:
        print(error, file=sys.stderr)
        return 2
    except Unreachable:
        print(UNREACHABLE, file=sys.stderr)
        return 3
    stale = sorted(set(accepted) - met)
    print(f"{new} new, {len(met)} accepted")
    if stale:
        print(f"Accepted but not among these advisories: {', '.join(stale)}")
    return 1 if new else 0


def _findings(report: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(package, finding) for package in report for finding in package.get("vulns", [])]


def _ids(finding: dict[str, Any]) -> list[str]:
    return [finding["id"], *finding.get("aliases", [])]


def _print(package: dict[str, Any], finding: dict[str, Any], entry: dict[str, str] | None) -> None:
    fixed = ", ".join(finding["fix_versions"]) or "no fix"
    verdict = f"accepted: {entry['reason']}" if entry else f"NEW: {finding['description'][:200]}"
    print(f"  {package['name']} {package['version']} {' '.join(_ids(finding))} (fixed in {fixed}) {verdict}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
