"""The protocols of the alerts: what services ask of a monitoring system, and of the tables that hold its alerts."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.alerts.alert import ReportedAlert
from bot.domain.alerts.budget import Backlog, Budget
from bot.domain.alerts.card import AlertCard
from bot.domain.alerts.group import AlertGroup, AlertGroupId, AlertPlacement
from bot.domain.alerts.matcher import Matcher
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.silence import Silence, SilenceDraft
from bot.domain.alerts.storm import Storm
from bot.domain.identity import ChannelId
from bot.domain.outgoing import Outgoing, Pick
from bot.ports_forgetting import Forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerStatus:
    """`settled`: it has been up for long enough that an alert's absence means something. `cluster`: how it stands with
    its peers, in its own word ("ready", "settling", "disabled": it has none); empty where it does not say."""

    version: str
    started_at: datetime
    settled: bool
    cluster: str


class Alertmanager(Protocol):
    """The API of one source. Every method raises `Unavailable`, `Denied`, `NotFound` or `Refused` as it applies."""

    async def list_alerts(
        self, matchers: tuple[Matcher, ...] = (), *, receiver: str | None = None
    ) -> tuple[ReportedAlert, ...]:
        """All that fire, with those that are silenced or inhibited; `receiver` is a name, matched whole."""
        ...

    async def status(self) -> AlertmanagerStatus: ...

    async def list_silences(self) -> tuple[Silence, ...]:
        """All that are kept, expired ones too."""
        ...

    async def get_silence(self, silence: str) -> Silence: ...

    async def create_silence(self, draft: SilenceDraft) -> str:
        """Its id. Not safe to repeat: look for the comment first."""
        ...

    async def update_silence(self, silence: str, draft: SilenceDraft) -> str:
        """The id that it has now: another one where it could not be changed in place."""
        ...

    async def expire_silence(self, silence: str) -> None:
        """End it now; one that has ended is a success."""
        ...

    def page_of(self, matchers: tuple[Matcher, ...]) -> str:
        """The address of the page that lists these alerts."""
        ...


class Alertmanagers(Protocol):
    """The sources that have an API, by name; follows the configuration in force."""

    def get(self, source: str, /) -> Alertmanager | None: ...


class NotASnapshot(ValueError):
    """A webhook's body that is none of Alertmanager's; says what is wrong with it, and repeats nothing of it."""


class GroupConflict(Exception):
    """Somebody else wrote this group meanwhile, or opened one of the same key: read, decide, try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One webhook as it was taken in. `id` counts up in the order of arrival; `body` is the raw JSON."""

    id: int
    source: str
    received_at: datetime
    body: str
    attempts: int


class AlertRows(Protocol):
    """The alert groups that one transaction sees. `key` is made of source, receiver and group key (see `key_of`)."""

    async def find(self, group: AlertGroupId) -> AlertGroup | None: ...

    async def find_number(self, number: int) -> AlertGroup | None: ...

    async def find_open(self, key: str) -> AlertGroup | None: ...

    async def find_newest(self, key: str) -> AlertGroup | None:
        """Open or not."""
        ...

    async def list_open(
        self, *, source: str | None = None, application: str | None = None, environment: str | None = None
    ) -> list[AlertGroup]:
        """The gravest first, then the newest."""
        ...

    async def list_open_by_labels(self, labels_key: str) -> list[AlertGroup]:
        """Open groups of the same source, receiver and group labels, whatever their routes (see `labels_key_of`)."""
        ...

    async def list_sources(self) -> list[str]:
        """Those of open groups."""
        ...

    async def list_opened(self, since: datetime, until: datetime) -> list[AlertGroup]:
        """What began in that time, oldest first."""
        ...

    async def list_due(self, now: datetime, *, limit: int) -> list[AlertGroup]:
        """Whose `check_at` has come, the longest due first."""
        ...

    async def next_due(self, after: datetime) -> datetime | None: ...

    async def insert(self, group: AlertGroup) -> AlertGroup:
        """Store a new one under the next number. Raises `GroupConflict` when one of its key is open."""
        ...

    async def swap(self, group: AlertGroup) -> AlertGroup:
        """Store `group` if its version is still the stored one; answer it with its new version. Raises
        `GroupConflict`."""
        ...

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        """See `bot.ports_forgetting.Forget`: of groups that are over and opened before, with where their cards stand.
        The newest of all stays: the next one's number is counted from it."""
        ...

    async def find_placement(self, group: AlertGroupId) -> AlertPlacement | None: ...

    async def list_placements(self, groups: Collection[AlertGroupId]) -> Mapping[AlertGroupId, AlertPlacement]: ...

    async def set_placement(self, placement: AlertPlacement) -> None: ...

    async def forget_placement(self, group: AlertGroupId) -> None: ...

    async def count_by_severity(self) -> Mapping[Severity, int]:
        """Open ones."""
        ...

    async def count_open(self) -> Mapping[ChannelId | None, int]: ...


