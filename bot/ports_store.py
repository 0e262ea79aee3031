"""The protocols of the database: one transaction at a time, with every repository in it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from bot.domain.alerts.group import AlertGroup, AlertGroupId
from bot.domain.approval import Approval
from bot.domain.audit import AuditEntry
from bot.domain.change import Change
from bot.domain.identity import ChangeId, ChannelId
from bot.domain.incoming import Ack, Incoming, Recorded
from bot.domain.outgoing import CardPlacement, Outgoing, Pick
from bot.domain.request import Answer, Request
from bot.domain.text import Text
from bot.ports_alerts import AlertRows, IntakeRows, StormRows
from bot.ports_forgetting import Forgotten

Row = TypeVar("Row", covariant=True)


class Conflict(Exception):
    """Somebody else wrote this change meanwhile; `newest` is what stands there now. Read, decide, try again."""

    def __init__(self, newest: Change) -> None:
        super().__init__(f"change {newest.number} has moved to version {newest.version}")
        self.newest = newest


class AlreadyOpen(Exception):
    """There is an open change of this application and environment; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCount:
    """How many open changes are alike in this."""

    kind: str
    environment: str
    state: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How many rows are due, how many are put off until later, and how long the oldest has waited."""

    due: int
    later: int
    age: timedelta


class StoreUnavailable(Exception):
    """The database gives no answer now; what the transaction was to write is not written, or nobody knows. Try again:
    whatever is written is written once."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database gives no answer: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Generic[Row]):
    """What was claimed, in the order to work on it, and how long it is until more can be (None: nobody knows)."""

    rows: tuple[Row, ...]
    more_in: timedelta | None


class DoneElsewhere(Exception):
    """Another process has worked this act off meanwhile: its result stands, and nothing of ours was written."""


class ChangeRows(Protocol):
    async def find(self, change: ChangeId) -> Change | None: ...

    async def get(self, change: ChangeId) -> Change:
        """Raises `KeyError`."""
        ...

    async def get_to_write(self, change: ChangeId) -> Change:
        """The same, and nobody else writes it until this transaction ends."""
        ...

    async def find_number(self, number: int) -> Change | None: ...

    async def find_open(self, application: str, environment: str) -> Change | None: ...

    async def list_open(self) -> list[Change]:
        """Those that this version can read, as with `list_newest`; a log line tells of the others."""

    async def list_newest(self, application: str, environment: str, *, limit: int) -> list[Change]: ...

    async def list_due(self, now: datetime, *, limit: int) -> list[Change]:
        """What is to be looked at now: the longest due first."""
        ...

    async def next_due(self, after: datetime) -> datetime | None: ...

    async def count_due(self, now: datetime) -> int: ...

    async def count_open(self) -> list[ChangeCount]: ...

    async def queue(self, now: datetime) -> Queue:
        """Changes to be looked at; the oldest is the one that has been due for longest."""
        ...

    async def insert(self, change: Change) -> Change:
        """Store a new change under the next number. Raises `AlreadyOpen`."""
        ...

    async def swap(self, change: Change) -> Change:
        """Store `change` if its version is still the stored one; answer it with its new version. Raises `Conflict`."""
        ...

    async def make_due(self, change: ChangeId, at: datetime) -> None:
        """Look at it at `at` or earlier. The version moves, so that a look that is under way is taken again."""
        ...


class ApprovalRows(Protocol):
    async def list(self, change: ChangeId) -> tuple[Approval, ...]:
        """All that were ever given to this change, in order, whatever fingerprint they name."""
        ...

    async def add(self, approval: Approval, *, after: datetime) -> bool:
        """Store it; False when this person's yes to this fingerprint, given after that moment, stands already.

        An older one, lapsed or void, is renewed: there is one row per person and fingerprint.
        """
        ...


class AuditRows(Protocol):
    async def add(self, entry: AuditEntry) -> None: ...

    async def list(self, *, change: ChangeId | None = None, limit: int = 1000) -> list[AuditEntry]:
        """Oldest first; of one change, or of all."""
        ...


class InboundRows(Protocol):
    async def list_due(self, now: datetime, *, limit: int) -> list[Recorded]:
        """Due rows, oldest first."""
        ...

    async def finish(self, key: str) -> bool:
        """It is worked off; False when it was so before."""
        ...

    async def conclude(self, key: str) -> None:
        """It is worked off by what this transaction writes. Raises `DoneElsewhere` when it was so before."""
        ...

    async def begin(self, key: str) -> None:
        """An effect outside that leaves no mark of ours there is tried next: whoever takes the act over, after a crash,
        is to know. Repeating changes nothing."""
        ...

    async def begun(self, key: str) -> datetime | None:
        """When it arrived, if an earlier try of it had begun or was put off."""
        ...

    async def postpone(self, key: str, *, until: datetime, error: str) -> None:
        """Try again at `until`; counts the attempt. Rows that are done stay done."""
        ...

    async def count_due(self, now: datetime) -> int: ...

    async def queue(self, now: datetime) -> Queue:
        """Acts that are not worked off; the oldest is the one that arrived first."""
        ...

    async def next_due(self, after: datetime) -> datetime | None: ...

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        """See `Forget`: of acts that are worked off. One that is delivered again after that is a new one."""
        ...


