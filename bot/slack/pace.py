"""Slack's limits as token buckets, with a share of each that the most urgent may use alone."""

import asyncio


class Bucket:
    """Lets `per_second` calls through, `burst` at once. `take(keep=n)` leaves n tokens to those who keep none."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._rate, self._burst = per_second, burst
        self._tokens = burst
        self._at: float | None = None

    async def take(self, *, keep: float = 0) -> None:
        while True:
            delay = self._delay(1 + keep)
            if delay <= 0:
                break
            await asyncio.sleep(delay)
        self._tokens -= 1

    def pause(self, seconds: float) -> None:
        """Slack said so: nothing goes through before that time has passed."""
        self._refill()
        self._tokens = min(self._tokens, 1 - seconds * self._rate)

    def _delay(self, wanted: float) -> float:
        """Seconds until that many tokens are there. Never more are wanted than the bucket holds."""
        self._refill()
        return max(0.0, (min(wanted, self._burst) - self._tokens) / self._rate)

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


class Pace:
    """The buckets of one workspace: posts per channel, other methods each for themselves."""

    def __init__(self, *, scale: float = 1.0) -> None:
        """`scale` multiplies every limit."""
        self._scale = scale
        self._channels: dict[str, Bucket] = {}
        self._methods: dict[str, Bucket] = {}

    def posts(self, channel: str) -> Bucket:
        """About one a second into one channel, with short bursts."""
        return self._channels.setdefault(channel, Bucket(1.0 * self._scale, 4))

    def method(self, name: str) -> Bucket:
        """By the method's tier, a little below it: others may call it too."""
        per_minute = _PER_MINUTE.get(name, 50)
        return self._methods.setdefault(name, Bucket(per_minute * 0.9 / 60 * self._scale, max(1, per_minute // 10)))


_PER_MINUTE = {
    "chat.postEphemeral": 100, "chat.update": 50, "conversations.history": 50, "conversations.replies": 50,
}  # fmt: skip
