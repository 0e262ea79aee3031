"""The getting-started page as a script: its blocks in order, and what a command printed against what the page shows.

| block | what it is |
|---|---|
| ```` ```console ```` | lines after `$ ` are typed, the lines below it are what must come; `…` stands for anything |
| ```` ```sh .env ````, ```` ```yaml tiphys.yaml ```` | added to that file |
| ```` ```slack ```` | typed by a person in Slack |
| ```` ```yaml argocd-… ```` | what an administrator puts into a ConfigMap of Argo CD |
| ```` ```sh ```` | needs the real thing (a clone, Argo CD's own command line), so it is only read |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(?P<kind>\w*)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One command of a console block, and what the page shows below it."""

    command: str
    shown: str


def blocks_of(page: Path, placeholders: Mapping[str, str]) -> list[Block]:
    """Every fenced block, with the placeholders replaced in the order of the table."""
    found = []
    for match in _BLOCK.finditer(page.read_text("utf-8")):
        text = match["text"]
        for placeholder, value in placeholders.items():
            text = text.replace(placeholder, value)
        found.append(Block(kind=match["kind"], name=match["name"] or "", text=text))
    return found


def typed_in(block: Block) -> list[Typed]:
    found = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        found.append(Typed(command=command, shown=shown))
    return found


def missing_from(printed: str, shown: str) -> str | None:
    """The first part of what the page shows that was not printed, in its order; None when all is there.

    Blanks and line ends do not count: the page and the terminal break lines elsewhere.
    """
    text = " ".join(printed.split())
    at = 0
    for part in re.split("…", shown):
        wanted = " ".join(part.split())
        here = text.find(wanted, at)
        if here < 0:
            return wanted
        at = here + len(wanted)
    return None
