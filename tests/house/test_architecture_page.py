"""The page about the architecture names the tree as it is: nothing missing, nothing made up."""

import re
from pathlib import Path

import pytest

from bot.store.tables import metadata

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
NAMED = set(re.findall(r"`((?:bot|commands|tests|docs|deploy)/[\w./-]*)`", PAGE))


def folders() -> set[str]:
    """Every folder with code of ours below `bot/`, and the page's."""
    with_code = {path.parent for path in (ROOT / "bot").rglob("*.py")} | {ROOT / "bot/sandbox/page"}
    return {f"{folder.relative_to(ROOT).as_posix()}/" for folder in with_code}


def test_every_folder_is_named() -> None:
    assert sorted(folders() - NAMED) == []


def test_every_module_at_the_top_is_named() -> None:
    modules = {f"bot/{path.name}" for path in (ROOT / "bot").glob("*.py") if path.name != "__init__.py"}
    assert sorted(modules - NAMED) == []


@pytest.mark.parametrize("name", sorted(NAMED))
def test_what_is_named_exists(name: str) -> None:
    path = ROOT / name
    assert path.is_dir() if name.endswith("/") else path.is_file()


def test_every_table_is_named() -> None:
    tables = PAGE.split("## The store")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", tables, re.MULTILINE)) == set(metadata.tables)


def test_every_import_contract_is_told() -> None:
    contracts = (ROOT / "pyproject.toml").read_text("utf-8").count("[[tool.importlinter.contracts]]")
    imports = PAGE.split("## What may import what")[1].split("\n## ")[0]
    assert len(re.findall(r"^\d+\. ", imports, re.MULTILINE)) == contracts
