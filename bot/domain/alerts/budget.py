"""What Slack lets us show: when a channel's alerts are more than that, and when they no longer are."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.identity import ChannelId

HALF_A_MINUTE = timedelta(seconds=30)
POSTS, UPDATES = 30, 22
"""How many cards half a minute shows: posts into one channel, and updates in the whole workspace."""
FEW = 3
"""A backlog that is as good as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The alert groups of a channel whose cards are due: how many have `none` yet, how many have one that is `stale`,
    and how many of both changed within the last half a minute. `since`: when the first of them changed that waits."""

    channel: ChannelId
    new: int = 0
    stale: int = 0
    fresh: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """`scale` multiplies Slack's limits, and divides every length of time here: the same in fewer seconds."""

    scale: float = 1.0

    @property
    def fresh_for(self) -> timedelta:
        return HALF_A_MINUTE / self.scale

    def storm_card_every(self, storms: int, *, is_raging: bool) -> timedelta:
        """How often the card of a storm is brought up to date at most, of so many at a time. Together they take a
        fifth of the workspace's updates at most, and one a minute where they have calmed down: what is left of those
        is what the cards of their groups wait for."""
        return timedelta(seconds=max(10.0, 6.0 * storms) if is_raging else 60.0 * storms) / self.scale

    @property
    def look_every(self) -> timedelta:
        return timedelta(seconds=1) / self.scale

    @property
    def resume_within(self) -> timedelta:
        """A storm that begins so soon after another in its channel is the same one."""
        return timedelta(minutes=5) / self.scale


def overwhelmed(backlogs: Collection[Backlog]) -> frozenset[ChannelId]:
    """Channels in which more groups wait than half a minute shows. Updates are the whole workspace's: when those are
    too many, it is the channels that have the most of them."""
    stale = [backlog.stale for backlog in backlogs if backlog.stale]
    fair = sum(stale) / len(stale) if sum(stale) > UPDATES else float("inf")
    return frozenset(backlog.channel for backlog in backlogs if backlog.new > POSTS or backlog.stale >= fair)


def is_raging(backlog: Backlog) -> bool:
    """Whether a storm goes on: what changes is still more than what can be shown, or close to it."""
    return backlog.fresh > POSTS // 2


def is_over(backlog: Backlog) -> bool:
    """Whether nothing is left to do for which a storm's card would have to stand."""
    return backlog.new + backlog.stale <= FEW
