"""`status [application] [environment]`: how it is declared and read, and what it answers when nothing is open."""

import pytest

from bot.chat import Action
from commands.status import COMMAND
from tests.commands.conftest import Typed


def test_declaration() -> None:
    assert COMMAND.usage == "status [application] [environment]"
    assert (COMMAND.action, COMMAND.slash) == (Action.GET, False)  # Slack reserves /status


@pytest.mark.parametrize("example", COMMAND.examples)
def test_its_examples_are_understood(typed: Typed, example: str) -> None:
    assert typed.means(example, COMMAND)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("status", {}),
        ("status apm-stack", {"application": "apm-stack"}),
        ("status 'apm-stack' dev", {"application": "apm-stack", "environment": "development"}),
    ],
)
def test_both_names_may_be_left_out(typed: Typed, words: str, values: dict[str, str]) -> None:
    assert dict(typed.args(words).values) == values


@pytest.mark.parametrize(
    ("words", "slug", "says"),
    [
        ("status apm", "unknown-application", "Did you mean apm-stack?"),
        ("status prod", "unknown-application", "There is no application prod."),
        ("status apm-stack qa", "unknown-environment", "apm-stack has no environment qa."),
        ("status apm-stack prod now", "too-many-arguments", "“now”"),
        ("status --all", "unknown-flag", "I do not know --all."),
    ],
)
def test_what_is_not_clear_is_asked_back(typed: Typed, words: str, slug: str, says: str) -> None:
    found, text = typed.refusal(words)
    assert found == slug
    assert says in text
