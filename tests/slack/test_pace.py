"""Token buckets: Slack's pace is kept, and the urgent have a share that nobody else uses."""

import asyncio

from bot.slack.pace import Bucket, Pace


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
    assert pace.posts("C1") is pace.posts("C1")
    assert pace.posts("C1") is not pace.posts("C2")
    assert pace.method("chat.update") is not pace.method("conversations.history")
