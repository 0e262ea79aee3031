"""What the benches share: rounds in turn, percentiles, ratios against a floor of the same run, and one kind of table.

Nothing here asserts: a measurement is printed, and read by a person who knows what else the machine was doing.
"""

import math
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

Round = Callable[[], Awaitable[Sequence[float]]]
"""One round of a contestant: does its share and answers the seconds that each single act took."""


@dataclass(slots=True)
class Measured:
    """What one contestant took: for each round the seconds of its single acts, and of the whole round."""

    rounds: list[Sequence[float]] = field(default_factory=list)
    lasted: list[float] = field(default_factory=list)

    def add(self, taken: Sequence[float], lasted: float | None = None) -> None:
        self.rounds.append(taken)
        self.lasted.append(sum(taken) if lasted is None else lasted)

    def percentile(self, share: float) -> float:
        """The median over the rounds: one disturbed round does not move it."""
        return median(percentile(taken, share) for taken in self.rounds)

    @property
    def per_second(self) -> float:
        return median(len(taken) / lasted for taken, lasted in zip(self.rounds, self.lasted, strict=True))

    def ratio(self, floor: "Measured", share: float) -> float:
        """The median over pairs of neighbouring rounds: what slows a while of the run slows both of a pair."""
        pairs = zip(self.rounds, floor.rounds, strict=True)
        return median(percentile(ours, share) / percentile(theirs, share) for ours, theirs in pairs)


def percentile(taken: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(taken)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def in_turn(contestants: Mapping[str, Round], rounds: int) -> dict[str, Measured]:
    """A B C, A B C, …: after one unmeasured round of each."""
    for begin in contestants.values():
        await begin()
    measured = {name: Measured() for name in contestants}
    for _ in range(rounds):
        for name, begin in contestants.items():
            started = time.perf_counter()
            taken = await begin()
            measured[name].add(taken, time.perf_counter() - started)
    return measured


async def timed(work: Awaitable[object]) -> float:
    """The seconds that it takes."""
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 0.01 else f"{seconds * 1000:.1f} ms"


def times(ratio: float) -> str:
    return f"{ratio:.2f}×"


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *remarks: str) -> None:
    """Print a table: the first column to the left, numbers to the right; and how busy the machine was otherwise."""
    widths = [max(len(line[at]) for line in [columns, *rows]) for at in range(len(columns))]
    print(f"\n\n{title}")
    for line in [columns, ["-" * width for width in widths], *rows]:
        first, *rest = (text.ljust(width) if at == 0 else text.rjust(width)
                        for at, (text, width) in enumerate(zip(line, widths, strict=True)))  # fmt: skip
        print("  ".join(["", first, *rest]))
    for remark in remarks:
        print(f"  {remark}")
    print(f"  load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def moment(at: str) -> float:
    """Seconds since 1970 of a time as the sandbox writes it."""
    return datetime.fromisoformat(at).timestamp()
