"""`alerts [filter…]`: how it is declared and read; what it answers is shown with the services that answer."""

import pytest

from bot.chat import AlertRight
from commands.alerts import COMMAND
from tests.commands.conftest import Typed


def test_declaration() -> None:
    assert COMMAND.usage == "alerts [filter]"
    assert (COMMAND.action, COMMAND.slash) == (AlertRight.GET, True)


@pytest.mark.parametrize("example", COMMAND.examples)
def test_its_examples_are_understood(typed: Typed, example: str) -> None:
    assert typed.means(example, COMMAND)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("alerts", None),
        ("alerts --page 2", "--page 2"),
        ('alerts prod team=~"a|b" --page 2', 'prod team=~"a|b" --page 2'),
    ],
)
def test_the_whole_line_is_its_own(typed: Typed, words: str, line: str | None) -> None:
    assert typed.args(words).get("filter") == line
