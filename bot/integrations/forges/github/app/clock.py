"""GitHub's clock as its answers tell it: a signed word with times in it is judged by that one, not by ours."""

from datetime import datetime, timedelta

import structlog

from bot.ports import Clock

log = structlog.get_logger(__name__)

TOLERATED = timedelta(seconds=10)
"""An answer takes a while, and tells whole seconds."""


class GithubClock:
    """Our clock until an answer of GitHub shows that it is off; then ours, corrected. Says so once in the log."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._off = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self._off

    def hear(self, their_time: datetime | None) -> bool:
        """What an answer said; answers whether `now` is another one since."""
        if their_time is None or abs(their_time - self.now()) <= TOLERATED:
            return False
        was_right, ours = self._off == timedelta(0), self._clock.now()
        self._off = their_time - ours if abs(their_time - ours) > TOLERATED else timedelta(0)
        if was_right:
            log.warning("github.clock_differs", seconds=round(self._off.total_seconds()), using="GitHub's")
        return True
