"""The wheel that the image installs: everything of ours is in it, and it works from an empty folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deploy.dockerfile import ROOT

PACKAGES = ("bot", "commands")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the command that the image is built by."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = folder.glob("tiphys-*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def python(unpacked: Path, folder: Path, *arguments: str) -> str:
    """What it prints, run in an empty folder with the wheel before everything else."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(unpacked), "TIPHYS_DATA": str(folder / "data")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_everything_of_ours_is_in_it_and_nothing_else(wheel: Path) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == ours
    assert {"bot/py.typed", "bot/sandbox/page/index.html", "bot/store/migrations/script.py.mako"} <= names
    assert any(name.startswith("bot/store/migrations/versions/v0001") for name in names)


def test_it_works_unpacked(unpacked: Path, tmp_path: Path) -> None:
    assert python(unpacked, tmp_path, "-c", "import bot; print(bot.__file__)") == f"{unpacked}/bot/__init__.py\n"
    assert python(unpacked, tmp_path, "-m", "bot", "--version").startswith("tiphys ")
    assert "slash_commands" in python(unpacked, tmp_path, "-m", "bot", "manifest")
    assert "schema empty → " in python(unpacked, tmp_path, "-m", "bot", "db", "upgrade")
    assert "--replicas" in python(unpacked, tmp_path, "-m", "bot", "sandbox", "--help")
