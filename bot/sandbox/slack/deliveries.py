"""What is delivered to the bot: the log of it, the repeats of events, and the one door that deliveries leave by."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from bot.sandbox.dumping import saved
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
class Sent:
    """A request as it went out over HTTP."""

    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended. `payload` is what was sent, None when there was nobody to send it to; `status` is None
    without an answer. `failure` is Slack's word for what went wrong; `is_final`: the bot wants no repeats."""

    payload: Json | None
    status: int | None
    answer: Any
    ms: int
    sent: Sent | None = None
    failure: str = "timeout"
    is_final: bool = False


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
    sent: Sent | None = None  # over HTTP alone

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

    @property
    def is_good(self) -> bool:
        """Whether Slack counts it as acknowledged."""
        return self.delivery.status is not None and 200 <= self.delivery.status < 300

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
        delivery = self._begin(kind, type, user, replay_of, retry.attempt if retry else 0)
        return self._ended(delivery, await self.door.send(type, build, retry, self.ack_seconds))

    async def resend(self, original: Delivery, sending: Coroutine[Any, Any, Outcome]) -> Acknowledged | None:
        """Deliver something again by a request of one's own making."""
        delivery = self._begin(original.kind, original.type, original.user, original.id, 0)
        return self._ended(delivery, await sending)

    async def deliver_event(self, kind: Kind, user: str | None, payload: Json) -> Acknowledged | None:
        """Deliver an event; without a good answer Slack delivers it up to three times more, in the background."""
        delivery = self._begin(kind, "events_api", user, None, 0)
        first = await self.door.send("events_api", lambda _: payload, None, self.ack_seconds)
        if not _is_over(first):
            self._tasks.start(self._repeat(kind, user, payload, first), name=f"repeat.{payload['event_id']}")
        return self._ended(delivery, first)

    @property
    def is_repeating(self) -> bool:
        """Whether an event waits to be delivered again."""
        return len(self._tasks) > 0

    async def close(self) -> None:
        await self._tasks.close()

    async def _repeat(self, kind: Kind, user: str | None, payload: Json, last: Outcome) -> None:
        for attempt, delay in enumerate(self.retry_delays, start=1):
            await asyncio.sleep(delay)
            retry = Retry(attempt=attempt, reason=last.failure)
            delivery = self._begin(kind, "events_api", user, None, attempt)
            last = await self.door.send("events_api", lambda _: payload, retry, self.ack_seconds)
            self._ended(delivery, last)
            if _is_over(last):
                return

    def _begin(
        self, kind: Kind, type: EnvelopeType, user: str | None, replay_of: str | None, attempt: int
    ) -> Delivery:  # fmt: skip
        delivery = Delivery(
            id=f"D{self.next_number()}", kind=kind, type=type, user=user, mode=self.door.mode, replay_of=replay_of,
            at=datetime.now(UTC).isoformat().replace("+00:00", "Z"), retry=attempt,
        )  # fmt: skip
        self._log.append(delivery)
        del self._log[:-KEPT]
        return delivery

    def _ended(self, delivery: Delivery, outcome: Outcome) -> Acknowledged | None:
        delivery.payload, delivery.sent = outcome.payload, outcome.sent
        delivery.status, delivery.ms = outcome.status, outcome.ms
        self._touched()
        return None if outcome.status is None else Acknowledged(delivery, outcome.answer)

    def dump(self) -> Json:
        return {"last": self._last, "log": [saved(delivery) for delivery in self._log]}

    def load(self, data: Json) -> None:
        self._last = data["last"]
        self._log = [
            Delivery(**{**delivery, "sent": Sent(**delivery["sent"]) if delivery.get("sent") else None})
            for delivery in data["log"]
        ]


def _is_over(outcome: Outcome) -> bool:
    """Nothing is left to repeat: it was acknowledged, or the bot wants no repeats."""
    return outcome.status is not None and (200 <= outcome.status < 300 or outcome.is_final)
