"""Options with values in a line: as typed on a keyboard or a phone, and what is none."""

import pytest

from bot.chat.options import Line, read_options, read_page
from bot.domain.request import Answer

KNOWN = ("comment", "source", "page")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", Line(rest="")),
        ('a="b" c=d', Line(rest='a="b" c=d')),
        ("x --page 2", Line(rest="x", options={"page": "2"})),
        ("--page=2", Line(rest="", options={"page": "2"})),
        ("x —comment it is known --source eu", Line(rest="x", options={"comment": "it is known", "source": "eu"})),
        ('a="b--page" --comment x', Line(rest='a="b--page"', options={"comment": "x"})),
        ("x --comment", Line(rest="x", options={"comment": ""})),
        ("x --Page 3", Line(rest="x", options={"page": "3"})),
    ],
)
def test_a_line_is_read(text: str, line: Line) -> None:
    assert read_options(text, KNOWN) == line


def test_an_unknown_option_is_asked_back() -> None:
    found = read_options("x --pgae 2", KNOWN)
    assert isinstance(found, Answer)
    assert found.text.plain == "I do not know --pgae. Did you mean --page?"


@pytest.mark.parametrize(("value", "page"), [("", 1), ("1", 1), ("12", 12)])
def test_a_page(value: str, page: int) -> None:
    assert read_page(value) == page


@pytest.mark.parametrize("value", ["0", "-1", "x", "²", "99999", "1.5"])
def test_no_page(value: str) -> None:
    assert isinstance(read_page(value), Answer)
