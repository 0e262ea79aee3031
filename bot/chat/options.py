"""Options with values in a line that a command reads itself: `severity="critical" --page 2`."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import zip_longest

from bot.chat.parsing import did_you_mean
from bot.domain.request import Answer
from bot.domain.text import Code, Text

_OPTION = re.compile(r"(?:^|(?<=\s))(?:--|—)([A-Za-z][A-Za-z-]*)(?:[=\s]+|$)")
"""Two dashes (phones make one long one of them) and a name, where a word begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`rest` is what stands before the first option."""

    rest: str
    options: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.options.get(name, "")


def read_options(text: str, known: Collection[str]) -> Line | Answer:
    """Each option's value goes as far as the next option. An answer for an option that is not known."""
    found = list(_OPTION.finditer(text))
    options: dict[str, str] = {}
    for this, following in zip_longest(found, found[1:]):
        name = this[1].lower()
        if name not in known:
            words = Text.of("I do not know ", Code(f"--{this[1]}"), ".", did_you_mean(name, known, "--"))
            return Answer.refusal("unknown-flag", words)
        options[name] = text[this.end() : following.start() if following else len(text)].strip()
    return Line(rest=text[: found[0].start() if found else len(text)].strip(), options=options)


def read_page(value: str) -> int | Answer:
    """The number of a page; the first without one."""
    if not value:
        return 1
    if re.fullmatch(r"[0-9]{1,4}", value) and int(value) > 0:
        return int(value)
    return Answer.refusal("no-page", Text.of(Code(f"--page {value[:40]}"), " is no page: write a number."))