class OutboxRows(Protocol):
    async def touch_card(self, change: ChangeId, *, now: datetime) -> None:
        """The card of this change is to be shown anew. Many touches before it is sent are one sending."""
        ...

    async def note(self, change: ChangeId, what: str, text: Text, *, now: datetime) -> None:
        """A message in the card's thread; `what` makes it the only one of its kind. Repeating changes nothing."""
        ...

    async def notice(self, key: str, channel: ChannelId, text: Text, *, now: datetime) -> None:
        """A message of its own in a channel; one per key. Repeating changes nothing."""
        ...

    async def answer(self, request: Request, answer: Answer, *, now: datetime, what: str = "") -> None:
        """What the asker is told. The first answer (of each `what`) stays; an empty one tells nothing."""
        ...

    async def touch_alert(self, group: AlertGroup, *, now: datetime) -> None:
        """The card of this group is to be shown anew; nothing where no channel was chosen. Many touches before it is
        sent are one sending, as urgent as the newest of them says, in the turn of the first."""
        ...

    async def alert_note(self, group: AlertGroup, what: str, text: Text, *, now: datetime) -> None:
        """A message in the thread of the group's card; `what` makes it the only one of its kind. Repeating changes
        nothing. It waits for the card to stand."""
        ...

    async def digest(self, key: str, channel: ChannelId, text: Text, *, now: datetime) -> None:
        """A message of its own that everything else goes before; one per key. Repeating changes nothing."""
        ...

    async def rank_alert(self, group: AlertGroup) -> None:
        """Its card stands now, or no longer: what waits for it is as urgent as that makes it."""
        ...

    async def drop_notes(self, group: AlertGroupId) -> None:
        """Those in the thread of a card that neither stands nor is to be shown."""
        ...

    async def list_due(self, now: datetime, *, limit: int, pick: Pick | None = None) -> list[Outgoing]:
        """Due rows, most urgent first, as their next try will have them."""
        ...

    async def mark_sent(self, item: Outgoing) -> None: ...

    async def postpone(self, item: Outgoing, *, until: datetime, error: str) -> None: ...

    async def give_up(self, item: Outgoing, *, error: str) -> None: ...

    async def count_due(self, now: datetime) -> int: ...

    async def queue(self, now: datetime) -> Queue:
        """What is not shown yet of changes; the oldest is the one that was to be shown first (a card: anew, since it
        last was)."""
        ...

    async def alerts_queue(self, now: datetime) -> Queue:
        """The same of alerts."""
        ...

    async def next_due(self, after: datetime) -> datetime | None: ...

    async def forget(self, before: datetime, *, after: str | int | None, limit: int) -> Forgotten:
        """See `Forget`: of what is shown or given up. Notices stay, and all of a change that is not over: they are told
        once, and the row is what knows of it."""
        ...

    async def find_placement(self, change: ChangeId) -> CardPlacement | None: ...

    async def set_placement(self, placement: CardPlacement) -> None: ...

    async def forget_placement(self, change: ChangeId) -> None: ...


class Claims(Protocol):
    """Who works on what: a due row that is claimed is given to nobody else, in no process, until it is released.

    A claim is a lease where several processes share the database: it is renewed while it is held, and taken over from
    a process that no longer renews it. `now` says what is due, the database's own time when a lease is over.
    """

    async def changes(self, now: datetime, *, limit: int) -> Claimed[Change]:
        """The longest due first."""
        ...

    async def inbound(self, now: datetime, *, limit: int) -> Claimed[Recorded]:
        """Oldest first."""
        ...

    async def outbox(self, now: datetime, *, limit: int, pick: Pick | None = None) -> Claimed[Outgoing]:
        """Most urgent first, each with its attempt counted; a lane is in one process's hands."""
        ...

    def working(self, claimed: Change | Recorded | Outgoing) -> AbstractAsyncContextManager[None]:
        """Work on what was claimed in this block, and release it at its end.

        Cancels the task when the claim cannot be kept: somebody else may be at it now.
        """
        ...

    async def release(self, claimed: Change | Recorded | Outgoing) -> None:
        """Nobody works on it any more."""
        ...


class Transaction(Protocol):
    """What one transaction can reach. Everything written in it is committed together, or not at all."""

    @property
    def changes(self) -> ChangeRows: ...

    @property
    def approvals(self) -> ApprovalRows: ...

    @property
    def audit(self) -> AuditRows: ...

    @property
    def inbound(self) -> InboundRows: ...

    @property
    def outbox(self) -> OutboxRows: ...

    @property
    def alerts(self) -> AlertRows: ...

    @property
    def storms(self) -> StormRows: ...

    @property
    def intake(self) -> IntakeRows: ...

    def moved(self, before: Change, after: Change) -> None:
        """A change was taken a step further: once this is committed, whoever watches is told."""
        ...


class Store(Protocol):
    """The database. A transaction holds no network call: SQLite has one writer at a time.

    Everything raises `StoreUnavailable` while the database gives no answer.
    """

    @property
    def claims(self) -> Claims: ...

    @property
    def leads(self) -> bool:
        """Whether this process runs the periodic scans: one of those that share the database does, give or take a
        moment."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that may write; commits at the end of the block, rolls back when it raises."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that only reads: one consistent picture."""
        ...

    async def record(
        self, incoming: Incoming, ack: Ack, entry: AuditEntry, *, done: bool, answer: Answer | None = None,
        touch: ChangeId | None = None,
    ) -> Ack | None:  # fmt: skip
        """Commit what somebody did, its audit entry, and the answer to be shown, in one transaction; return after it.

        `done`: the ack (and the answer) say all there is to say, nothing is left to be worked off. The card of the
        change `touch` is to be shown anew. An act that was recorded before leaves no second trace; then, and only
        then, this answers the ack that was given to it.
        """
        ...

    async def take_in(self, source: str, body: str, at: datetime) -> None:
        """Commit a webhook of alerts as it came; return after it. Taken in twice it is there twice."""
        ...
