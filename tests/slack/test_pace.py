"""Token buckets: Slack's pace is kept, and the urgent have a share that nobody else uses."""

import asyncio

import pytest

from bot.domain.identity import ChannelId
from bot.domain.outgoing import Urgency
from bot.slack.pace import KEPT, UPDATE, Bucket, Pace, Ticket


async def taken_within(bucket: Bucket, seconds: float, *, keep: float = 0) -> int:
    """How many calls get through at once or in so little time."""
    count = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                await bucket.take(keep=keep)
                count += 1
    except TimeoutError:
        return count


async def test_a_burst_goes_through_then_the_rate_holds() -> None:
    assert await taken_within(Bucket(0.01, 4), 0.05) == 4


async def test_the_urgent_have_a_share_of_their_own() -> None:
    bucket = Bucket(0.01, 4)
    assert await taken_within(bucket, 0.05, keep=1) == 3
    assert await taken_within(bucket, 0.05) == 1


async def test_more_is_never_kept_than_there_can_be() -> None:
    assert await taken_within(Bucket(0.01, 1), 0.05, keep=5) == 1


async def test_a_pause_holds_for_its_time() -> None:
    bucket = Bucket(10, 5)
    bucket.pause(0.2)
    began = asyncio.get_running_loop().time()
    await bucket.take()
    assert 0.15 < asyncio.get_running_loop().time() - began < 2


async def test_channels_and_methods_have_buckets_of_their_own() -> None:
    pace = Pace()
    assert pace.posts(ChannelId("C1")) is pace.posts(ChannelId("C1"))
    assert pace.posts(ChannelId("C1")) is not pace.posts(ChannelId("C2"))
    assert pace.method("chat.update") is not pace.method("conversations.history")


async def test_no_minute_has_more_calls_of_a_method_than_its_tier_allows() -> None:
    """A thousand times as slow as Slack: what passes meanwhile does not count."""
    bucket = Pace(scale=0.001).method(UPDATE)
    burst = sum(bucket.take_now() for _ in range(50))
    assert burst > 1 + KEPT[Urgency.ALERT_EDIT], "an alert that comes late finds a token more"
    assert burst + 60_000 / bucket.wait() == pytest.approx(50, abs=0.1)


async def test_a_token_is_taken_only_if_it_is_there() -> None:
    bucket = Bucket(0.01, 2)
    assert bucket.take_now(keep=1)
    assert not bucket.take_now(keep=1)
    assert bucket.wait(keep=1) > 50
    bucket.give_back()
    assert bucket.take_now(keep=1)


async def test_a_ticket_pays_once_and_for_its_own_budget() -> None:
    bucket, other = Bucket(0.01, 1), Bucket(0.01, 1)
    assert bucket.take_now()
    ticket = Ticket(bucket)
    assert not ticket.use(other)
    assert ticket.use(bucket)
    assert not ticket.use(bucket)
    ticket.hand_back()
    assert not bucket.take_now()


async def test_a_ticket_that_is_not_used_is_handed_back_once() -> None:
    bucket = Bucket(0.01, 2)
    assert bucket.take_now()
    assert bucket.take_now()
    ticket = Ticket(bucket)
    ticket.hand_back()
    ticket.hand_back()
    assert bucket.take_now()
    assert not bucket.take_now()


async def test_alerts_leave_a_share_of_every_budget_to_what_people_wait_for() -> None:
    pace, channel = Pace(scale=0.01), ChannelId("C1")
    for budget in (pace.posts(channel), pace.method(UPDATE)):
        while budget.take_now(keep=KEPT[Urgency.ALERT_NEW_CRITICAL]):
            pass
    assert pace.closed_channels(Urgency.ALERT_NEW) == {channel}
    assert not pace.is_open(Urgency.ALERT_FINAL)
    assert pace.next_token(Urgency.ALERT_EDIT) > 0
    for budget in (pace.posts(channel), pace.method(UPDATE)):
        assert [budget.take_now(keep=KEPT[Urgency.CARD]) for _ in range(3)] == [True, True, False]


async def test_every_class_leaves_at_least_what_the_one_before_it_does() -> None:
    kept = [KEPT[urgency] for urgency in sorted(Urgency)]
    assert kept == sorted(kept)


async def test_a_channel_that_nothing_was_posted_to_is_open() -> None:
    pace = Pace()
    assert pace.closed_channels(Urgency.DIGEST) == frozenset()
    assert pace.is_open(Urgency.ALERT_EDIT)
    assert pace.next_token(Urgency.ALERT_EDIT) == 0


async def test_a_row_needs_the_budget_of_what_it_is_shown_by() -> None:
    pace, channel = Pace(), ChannelId("C1")
    for urgency in (Urgency.ALERT_NEW_CRITICAL, Urgency.ALERT_NEW, Urgency.ALERT_NOTE, Urgency.DIGEST):
        assert pace.bucket_of(urgency, channel) is pace.posts(channel)
    for urgency in (Urgency.STORM, Urgency.ALERT_FINAL, Urgency.ALERT_EDIT):
        assert pace.bucket_of(urgency, channel) is pace.method(UPDATE)