class IntakeRows(Protocol):
    """Webhooks that were taken in and are not worked off yet."""

    async def claim(self, now: datetime, *, limit: int) -> list[Heard]:
        """The oldest that are due, as many as memory allows; nobody else claims any until this transaction ends."""
        ...

    async def hold(self) -> None:
        """Nobody claims any until this transaction ends; whoever has claimed some is waited for, as `claim` does."""
        ...

    async def remove(self, heard: Collection[int]) -> None:
        """They are worked off."""
        ...

    async def postpone(self, heard: int, *, until: datetime | None, error: str) -> None:
        """Try again at `until`; None: never, the row stays for whoever looks for the reason."""
        ...

    async def count(self) -> int:
        """How many wait."""
        ...

    async def count_due(self, now: datetime) -> int: ...

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        """See `bot.ports_forgetting.Forget`: of those that were given up."""
        ...

    async def waiting_since(self) -> datetime | None:
        """When the oldest that waits arrived."""
        ...

    async def next_due(self, after: datetime) -> datetime | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StormRow:
    """A storm of a channel; at most one is open in each. `told`: what it came to, once it is closed. `ts` and `digest`:
    where its card stands, and of what that shows."""

    id: str
    channel: ChannelId
    since: datetime
    closed_at: datetime | None = None
    told: Storm | None = None
    ts: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stormed:
    """A group that changed during a storm. `waits`: its card is due."""

    group: AlertGroupId
    version: int
    waits: bool
    has_card: bool


class StormRows(Protocol):
    """Storms, and the outbox as they see it."""

    async def backlogs(self, now: datetime, *, fresh_since: datetime) -> list[Backlog]:
        """Of every channel in which cards of alerts are due."""
        ...

    async def list_open(self) -> list[StormRow]: ...

    async def find_newest(self, channel: ChannelId) -> StormRow | None:
        """Open or not."""
        ...

    async def begin(self, channel: ChannelId, *, since: datetime) -> None:
        """Nothing happens where one is open."""
        ...

    async def resume(self, storm: str) -> None:
        """It was closed too early."""
        ...

    async def close(self, storm: str, told: Storm) -> None: ...

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        """See `bot.ports_forgetting.Forget`: of those that were closed before."""
        ...

    async def place(self, storm: str, *, ts: str | None, digest: str | None) -> None: ...

    async def touch(self, channel: ChannelId, *, now: datetime) -> None:
        """The storm's card is to be shown anew."""
        ...

    async def is_shown(self, channel: ChannelId) -> bool:
        """Whether its card is not to be shown anew."""
        ...

    async def list_stormed(self, channel: ChannelId, since: datetime, *, limit: int) -> list[Stormed]:
        """The gravest first, then the newest."""
        ...

    async def read_groups(self, groups: Collection[AlertGroupId]) -> list[AlertGroup]:
        """Not too many at once: each may be long."""
        ...

    async def count_changed(self, channel: ChannelId, since: datetime) -> int: ...

    async def drop_over(self, channel: ChannelId) -> int:
        """Groups that are over, are not critical and never had a card get none; answers how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Channels with a storm, and those of them in which it still rages: there only critical groups get new cards."""

    stormy: frozenset[ChannelId] = frozenset()
    raging: frozenset[ChannelId] = frozenset()


class AlertOutbox(Protocol):
    """What waits to be shown of alerts, for the one sender of it: of all processes that share the database, one."""

    @property
    def is_ours(self) -> bool:
        """Whether this process is the one: Slack's pace is kept by whoever sees all that is sent."""
        ...

    async def claim(self, *, limit: int, pick: Pick) -> list[Outgoing]:
        """As `bot.ports_chat.Outbox` has it."""
        ...

    def sending(self, item: Outgoing) -> AbstractAsyncContextManager[None]: ...

    async def mark_sent(self, item: Outgoing) -> None: ...

    async def postpone(self, item: Outgoing, *, seconds: float, error: str) -> None: ...

    async def give_up(self, item: Outgoing, *, error: str) -> None: ...

    async def find_alert_card(self, group: AlertGroupId) -> AlertCard | None:
        """The card as it is to be shown now, with whom its first message is to ping."""
        ...

    async def find_alert_placement(self, group: AlertGroupId) -> AlertPlacement | None: ...

    async def set_alert_placement(self, placement: AlertPlacement) -> None: ...

    async def forget_alert_placement(self, group: AlertGroupId) -> None:
        """The message is gone."""
        ...

    async def weather(self, budget: Budget) -> Weather:
        """Look at what waits: begin and end storms, and have their cards shown."""
        ...

    async def find_storm(self, channel: ChannelId) -> tuple[StormRow, Storm] | None:
        """The newest, as it is to be shown now."""
        ...

    async def set_storm_placement(self, storm: str, *, ts: str | None, digest: str | None) -> None: ...
