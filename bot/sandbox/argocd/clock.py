"""The stand-in's clock: wall-clock time for stamps, and durations of the world divided by its speed."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """`speed` 20 makes a wave delay of two seconds last a tenth of one; stamps stay real time."""

    def __init__(self, speed: float) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be positive, not {speed}")
        self.speed = speed

    def now(self) -> datetime:
        return datetime.now(UTC)

    def epoch(self) -> float:
        return self.now().timestamp()

    def stamp(self, at: datetime | None = None) -> str:
        """RFC 3339 in whole seconds, as Kubernetes writes times."""
        return (at or self.now()).strftime("%Y-%m-%dT%H:%M:%SZ")

    def real(self, world_seconds: float) -> float:
        return world_seconds / self.speed

    async def sleep(self, world_seconds: float) -> None:
        await asyncio.sleep(self.real(world_seconds))

    def later(self, real_seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, real_seconds), call)
