"""The blocks of docs/designers.md, applied and run in a copy of the project.

A fence may say what it is: `new=<file>` is that file; `to=<file>` is added to it (YAML is joined, what a file of data/
holds is appended); `sh` is run and must succeed; a `text` block after it stands somewhere in its output.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.environment import ROOT

PAGE = ROOT / "docs/designers.md"
FENCE = re.compile(r"^```(?P<info>\S+(?: \S+)?)\n(?P<body>.*?)^```$", re.M | re.S)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is committed or about to be, with the installed environments."""
    folder = tmp_path_factory.mktemp("docs") / "tandem"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for name in (".venv", "actions/.venv", "desk/.venv", ".uv"):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    # What the page shows does not depend on it, and each change would train for minutes.
    config = (folder / "config.yml").read_text(encoding="utf-8")
    (folder / "config.yml").write_text(config.replace("fine_tune: true", "fine_tune: false"), encoding="utf-8")
    return folder


def join(kept: Any, added: Any) -> Any:
    """Two YAML values as one: mappings key by key, lists one after the other."""
    if isinstance(kept, dict) and isinstance(added, dict):
        return {**kept, **{key: join(kept[key], value) if key in kept else value for key, value in added.items()}}
    return [*kept, *added] if isinstance(kept, list) and isinstance(added, list) else added


def add(path: Path, body: str) -> None:
    """Add a block to a file as its reader would."""
    if path.parent.parent.name == "data":
        path.write_text(f"{path.read_text(encoding='utf-8').rstrip()}\n{body}", encoding="utf-8")
        return
    joined = join(yaml.safe_load(path.read_text(encoding="utf-8")), yaml.safe_load(body))
    path.write_text(yaml.safe_dump(joined, allow_unicode=True, sort_keys=False), encoding="utf-8")


def run(folder: Path, commands: str) -> str:
    """Run a block of commands; returns what they printed."""
    env = {**os.environ, "TANDEM_VAR": str(folder / "var"), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    env.pop("TANDEM_MODELS", None)
    done = subprocess.run(["sh", "-ec", commands], cwd=folder, env=env, capture_output=True, text=True, timeout=1500)
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"This block of {PAGE.name} failed:\n{commands}\n{output[-6000:]}"
    return output


def test_the_page_does_what_it_says(copy: Path) -> None:
    printed = ""
    for fence in FENCE.finditer(PAGE.read_text(encoding="utf-8")):
        kind, _, target = fence["info"].partition(" ")
        how, _, name = target.partition("=")
        if how == "new":
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(fence["body"], encoding="utf-8")
        elif how == "to":
            add(copy / name, fence["body"])
        elif kind == "sh":
            printed = run(copy, fence["body"])
        elif kind == "text":
            assert fence["body"].strip() in printed
        else:
            pytest.fail(f"A block of {PAGE.name} is neither for a file nor a command: {fence['info']}")
