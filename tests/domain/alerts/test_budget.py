"""When alerts are more than Slack lets us show, and when they no longer are."""

from datetime import timedelta

import pytest

from bot.domain.alerts.budget import FEW, POSTS, UPDATES, Backlog, Budget, is_over, is_raging, overwhelmed
from bot.domain.identity import ChannelId

FIRST, SECOND, THIRD = ChannelId("C1"), ChannelId("C2"), ChannelId("C3")


@pytest.mark.parametrize(("new", "is_too_much"), [(POSTS, False), (POSTS + 1, True)])
def test_a_channel_has_a_budget_of_posts_of_its_own(new: int, is_too_much: bool) -> None:
    backlogs = [Backlog(channel=FIRST, new=new), Backlog(channel=SECOND, new=POSTS)]
    assert overwhelmed(backlogs) == (frozenset({FIRST}) if is_too_much else frozenset())


def test_updates_are_the_whole_workspaces() -> None:
    half = UPDATES // 2
    assert overwhelmed([Backlog(channel=FIRST, stale=half), Backlog(channel=SECOND, stale=half)]) == frozenset()
    backlogs = [
        Backlog(channel=FIRST, stale=UPDATES), Backlog(channel=SECOND, stale=1), Backlog(channel=THIRD, new=1),
    ]  # fmt: skip
    assert overwhelmed(backlogs) == {FIRST}
    assert overwhelmed([Backlog(channel=FIRST, stale=half + 1), Backlog(channel=SECOND, stale=half + 1)]) == {
        FIRST, SECOND,
    }  # fmt: skip


def test_nothing_that_waits_is_too_much() -> None:
    assert overwhelmed([]) == frozenset()
    assert overwhelmed([Backlog(channel=FIRST)]) == frozenset()


def test_a_storm_rages_while_much_changes_and_is_over_when_little_is_left() -> None:
    assert is_raging(Backlog(channel=FIRST, new=400, fresh=POSTS))
    assert not is_raging(Backlog(channel=FIRST, new=400, fresh=POSTS // 2))
    assert not is_over(Backlog(channel=FIRST, new=400))
    assert not is_over(Backlog(channel=FIRST, new=FEW, stale=1))
    assert is_over(Backlog(channel=FIRST, new=FEW))


def test_a_budget_that_is_scaled_has_shorter_times() -> None:
    assert Budget().fresh_for == timedelta(seconds=30)
    assert Budget(scale=10).storm_card_every(1, is_raging=True) == timedelta(seconds=1)
    assert Budget(scale=10).look_every == timedelta(milliseconds=100)
    assert Budget(scale=10).resume_within == timedelta(seconds=30)


@pytest.mark.parametrize(("storms", "seconds"), [(1, 10), (2, 12), (3, 18), (12, 72)])
def test_the_cards_of_storms_leave_most_updates_to_others(storms: int, seconds: int) -> None:
    every = Budget().storm_card_every(storms, is_raging=True)
    assert every == timedelta(seconds=seconds)
    assert storms * 60 / every.total_seconds() <= 2 * UPDATES / 3
    assert Budget().storm_card_every(storms, is_raging=False) == storms * timedelta(minutes=1)
