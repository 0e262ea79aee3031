"""`reject <change> <reason>`: how it is declared and read."""

import pytest

from bot.chat import Action
from commands.reject import COMMAND
from tests.commands.conftest import Typed


def test_declaration() -> None:
    assert COMMAND.usage == "reject <change> <reason>"
    assert (COMMAND.action, COMMAND.slash) == (Action.REJECT, True)


@pytest.mark.parametrize("example", COMMAND.examples)
def test_its_examples_are_understood(typed: Typed, example: str) -> None:
    assert typed.means(example, COMMAND)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("reject #42 no", "no"),
        ("reject 42 the migration isn't reviewed, don't ship", "the migration isn't reviewed, don't ship"),
        ("reject 42 “too risky”", "too risky"),
        ("reject 42 <!here> look *here* & there", "<!here> look *here* & there"),
    ],
)
def test_the_reason_is_the_rest_of_the_line(typed: Typed, words: str, reason: str) -> None:
    assert dict(typed.args(words).values) == {"change": "42", "reason": reason}


@pytest.mark.parametrize(
    ("words", "slug", "says"),
    [
        ("reject", "missing-argument", "The change is missing."),
        ("reject #42", "missing-argument", "The reason is missing."),
        ("reject #42 “”", "missing-argument", "The reason is missing."),
        ("reject because I say so", "unknown-change", "not because."),
        ("reject #42 --now because", "unknown-flag", "I do not know --now."),
    ],
)
def test_what_is_not_clear_is_asked_back(typed: Typed, words: str, slug: str, says: str) -> None:
    found, text = typed.refusal(words)
    assert found == slug
    assert says in text
