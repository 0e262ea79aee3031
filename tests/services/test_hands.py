"""Hands: whatever a sweep comes to grief over, the next one is made."""

import asyncio

import pytest

from bot.ports_store import StoreUnavailable
from bot.services.hands import Hands
from bot.wake import Bell


@pytest.mark.parametrize("trouble", [StoreUnavailable("it is away"), RuntimeError("out of paper")])
async def test_whatever_a_sweep_comes_to_grief_over_the_next_one_is_made(trouble: Exception) -> None:
    bell = Bell()
    hands = Hands("test", bell, at_once=1)
    sweeps = 0

    async def sweep() -> float:
        nonlocal sweeps
        sweeps += 1
        bell.ring()
        if sweeps == 1:
            raise trouble
        hands.are_resting = True
        return 0.0

    async with asyncio.timeout(10):
        await hands.run(sweep, no_database="test.no_database")
    assert sweeps == 2
