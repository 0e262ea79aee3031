"""A storm: more groups of a channel change than Slack lets us show, and one card stands for those that wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from bot.domain.alerts.card import place_of
from bot.domain.alerts.group import AlertGroup, AlertGroupId
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class StormGroup:
    """What a storm's card tells of one group in its newest state: little, as there may be very many.

    `name` and `place` are cut text from outside. `place` is where it belongs, as `place_of` says it.
    """

    id: AlertGroupId
    name: str
    severity: Severity
    is_over: bool
    place: str = ""
    is_flapping: bool = False

    @classmethod
    def of(cls, group: AlertGroup) -> Self:
        return cls(
            id=group.id, name=group.name[:200], severity=group.severity, is_over=group.is_over,
            place=place_of(group.tie)[:200], is_flapping=group.is_flapping,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """One channel's storm as it was `at` some moment.

    `groups`: those that changed since it began, each once. `changed`: how many those are, should there be more.
    `following`: how many of them wait for a card, or for an update of theirs. `alone`: how many have no card and get
    none while the storm lasts; nothing critical is among them.
    """

    channel: ChannelId
    since: datetime
    at: datetime
    groups: tuple[StormGroup, ...]
    changed: int
    following: int
    alone: int = 0
    closed_at: datetime | None = None

    @property
    def lasted(self) -> timedelta:
        return (self.closed_at or self.at) - self.since

    @property
    def firing(self) -> tuple[StormGroup, ...]:
        return tuple(group for group in self.groups if not group.is_over)
