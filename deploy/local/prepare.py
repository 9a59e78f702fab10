"""What must be ready before the services start: a trained model and an indexed knowledge base."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from deploy.local.environment import ROOT, StartError

# A change in any of these means another model. policy.yml's escalation words are trained into it.
MODEL_INPUTS = ("data", "domain.yml", "config.yml", "policy.yml", "assistant/nlu", "assistant/policies", "uv.lock")


def fingerprint(root: Path = ROOT) -> str:
    """SHA-256 over the names and contents of everything that the model is made from."""
    digest = hashlib.sha256()
    for path in sorted(input_files(root)):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def input_files(root: Path) -> Iterator[Path]:
    """The files behind MODEL_INPUTS, without what Python leaves beside them."""
    for name in MODEL_INPUTS:
        path = root / name
        found = path.rglob("*") if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def train(env: dict[str, str], force: bool = False) -> Path:
    """Train unless the newest model was made from the same inputs; returns the folder of models."""
    models = Path(env.get("TANDEM_MODELS") or Path(env["TANDEM_VAR"]) / "models")
    models.mkdir(parents=True, exist_ok=True)
    stamp, now = models / "inputs.sha256", fingerprint()
    if not force and any(models.glob("*.tar.gz")) and stamp.exists() and stamp.read_text() == now:
        return models
    log = Path(env["TANDEM_VAR"]) / "log" / "train.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    python = str(ROOT / ".venv/bin/python")
    command = [python, "-m", "rasa", "train", "--out", str(models), "--fixed-model-name", f"tandem-{now[:12]}"]
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            command + (["--force"] if force else []),
            cwd=ROOT,
            env={**env, "LOG_LEVEL": "INFO"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        follow(process, log)
    if process.returncode != 0:
        raise StartError(f"Training failed: {last_error(log)} (all of it: {log})")
    for old in models.glob("*.tar.gz"):
        if now[:12] not in old.name:
            old.unlink()
    stamp.write_text(now)
    print(f"Trained the assistant in {time.monotonic() - started:.0f} s.")
    return models


def follow(process: subprocess.Popen, log: Path) -> None:
    """One progress bar over the components that Rasa reports in its log."""
    total = len(re.findall(r"^\s*- name:", (ROOT / "config.yml").read_text(), re.MULTILINE))
    bar = tqdm(total=total, desc="Training the assistant", unit="part", disable=not sys.stderr.isatty(), leave=False)
    if not sys.stderr.isatty():
        print("Training the assistant …", flush=True)
    with bar:
        while process.poll() is None:
            done = len(re.findall(r"Finished training component|Restored component", log.read_text(errors="replace")))
            bar.update(min(done, total) - bar.n)
            time.sleep(0.3)


def last_error(log: Path) -> str:
    """The last line of the log that looks like an error, for a person to start from."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"Error|Exception|error:", line)]
    return (errors or lines or ["no output"])[-1][:300]


def index_knowledge(env: dict[str, str], watch: bool = False) -> None:
    """Bring the index up to date with knowledge/; the command itself reports bad articles and leaves them out.

    With `watch` it goes on at each change until Ctrl-C.
    """
    command = [str(ROOT / "actions/.venv/bin/python"), "-m", "actions.knowledge", *(["--watch"] if watch else [])]
    result = subprocess.run(command, cwd=ROOT, env=env, check=False)
    if result.returncode not in (0, 1):
        raise StartError("The knowledge base could not be indexed: see the message above.")


def main() -> None:
    """`python -m deploy.local.prepare train [--force]` or `... knowledge [--watch]`."""
    from deploy.local.environment import compose

    env = compose(Path(os.environ.get("TANDEM_VAR", ROOT / "var")))
    try:
        if "knowledge" in sys.argv:
            index_knowledge(env, watch="--watch" in sys.argv)
        else:
            train(env, force="--force" in sys.argv)
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
