"""Which tests `make test` runs, and in which order.

Of the scenarios those of the day: of each file a quarter, and two at least, drawn by a seed that is the date. The world
of a scenario costs seconds of a processor, and most of them differ in a step or two from their neighbours.
`make test-long` tells all of them, and so does pytest without `--sample`.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

LEAST, SHARE = 2, 4
Test = TypeVar("Test")


def draw(tests: Mapping[str, str], seed: str) -> set[str]:
    """Some of these tests: their names, each with the file that it stands in.

    The same for the same seed; what other files hold makes no difference.
    """
    by_file: dict[str, list[str]] = defaultdict(list)
    for name, file in tests.items():
        by_file[file].append(name)
    drawn: set[str] = set()
    for file, names in by_file.items():
        wanted = max(LEAST, -(-len(names) // SHARE))
        drawn.update(random.Random(f"{seed} {file}").sample(names, min(wanted, len(names))))  # noqa: S311
    return drawn


def spread(tests: Sequence[Test], *, longest: Callable[[Test], bool], workers: int) -> list[Test]:
    """The same tests, ordered for `workers` of whom each takes one stretch of them and helps the others out in the
    end: every stretch begins with its share of what takes long, so that none of it is left when the rest is done.
    """
    long, short = [test for test in tests if longest(test)], [test for test in tests if not longest(test)]
    order: list[Test] = []
    for worker in range(workers):
        begin, end = (len(tests) * at // workers for at in (worker, worker + 1))
        mine = long[worker::workers][: end - begin]
        order += mine
        room = end - begin - len(mine)
        order += short[:room]
        del short[:room]
    return order + [test for test in long if test not in order]
