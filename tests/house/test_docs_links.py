"""The pages hold together: links lead somewhere, and what they tell people to type exists."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from bot.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"))
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    broken = []
    for link in LINK.findall(CODE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_what_make_is_asked_for_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for code in CODE.findall(text_of(page)) for name in re.findall(r"\bmake ([a-z-]+)", code)}
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES)
def test_what_tiphys_is_asked_for_exists(page: str) -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = {
        name for code in CODE.findall(text_of(page)) for name in re.findall(r"(?<![\w@/-])tiphys ([a-z]+)\b", code)
    }
    assert named - known == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_every_page_is_reached_from_the_readme(page: str) -> None:
    reached, todo = set(), ["README.md"]
    while todo:
        here = todo.pop()
        reached.add(here)
        for link in LINK.findall(CODE.sub("", text_of(here))):
            target = ((ROOT / here).parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_file():
                name = target.relative_to(ROOT).as_posix()
                todo += [] if name in reached else [name]
    assert page in reached
