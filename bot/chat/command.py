"""A command's declaration: one gives the verb, the slash command, the help, the permission and the page in the docs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.identity import ChangeId
from bot.domain.pipeline import Configuration
from bot.domain.request import Answer, Request
from bot.services.access import Access, Right
from bot.services.alerts.acting import AlertActs
from bot.services.alerts.digests import AlertDigests
from bot.services.alerts.listing import AlertListing
from bot.services.alerts.silences import Silences
from bot.services.alerts.silencing import Silencing
from bot.services.deciding import Decisions
from bot.services.promoting import Promotions
from bot.services.reports import Reports


class ArgumentKind(StrEnum):
    APPLICATION = "application"
    ENVIRONMENT = "environment"
    CHANGE = "change"
    WORD = "word"
    TEXT = "text"  # the rest of the line
    LINE = "line"  # the same with all `--words` in it: the command reads its options itself (`bot.chat.options`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    name: str
    kind: ArgumentKind
    help: str
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """`--name`; given or not."""

    name: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Args:
    """Arguments as understood: names are canonical and exist, a change is the id of a row."""

    values: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    change: ChangeId | None = None

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def get(self, name: str) -> str | None:
        return self.values.get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The use cases that commands reach."""

    promotions: Promotions
    decisions: Decisions
    reports: Reports
    access: Access
    alert_acts: AlertActs
    silencing: Silencing
    silences: Silences
    alert_listing: AlertListing
    alert_digests: AlertDigests


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    request: Request
    configuration: Configuration
    services: Services
    commands: tuple["Command", ...]


Run = Callable[[Context, Args], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`action` is what the policy must allow; None for commands that tell only of the asker himself."""

    name: str
    summary: str
    run: Run
    action: Right | None
    arguments: tuple[Argument, ...] = ()
    flags: tuple[Flag, ...] = ()
    examples: tuple[str, ...] = ()
    slash: bool = True  # gets a slash command of its own; False where Slack reserves the name

    @property
    def usage(self) -> str:
        words = [self.name]
        words += [f"<{a.name}>" if a.required else f"[{a.name}]" for a in self.arguments]
        words += [f"[--{flag.name}]" for flag in self.flags]
        return " ".join(words)

    @property
    def usage_hint(self) -> str:
        """What follows the command's name, for the slash command's hint."""
        return self.usage.removeprefix(self.name).strip()
