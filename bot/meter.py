"""What the edges tell of their work to whoever counts it: calls outside, acknowledgements, lags, ends.

`Meter` itself counts nothing, so that whoever is not counted needs no other. `bot.metrics` has the one that counts.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.domain.change import Change
from bot.ports import Denied, NotFound, Refused, Unavailable

OK, ERROR = "ok", "error"
MOST_PARTS = 6
_PREFIX = frozenset({"", "api", "v1", "v3"})


class Meter:
    """Telling it something takes no time, waits for nothing and never raises."""

    def called(self, system: str, operation: str, result: str, seconds: float) -> None:
        """One call outside ended. `operation` and `result` are of a small fixed set: no ids, no names."""

    def refused_by_slack(self, method: str, code: str) -> None:
        """Slack said no, by its error code."""

    def acknowledged(self, kind: str, result: str, seconds: float) -> None:
        """An act of a person was recorded (or could not be), which is when Slack is answered."""

    def begun(self, lag: float) -> None:
        """A step of a change begins, so many seconds after it was due."""

    def moved(self, before: Change, after: Change) -> None:
        """A change's step is committed."""

    def outgoing_ended(self, kind: str, end: str) -> None:
        """An attempt to show something is over: `sent`, `postponed` or `given-up`."""

    def alerts_heard(self, source: str, outcome: str, seconds: float) -> None:
        """A webhook of alerts was answered. `source` is one of the configuration's, or `unknown`."""

    @contextmanager
    def timed(self, system: str, operation: str) -> Iterator["Call"]:
        """Tell of the call outside that the block makes: how long it takes, and how it ends."""
        began, call = time.perf_counter(), Call()
        try:
            yield call
        except BaseException as error:
            if call.result == OK:
                call.result = result_of(error)
            raise
        finally:
            self.called(system, operation, call.result, time.perf_counter() - began)


@dataclass(slots=True)
class Call:
    """One call outside while it lasts. Whoever knows more than the exception says (or does not say) sets `result`."""

    result: str = OK


SILENT = Meter()


def result_of(error: BaseException) -> str:
    """In a word, what an error of a call outside says of its answer."""
    match error:
        case Unavailable():
            return "unavailable" if error.retry_after is None else "limited"
        case NotFound():
            return "not-found"
        case Denied():
            return "denied"
        case Refused():
            return "refused"
        case asyncio.CancelledError():
            return "cancelled"
        case _:
            return ERROR


def operation_of(method: str, path: str, words: frozenset[str]) -> str:
    """A request's method and path with every part that is none of `words` left out: `GET repos/*/pulls/*/merge`."""
    parts: list[str] = []
    for part in path.partition("?")[0].split("/"):
        if part in _PREFIX:
            continue
        shown = part if part in words else "*"
        if shown != "*" or parts[-1:] != ["*"]:
            parts.append(shown)
    return f"{method} {'/'.join(parts[:MOST_PARTS])}"
