"""The house: imports point one way, folders are mirrored by tests, files stay readable."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ONE_FILE_ONE_TEST = ("commands", "bot/gates", "bot/rules", "bot/strategies")
BANNED_NAMES = {"utils", "helpers", "common", "core", "manager", "misc"}
LONGEST = 400


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_import_contracts_hold() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize("folder", ONE_FILE_ONE_TEST)
def test_one_file_one_test(folder: str) -> None:
    missing = [
        path.name
        for path in sorted((ROOT / folder).glob("*.py"))
        if path.name != "__init__.py"
        and not (ROOT / "tests" / folder.removeprefix("bot/") / f"test_{path.name}").is_file()
    ]
    assert missing == []


def test_no_file_is_a_catch_all() -> None:
    names = [path for path in sources("bot", "commands", "tests") if BANNED_NAMES & {path.stem, *path.parts}]
    assert names == []


def test_files_stay_readable() -> None:
    long = {
        str(p.relative_to(ROOT)): n
        for p in sources("bot", "commands")
        if (n := len(p.read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(p.relative_to(ROOT))
        for p in sources("bot", "commands")
        if not p.read_text().lstrip().startswith(('"""', 'r"""'))
    ]
    assert silent == []


KNOWN_WORDS = ": use /promote"
"""Of the status on other pull requests, which is read on GitHub and known by these."""


def test_hints_name_the_command_that_every_workspace_has() -> None:
    """Which other slash commands there are, and with which prefix, is the operator's choice (`slack.commands`)."""
    names = "|".join(path.stem for path in sources("commands") if path.stem != "__init__")
    hint = re.compile(rf"(?<![\w/.:])/(?:{names})\b(?![/\w])")
    folders = ("commands", "bot/chat", "bot/services", "bot/domain", "bot/slack")
    told = {
        f"{path.relative_to(ROOT)}:{line}": words
        for path in sources(*folders)
        for line, words in _said(ast.parse(path.read_text()))
        if hint.search(words) and words != KNOWN_WORDS
    }
    assert told == {}


def _said(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Strings with their lines; no docstrings."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def test_dependencies_are_pinned_with_hashes_and_name_no_index() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text()
        assert not re.search(r"https?://|--index|--find-links", text)
        packages = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
        assert len(packages) > 20
        for block in re.split(r"\n(?=[a-z0-9])", text.strip()):
            assert "--hash=sha256:" in block, block[:80]
