"""`approve <change> [fingerprint]`: how it is declared and read."""

import pytest

from bot.chat import Action
from commands.approve import COMMAND
from tests.commands.conftest import Typed


def test_declaration() -> None:
    assert COMMAND.usage == "approve <change> [fingerprint]"
    assert (COMMAND.action, COMMAND.slash) == (Action.APPROVE, True)


@pytest.mark.parametrize("example", COMMAND.examples)
def test_its_examples_are_understood(typed: Typed, example: str) -> None:
    assert typed.means(example, COMMAND)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("approve #42", {"change": "42"}),
        ("approve 42 3fa9c1", {"change": "42", "fingerprint": "3fa9c1"}),
        ("approve “#42” “3FA9C1”", {"change": "42", "fingerprint": "3FA9C1"}),
        ("approve 01HZX3K6Q4T8V2M5N7P9R1S3WA", {"change": "01HZX3K6Q4T8V2M5N7P9R1S3WA"}),
    ],
)
def test_a_change_and_what_was_seen(typed: Typed, words: str, values: dict[str, str]) -> None:
    assert dict(typed.args(words).values) == values


@pytest.mark.parametrize(
    ("words", "slug", "says"),
    [
        ("approve", "missing-argument", "The change is missing."),
        ("approve apm-stack", "unknown-change", "A change is named by its number, such as #42, not apm-stack."),
        ("approve all", "unknown-change", "not all."),
        ("approve #42 3fa9c1 please", "too-many-arguments", "“please”"),
        ("approve #42 --force", "unknown-flag", "I do not know --force."),
    ],
)
def test_what_is_not_clear_is_asked_back(typed: Typed, words: str, slug: str, says: str) -> None:
    found, text = typed.refusal(words)
    assert found == slug
    assert says in text
