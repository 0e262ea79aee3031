"""Slack's limits as token buckets, with a share of each that the most urgent may use alone."""

import asyncio
from collections.abc import Mapping

from bot.domain.alerts.budget import Budget
from bot.domain.identity import ChannelId
from bot.domain.outgoing import Urgency

UPDATE = "chat.update"
KEPT: Mapping[Urgency, int] = {
    Urgency.ANSWER: 0, Urgency.CARD: 0, Urgency.NOTE: 1, Urgency.NOTICE: 1, Urgency.STORM: 1,
    Urgency.ALERT_NEW_CRITICAL: 2, Urgency.ALERT_NEW: 2, Urgency.ALERT_FINAL: 2, Urgency.ALERT_EDIT: 2,
    Urgency.ALERT_NOTE: 2, Urgency.DIGEST: 3,
}  # fmt: skip
"""How many tokens of a budget a class leaves to those that go before it. Alerts may come for hours: what they leave is
there at once for an answer or a change's card, and filled again before the next alert."""


class Bucket:
    """Lets `per_second` calls through, `burst` at once. `take(keep=n)` leaves n tokens to those who keep none."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._rate, self._burst = per_second, burst
        self._tokens = burst
        self._at: float | None = None

    async def take(self, *, keep: float = 0) -> None:
        while True:
            if self.take_now(keep=keep):
                return
            await asyncio.sleep(self.wait(keep=keep))

    def take_now(self, *, keep: float = 0) -> bool:
        """Take one if it is there."""
        if self.wait(keep=keep) > 0:
            return False
        self._tokens -= 1
        return True

    def give_back(self) -> None:
        """One that was taken and not used."""
        self._tokens = min(self._burst, self._tokens + 1)

    def wait(self, *, keep: float = 0) -> float:
        """Seconds until one can be taken; 0: now. Never more are kept than there can be."""
        self._refill()
        return max(0.0, (min(1 + keep, self._burst) - self._tokens) / self._rate)

    def pause(self, seconds: float) -> None:
        """Slack said so: nothing goes through before that time has passed."""
        self._refill()
        self._tokens = min(self._tokens, 1 - seconds * self._rate)

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


class Ticket:
    """A token that was taken ahead, for whoever may only begin when there is one. Used once, or handed back."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket: Bucket | None = bucket

    def use(self, bucket: Bucket) -> bool:
        """Whether it pays for a call on that budget."""
        if self._bucket is not bucket:
            return False
        self._bucket = None
        return True

    def hand_back(self) -> None:
        """Nothing happens when it was used."""
        if self._bucket is not None:
            self._bucket.give_back()
            self._bucket = None


class Pace:
    """The buckets of one workspace: posts per channel, other methods each for themselves."""

    def __init__(self, *, scale: float = 1.0) -> None:
        """`scale` multiplies every limit."""
        self._scale = scale
        self._channels: dict[ChannelId, Bucket] = {}
        self._methods: dict[str, Bucket] = {}
        self.budget = Budget(scale=scale)

    def posts(self, channel: ChannelId) -> Bucket:
        """About one a second into one channel, with short bursts."""
        return self._channels.setdefault(channel, Bucket(1.0 * self._scale, 4))

    def method(self, name: str) -> Bucket:
        """By the method's tier: no minute has more calls than it allows, the burst at its beginning among them. That is
        one more than alerts need to begin: with no room above that, a token that is taken late is lost."""
        per_minute = _PER_MINUTE.get(name, 50)
        burst = max(1, per_minute // 12)
        return self._methods.setdefault(name, Bucket((per_minute - burst) / 60 * self._scale, burst))

    def bucket_of(self, urgency: Urgency, channel: ChannelId) -> Bucket:
        """Which budget a row of this class needs first."""
        is_update = urgency in (Urgency.STORM, Urgency.ALERT_FINAL, Urgency.ALERT_EDIT)
        return self.method(UPDATE) if is_update else self.posts(channel)

    def is_open(self, urgency: Urgency) -> bool:
        """Whether the workspace's budget has a token for an update of this class."""
        return not self.method(UPDATE).wait(keep=KEPT[urgency])

    def closed_channels(self, urgency: Urgency) -> frozenset[ChannelId]:
        """Into which nothing of this class can be posted now."""
        return frozenset(name for name, bucket in self._channels.items() if bucket.wait(keep=KEPT[urgency]))

    def next_token(self, urgency: Urgency) -> float:
        """Seconds until some budget that has none for this class has one; 0: all have."""
        buckets = [self.method(UPDATE), *self._channels.values()]
        return min((wait for bucket in buckets if (wait := bucket.wait(keep=KEPT[urgency]))), default=0.0)


_PER_MINUTE = {
    "chat.postEphemeral": 100, UPDATE: 50, "conversations.history": 50, "conversations.replies": 50,
}  # fmt: skip
