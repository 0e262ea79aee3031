"""The worked examples of `docs/adding/` work: they are built into a copy of the house, and their tests run there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.ports import Forge

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/adding"
FENCE = re.compile(r"^```(python|diff)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = ("command", "gate", "rule", "strategy")


def test_every_page_is_known() -> None:
    assert sorted(page.stem for page in PAGES.glob("*.md")) == sorted((*EXAMPLES, "forge"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A copy of the house with everything built that the pages show; and the files that came with it."""
    copy = tmp_path_factory.mktemp("adding") / "house"
    for folder in ("bot", "commands", "tests"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "samples"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy, [path for name in EXAMPLES for path in built(copy, (PAGES / f"{name}.md").read_text("utf-8"))]


def test_the_examples_work(house: tuple[Path, list[str]]) -> None:
    tests = [path for path in house[1] if path.startswith("tests/")]
    assert len(tests) == len(EXAMPLES)
    run_in(
        house[0], sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "tests/rules/test_roster.py"
    )


def test_the_examples_are_written_as_the_house_is(house: tuple[Path, list[str]]) -> None:
    ruff = str(Path(sys.executable).parent / "ruff")
    run_in(house[0], ruff, "format", "--no-cache", "--check", *house[1])
    run_in(house[0], ruff, "check", "--no-cache", *house[1])


def test_every_method_of_a_forge_is_told() -> None:
    methods = {name for name, member in vars(Forge).items() if callable(member) and not name.startswith("_")}
    page = (PAGES / "forge.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == methods


def run_in(house: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=house, env={**os.environ, "PYTHONPATH": str(house)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def built(house: Path, page: str) -> list[str]:
    """Write the page's files and change the lines that it changes; answers the paths of what was written."""
    paths = []
    for kind, path, code in FENCE.findall(page):
        if kind == "diff":
            changed(house / path, code)
            continue
        assert not (house / path).exists(), f"{path} exists: the page needs another example"
        (house / path).write_text(code, "utf-8")
        paths.append(path)
    return paths


def changed(file: Path, diff: str) -> None:
    """Apply pairs of an old and a new line; each old one stands once."""
    lines = diff.splitlines()
    text = file.read_text("utf-8")
    for old, new in zip(lines[::2], lines[1::2], strict=True):
        assert (old[0], new[0]) == ("-", "+")
        assert text.count(f"{old[1:]}\n") == 1, f"{file.name} has no line {old[1:]!r}"
        text = text.replace(f"{old[1:]}\n", f"{new[1:]}\n")
    file.write_text(text, "utf-8")
