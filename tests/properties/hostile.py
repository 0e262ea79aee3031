"""Text that wants to be a mention, a link or a command, and a look through what became of it."""

import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

TOKEN = re.compile(r"<[^<>]*>")
FRAGMENTS = st.sampled_from([
    "<!channel>", "<!here|x>", "<@U0EVIL>", "<!subteam^S0EVIL>", "<#C0EVIL>", "<https://evil.example.com|ok>",
    "https://evil.example.com", "&lt;!here&gt;", "*", "_", "~", "`", "```", ">", ">>> ", ":tada:", "\n", "\r\n", "\x00",
    "\u202e", "\u2066", "\ud83d", "👩‍🚀", "e\u0301" * 9, " ", "|", "&", "<", "x" * 700, "@here", "#general",
])  # fmt: skip
HOSTILE = st.lists(st.one_of(FRAGMENTS, st.text(max_size=30)), max_size=30).map("".join)
SHORT = st.one_of(FRAGMENTS, st.text(max_size=40))


def pieces(value: Any) -> Iterator[Any]:
    """Every object in rendered blocks."""
    if isinstance(value, list):
        for item in value:
            yield from pieces(item)
    elif isinstance(value, dict):
        yield value
        for item in value.values():
            yield from pieces(item)
