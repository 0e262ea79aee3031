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
    """Put new lines in the place of an old one, again and again; each old one stands once."""
    text = file.read_text("utf-8")
    places = re.findall(r"^-(.*\n)((?:^\+.*\n)+)", diff, re.MULTILINE)
    assert "".join(f"-{old}{new}" for old, new in places) == diff
    for old, new in places:
        assert text.count(old) == 1, f"{file.name} has no line {old!r}"
        text = text.replace(old, re.sub(r"^\+", "", new, flags=re.MULTILINE))
    file.write_text(text, "utf-8")
