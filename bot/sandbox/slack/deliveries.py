"""What is delivered to the bot: the log of it, the repeats of events, and the one door that deliveries leave by."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from bot.sandbox.slack.messages import Json
from bot.tasks import TaskSet

Mode = Literal["socket", "http"]
Kind = Literal["command", "mention", "message", "event", "click", "submit", "close", "options"]
EnvelopeType = Literal["slash_commands", "interactive", "events_api"]
BuildPayload = Callable[[str], Json]

ACK_SECONDS = 3.0
RETRY_DELAYS = (0.0, 60.0, 300.0)
KEPT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Slack's remark on an event that it delivers again."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended. `payload` is what was sent, None when there was nobody to send it to; `status` is None
    without an answer."""

    payload: Json | None
    status: int | None
    answer: Any
    ms: int


class Door(Protocol):
    """One way to reach the bot. `build` makes the payload for the address (`http://host:port`) that it goes to."""

    @property
    def mode(self) -> Mode: ...

    async def send(self, kind: EnvelopeType, build: BuildPayload, retry: Retry | None, seconds: float) -> Outcome:
        """Deliver once and wait at most `seconds` for the answer."""
        ...


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One attempt to tell the bot something."""

    id: str
    kind: Kind
    type: EnvelopeType
    user: str | None
    at: str
    mode: Mode
    payload: Json | None = None
    status: int | None = None
    ms: int | None = None
    retry: int = 0
    replay_of: str | None = None

    def as_json(self) -> Json:
        return {
            "id": self.id, "kind": self.kind, "user": self.user, "at": self.at, "mode": self.mode,
            "status": self.status, "ms": self.ms, "retry": self.retry, "replay_of": self.replay_of,
        }  # fmt: skip

    @property
    def number(self) -> int:
        return int(self.id[1:])


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A delivery that the bot answered, and the answer's body."""

    delivery: Delivery
    answer: Any

    def as_json(self, plain: str | None = None) -> Json:
        shown: Json = {"status": self.delivery.status, "ms": self.delivery.ms}
        return {**shown, "plain": plain} if plain else shown


class Beside(Protocol):
    """What another server delivered, told and repeated together with ours: its ids go on where ours are."""

    def after(self, number: int) -> list[Json]: ...

    async def replay(self, delivery_id: str, headers: Mapping[str, str | None], body: Any) -> Json | None:
        """None: it is no delivery of that server."""
        ...


class Deliveries:
    """Sends through the door, keeps the log, repeats events that nobody acknowledged."""

    def __init__(self, door: Door, touched: Callable[[], None]) -> None:
        self.door = door
        self.ack_seconds = ACK_SECONDS
        self.retry_delays: tuple[float, ...] = RETRY_DELAYS
        self._touched = touched
        self._log: list[Delivery] = []
        self._last = 0
        self.beside: Beside | None = None
        self._tasks = TaskSet("slack.deliveries")

    def next_number(self) -> int:
        self._last += 1
        return self._last

    def after(self, number: int) -> list[Delivery]:
        return [delivery for delivery in self._log if delivery.number > number]

    def find(self, delivery_id: str) -> Delivery | None:
        return next((delivery for delivery in self._log if delivery.id == delivery_id), None)

    async def deliver(
        self, kind: Kind, type: EnvelopeType, user: str | None, build: BuildPayload, *, replay_of: str | None = None,
        retry: Retry | None = None,
    ) -> Acknowledged | None:  # fmt: skip
        """Deliver once. None when there was no answer in time, or nobody to deliver to."""
        delivery = Delivery(
            id=f"D{self.next_number()}", kind=kind, type=type, user=user, mode=self.door.mode, replay_of=replay_of,
            at=datetime.now(UTC).isoformat().replace("+00:00", "Z"), retry=retry.attempt if retry else 0,
        )  # fmt: skip
        self._log.append(delivery)
        del self._log[:-KEPT]
        outcome = await self.door.send(type, build, retry, self.ack_seconds)
        delivery.payload = outcome.payload
        delivery.status, delivery.ms = outcome.status, outcome.ms
        self._touched()
        return None if outcome.status is None else Acknowledged(delivery, outcome.answer)

    async def deliver_event(self, kind: Kind, user: str | None, payload: Json) -> Acknowledged | None:
        """Deliver an event; without a good answer Slack delivers it up to three times more, in the background."""
        first = await self.deliver(kind, "events_api", user, lambda _: payload)
        if first is None or not _is_good(first):
            self._tasks.start(self._repeat(kind, user, payload), name=f"repeat.{payload['event_id']}")
        return first

    async def close(self) -> None:
        await self._tasks.close()

    async def _repeat(self, kind: Kind, user: str | None, payload: Json) -> None:
        for attempt, delay in enumerate(self.retry_delays, start=1):
            await asyncio.sleep(delay)
            retry = Retry(attempt=attempt, reason="timeout")
            answered = await self.deliver(kind, "events_api", user, lambda _: payload, retry=retry)
            if answered is not None and _is_good(answered):
                return

    def dump(self) -> Json:
        return {"last": self._last, "log": [asdict(delivery) for delivery in self._log]}

    def load(self, data: Json) -> None:
        self._last = data["last"]
        self._log = [Delivery(**delivery) for delivery in data["log"]]


def _is_good(answered: Acknowledged) -> bool:
    status = answered.delivery.status
    return status is not None and 200 <= status < 300
