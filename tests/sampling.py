"""Which scenarios `make test` tells: of each file a quarter, and two at least, drawn by a seed that is the day.

A scenario's world costs seconds of a processor, and most scenarios differ in a step or two from their neighbours.
`make test-long` tells all of them, and so does pytest without `--sample`.
"""

import random
from collections import defaultdict
from collections.abc import Mapping

LEAST, SHARE = 2, 4


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
