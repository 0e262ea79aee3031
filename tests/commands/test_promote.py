"""`promote <application> <environment>`: how it is declared and read. What it does is in the scenarios."""

import pytest

from bot.chat import Action
from commands.promote import COMMAND
from tests.commands.conftest import Typed


def test_declaration() -> None:
    assert COMMAND.usage == "promote <application> <environment> [--sync]"
    assert COMMAND.usage_hint == "<application> <environment> [--sync]"
    assert (COMMAND.action, COMMAND.slash) == (Action.PROMOTE, True)


@pytest.mark.parametrize("example", COMMAND.examples)
def test_its_examples_are_understood(typed: Typed, example: str) -> None:
    assert typed.means(example, COMMAND)


@pytest.mark.parametrize("environment", ["prod", "production"])
def test_names_become_canonical(typed: Typed, environment: str) -> None:
    args = typed.args(f"promote apm-stack {environment}")
    assert dict(args.values) == {"application": "apm-stack", "environment": "production"}
    assert args.flags == frozenset()


@pytest.mark.parametrize(
    "words", ["promote apm-stack stg --sync", "promote --sync “apm-stack” stg", "PROMOTE apm-stack —sync 'stg'"]
)
def test_sync_may_be_asked_for_in_advance(typed: Typed, words: str) -> None:
    args = typed.args(words)
    assert (args["application"], args["environment"], args.flags) == ("apm-stack", "staging", frozenset({"sync"}))


@pytest.mark.parametrize(
    ("words", "slug", "says"),
    [
        ("promote", "missing-argument", "The application is missing."),
        ("promote apm-stack", "missing-argument", "The environment is missing."),
        ("promote apmstack prod", "unknown-application", "Did you mean apm-stack?"),
        ("promote prod apm-stack", "unknown-application", "There is no application prod."),
        ("promote apm-stack prd", "unknown-environment", "Did you mean prod?"),
        ("promote apm-stack prod 2.15.1", "too-many-arguments", "I do not know what to do with “2.15.1”."),
        ("promote apm-stack prod --synch", "unknown-flag", "Did you mean --sync?"),
        ("promote apm-stack prod --sync=yes", "unknown-flag", "I do not know --sync=yes."),
        ("promote <!channel> prod", "unknown-application", "There is no application <!channel>."),
    ],
)
def test_what_is_not_clear_is_asked_back(typed: Typed, words: str, slug: str, says: str) -> None:
    found, text = typed.refusal(words)
    assert found == slug
    assert says in text
    assert "Usage: promote <application> <environment> [--sync]. For example promote apm-stack prod." in text
