"""Writing down how an attempt to show something ended: done, tried again later with growing patience, or given up."""

from typing import Protocol

import structlog

from bot.domain.outgoing import Outgoing
from bot.meter import Meter
from bot.slack.ends import End, Later, Never, Sent, Standing

log = structlog.get_logger(__name__)

FIRST_BACK_OFF, MOST_BACK_OFF = 0.5, 30.0


class Rows(Protocol):
    """Where it is written down."""

    async def mark_sent(self, item: Outgoing) -> None: ...

    async def postpone(self, item: Outgoing, *, seconds: float, error: str) -> None: ...

    async def give_up(self, item: Outgoing, *, error: str) -> None: ...


class Outcomes:
    """Of one sender, which remembers how often each row failed in a row."""

    def __init__(self, rows: Rows, meter: Meter) -> None:
        self._rows, self._meter = rows, meter
        self._failures: dict[int, int] = {}

    async def record(self, item: Outgoing, end: End, *, most_failures: int | None = None) -> None:
        """`most_failures`: after so many it is given up."""
        told = log.bind(kind=item.kind.value, key=item.key, attempt=item.attempts)
        failures = self._failures.pop(item.id, 0)
        if isinstance(end, Later) and most_failures is not None and failures >= most_failures:
            end = Never(end.error)
        match end:
            case Sent():
                told.info("slack.sent")
                self._meter.outgoing_ended(item.kind.value, "sent")
                await self._rows.mark_sent(item)
            case Standing():
                told.info("slack.sent")
                self._meter.outgoing_ended(item.kind.value, "sent")
            case Later():
                self._failures[item.id] = failures + 1
                self._meter.outgoing_ended(item.kind.value, "postponed")
                told.warning("slack.postponed", error=end.error)
                seconds = end.seconds or min(MOST_BACK_OFF, FIRST_BACK_OFF * 2.0 ** min(failures, 10))
                await self._rows.postpone(item, seconds=seconds, error=end.error)
            case Never():
                told.error("slack.given_up", error=end.error)
                self._meter.outgoing_ended(item.kind.value, "given-up")
                await self._rows.give_up(item, error=end.error)
