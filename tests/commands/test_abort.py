"""`abort <change> [reason]`: how it is declared and read."""

import pytest

from bot.chat import Action
from commands.abort import COMMAND
from tests.commands.conftest import Typed


def test_declaration() -> None:
    assert COMMAND.usage == "abort <change> [reason]"
    assert (COMMAND.action, COMMAND.slash) == (Action.ABORT, True)


@pytest.mark.parametrize("example", COMMAND.examples)
def test_its_examples_are_understood(typed: Typed, example: str) -> None:
    assert typed.means(example, COMMAND)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("abort #42", {"change": "42"}),
        ("abort 42 wrong version", {"change": "42", "reason": "wrong version"}),
        ("abort 42 'wrong version'", {"change": "42", "reason": "wrong version"}),
    ],
)
def test_a_reason_may_be_given(typed: Typed, words: str, values: dict[str, str]) -> None:
    assert dict(typed.args(words).values) == values


@pytest.mark.parametrize(
    ("words", "slug", "says"),
    [
        ("abort", "missing-argument", "The change is missing."),
        ("abort #", "unknown-change", "A change is named by its number"),
        ("abort wrong version", "unknown-change", "not wrong."),
        ("abort --all", "unknown-flag", "I do not know --all."),
    ],
)
def test_what_is_not_clear_is_asked_back(typed: Typed, words: str, slug: str, says: str) -> None:
    found, text = typed.refusal(words)
    assert found == slug
    assert says in text
