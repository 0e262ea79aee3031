"""The roster of commands: packages made for the test, and the real one."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import commands
from bot.chat.registry import NAME, RESERVED, load_commands

MODULE = """
from bot.chat import Args, Command, Context
from bot.domain.request import Answer
from bot.domain.text import Text

async def run(context: Context, args: Args) -> Answer:
    return Answer.done(Text())

COMMAND = Command(name={name!r}, summary="", run=run, action=None, slash={slash})
"""

Make = Callable[..., ModuleType]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """A package with one module per given name."""
    home = tmp_path / "somecommands"

    def make(*names: str, slash: bool = True, **texts: str) -> ModuleType:
        home.mkdir()
        (home / "__init__.py").touch()
        for number, name in enumerate(names):
            (home / f"module_{number}.py").write_text(MODULE.format(name=name, slash=slash), "utf-8")
        for name, text in texts.items():
            (home / f"{name}.py").write_text(text, "utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        return import_module("somecommands")

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "somecommands"]:
        del sys.modules[name]


def test_the_product_has_these_commands() -> None:
    found = load_commands(commands)
    assert [command.name for command in found] == [
        "abort",
        "alerts",
        "approve",
        "help",
        "promote",
        "reject",
        "silence",
        "status",
        "whoami",
    ]
    assert {command.name for command in found if not command.slash} == {"help", "status"}


def test_well_named_commands_are_found_by_module(package: Make) -> None:
    assert [command.name for command in load_commands(package("zulu", "alpha-2"))] == ["zulu", "alpha-2"]


@pytest.mark.parametrize("name", ["Promote", "pro mote", "pro_mote", "über", "", "x" * 33, "/promote"])
def test_a_name_that_slack_would_refuse_is_refused(package: Make, name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a command"):
        load_commands(package(name))


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_is_refused_as_a_slash_command(package: Make, name: str) -> None:
    with pytest.raises(ValueError, match=f"Slack reserves /{name}"):
        load_commands(package(name))


def test_a_reserved_name_may_be_a_verb(package: Make) -> None:
    [command] = load_commands(package("status", slash=False))
    assert command.name == "status"


def test_the_names_that_slack_is_known_to_reserve_are_on_the_list() -> None:
    known = (
        "status help me join away dnd shrug remind msg feed who collapse expand leave open search topic mute invite "
        "archive apps call"
    )
    assert set(known.split()) <= RESERVED
    assert all(NAME.fullmatch(name) for name in RESERVED)


def test_two_commands_of_one_name_are_refused(package: Make) -> None:
    with pytest.raises(ValueError, match="two commands are called 'ship'"):
        load_commands(package("ship", "ship"))


@pytest.mark.parametrize("text", ["", "COMMAND = 'promote'"])
def test_a_module_without_a_declaration_is_refused(package: Make, text: str) -> None:
    with pytest.raises(ValueError, match=r"somecommands\.lonely declares no COMMAND"):
        load_commands(package(lonely=text))
