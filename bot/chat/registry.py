"""The roster of commands: every module in `commands/` declares one."""

import importlib
import pkgutil
import re
from types import ModuleType

from bot.chat.command import Command

RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
        status me join away dnd shrug remind msg feed who collapse expand leave open search topic mute pro shortcuts
        help invite archive kick remove rename apps call dm commands
        """,
    )
)
"""Slack's own names: one of them makes Slack refuse a whole manifest."""


NAME = re.compile(r"[a-z0-9-]{1,32}")


def load_commands(package: ModuleType) -> tuple[Command, ...]:
    """The `COMMAND` of each module of a package, by name. Raises `ValueError` when one lacks it or a name is double."""
    found: dict[str, Command] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda item: item.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        command = getattr(module, "COMMAND", None)
        if not isinstance(command, Command):
            raise ValueError(f"{module.__name__} declares no COMMAND")
        if not NAME.fullmatch(command.name):
            raise ValueError(f"{command.name!r} is no name for a command: only a-z, 0-9 and -, at most 32 characters")
        if command.slash and command.name in RESERVED:
            raise ValueError(f"Slack reserves /{command.name}: declare {command.name!r} with slash=False")
        if command.name in found:
            raise ValueError(f"two commands are called {command.name!r}")
        found[command.name] = command
    return tuple(found.values())
