"""Slack's rate limits: so many calls of one method a minute, about one message a second into one channel."""

import math
import time
from collections import deque
from collections.abc import Callable

WINDOW = 60.0
POSTS_PER_SECOND = 1.0
POST_BURST = 5

# Tier 1 is "1+": an app may open all its connections at once.
TIERS = {1: 10, 2: 20, 3: 50, 4: 100}
TIER_OF = {
    "apps.connections.open": 1,
    "users.list": 2, "usergroups.list": 2, "usergroups.users.list": 2, "conversations.list": 2,
    "users.conversations": 2,
    "chat.update": 3, "chat.delete": 3, "conversations.info": 3, "conversations.history": 3,
    "conversations.replies": 3, "conversations.join": 3, "conversations.open": 3, "users.lookupByEmail": 3,
    "reactions.add": 3, "bots.info": 3, "team.info": 3,
    "users.info": 4, "conversations.members": 4, "chat.postEphemeral": 4, "views.open": 4, "views.push": 4,
    "views.update": 4, "views.publish": 4,
}  # fmt: skip


class RateLimits:
    """Counts calls. `scale` multiplies every limit (2: twice as many calls); `clock` is a monotonic one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}
        self._posts: dict[str, tuple[float, float]] = {}

    def admit(self, method: str, channel: str, scale: float) -> int | None:
        """None when the call may go on (it is counted then), else the seconds for `Retry-After`."""
        if method == "chat.postMessage":
            return self._admit_post(channel, scale)
        tier = TIER_OF.get(method)
        return None if tier is None else self._admit_call(method, TIERS[tier] * scale)

    def forget(self) -> None:
        """Start counting anew."""
        self._calls.clear()
        self._posts.clear()

    def _admit_call(self, method: str, per_minute: float) -> int | None:
        now = self._clock()
        # Below one call a minute the window grows instead.
        most, window = (max(1, int(per_minute)), WINDOW) if per_minute >= 1 else (1, WINDOW / per_minute)
        calls = self._calls.setdefault(method, deque())
        while calls and calls[0] <= now - window:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil(calls[0] + window - now))
        calls.append(now)
        return None

    def _admit_post(self, channel: str, scale: float) -> int | None:
        now, rate = self._clock(), POSTS_PER_SECOND * scale
        left, at = self._posts.get(channel, (float(POST_BURST), now))
        left = min(float(POST_BURST), left + (now - at) * rate)
        if left < 1:
            self._posts[channel] = (left, now)
            return max(1, math.ceil((1 - left) / rate))
        self._posts[channel] = (left - 1, now)
        return None
