"""Answers that GitHub need not send again: it counts no request whose answer is "as you know it" (304)."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

MOST_REMEMBERED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An answer as it was, with the tag by which GitHub knows it again. Whoever reads `document` leaves it as it is."""

    tag: str
    document: Any
    next_page: str | None


class Remembered:
    """The newest answers by their address; what was not asked for the longest is forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Known] = OrderedDict()

    def find(self, address: str) -> Known | None:
        if address in self._known:
            self._known.move_to_end(address)
        return self._known.get(address)

    def keep(self, address: str, known: Known) -> None:
        self._known[address] = known
        self._known.move_to_end(address)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
