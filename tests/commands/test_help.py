"""`help [command]`: how it is declared and read, and what it prints."""

from pathlib import Path

import pytest

from bot.chat.command import Command
from commands.help import COMMAND
from tests.commands.conftest import Typed
from tests.desk import COMMANDS, open_office


def test_declaration() -> None:
    assert COMMAND.usage == "help [command]"
    assert (COMMAND.action, COMMAND.slash) == (None, False)  # Slack reserves /help


@pytest.mark.parametrize("words", ["help", "help promote", "help nonsense", "", "help 'promote'"])
def test_any_word_may_be_asked_about(typed: Typed, words: str) -> None:
    assert typed.means(words, COMMAND)


def test_one_word_at_a_time(typed: Typed) -> None:
    assert typed.refusal("help promote status")[0] == "too-many-arguments"


async def test_it_lists_every_command_with_its_usage_and_summary(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office:
        told = await office.desk.tell(office.desk.command("U0GUEST", "help"))
        first, *lines = told.splitlines()
        assert first == "What you can type, as a command or as a mention (@tiphys promote …):"
        assert lines == [f"/gitops {command.usage}  {command.summary}" for command in COMMANDS]


async def test_one_command_is_explained_with_arguments_flags_and_examples(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office:
        assert (await office.desk.tell(office.desk.command("U0DEV1", "help promote"))).splitlines() == [
            "promote <application> <environment> [--sync]: Bring what the stage before runs into this environment",
            "application  which application",
            "environment  where to",
            "--sync  in a manual stage, sync right after the merge",
            "For example /gitops promote apm-stack prod",
            "For example /gitops promote apm-stack staging --sync",
        ]


async def test_an_unknown_command_is_answered_with_all(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office:
        told = await office.desk.tell(office.desk.command("U0DEV1", "help dance"))
        assert told.startswith("I do not know dance. All there is (")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_says_what_is_needed_to_use_it(typed: Typed, command: Command) -> None:
    assert command.summary
    assert not command.summary.endswith(".")
    assert command.examples
    assert all(argument.help for argument in command.arguments)
    assert all(flag.help for flag in command.flags)
    assert all(typed.means(example, command) for example in command.examples)
