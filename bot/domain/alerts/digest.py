"""What a channel's alerts came to in some time: counts, what made the most noise, what nobody did anything about, how
long things took; and silences that have outlived their reason, or end while it lasts.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from bot.domain.alerts.alert import Alert
from bot.domain.alerts.card import place_of
from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.severity import Severity, gravest
from bot.domain.alerts.silence import Silence, SilenceState

BAR_WIDTH = 10
LONGEST_NAME = 200
ENDS_SOON = timedelta(days=1)
YOUNG = timedelta(hours=1)
"""How long a silence may hide nothing without a word: its reason is about to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What a digest keeps of a group, as there may be very many. `name` and `place` are cut text from outside.

    `opened_at`: when we heard of it; `began_at`: when the first of its alerts began.
    `fired`: how many times it began to fire, as far as the row remembers. `acted_at`: when a person first acknowledged,
    assigned or silenced it. `is_taken`: somebody has it now.
    """

    number: int
    name: str
    place: str
    severity: Severity
    opened_at: datetime
    began_at: datetime
    resolved_at: datetime | None = None
    acted_at: datetime | None = None
    is_taken: bool = False
    is_flapping: bool = False
    flips: int = 1

    @classmethod
    def of(cls, group: AlertGroup) -> Self:
        return cls(
            number=group.number, name=group.name[:LONGEST_NAME], place=place_of(group.tie)[:LONGEST_NAME],
            severity=group.severity, opened_at=group.opened_at, began_at=group.began_at,
            resolved_at=group.resolved_at if group.is_over else None, acted_at=group.first_acted_at,
            is_taken=group.acknowledged is not None or group.assigned_to is not None, is_flapping=group.is_flapping,
            flips=max(len(group.flips), 1),
        )  # fmt: skip

    @property
    def fired(self) -> int:
        """The first of its flips is its beginning; every second one after it begins it again."""
        return (self.flips + 1) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What groups of one name have in common: how often they fired, and how many groups that were."""

    name: str
    place: str  # of all of them; empty when they differ
    severity: Severity
    fired: int
    groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean, and of how many."""

    length: timedelta
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSilence:
    """A silence in force, and how many alerts it hides now."""

    source: str
    silence: Silence
    hides: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """`opened`: what began from `since` until `until`. `still_open`: all that is not over now, whenever it began.

    `silences` are those in force; `unasked` are the sources that could not be asked for theirs. `flaps_from`: so many
    flips make a group one that flapped.
    """

    since: datetime
    until: datetime
    opened: tuple[Episode, ...]
    still_open: tuple[Episode, ...] = ()
    silences: tuple[HeldSilence, ...] = ()
    unasked: tuple[str, ...] = ()
    flaps_from: int = 4

    @property
    def by_severity(self) -> tuple[tuple[Severity, int], ...]:
        """The gravest first; only what there is."""
        counts = Counter(episode.severity for episode in self.opened)
        return tuple((severity, counts[severity]) for severity in Severity if counts[severity])

    @property
    def by_place(self) -> tuple[tuple[str, int], ...]:
        """The most first; the empty place is that of no application."""
        counts = Counter(episode.place for episode in self.opened)
        return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def noisiest(self) -> tuple[Tally, ...]:
        """What fired most often first, by name."""
        return tuple(sorted(_tallies(self.opened), key=lambda one: (-one.fired, one.severity.rank, one.name)))

    @property
    def never_acted_on(self) -> tuple[Tally, ...]:
        """What began and nobody did anything about, the gravest first."""
        left = _tallies(episode for episode in self.opened if episode.acted_at is None)
        return tuple(sorted(left, key=lambda one: (one.severity.rank, -one.fired, one.name)))

    @property
    def flapping(self) -> tuple[Episode, ...]:
        """What began and ceased again and again, the most often first; open ones too that began before."""
        known = {episode.number: episode for episode in (*self.opened, *self.still_open)}
        found = [
            episode for episode in known.values() if episode.is_flapping
            or (episode.flips >= self.flaps_from and episode.opened_at >= self.since)
        ]  # fmt: skip
        return tuple(sorted(found, key=lambda episode: (-episode.flips, episode.number)))

    @property
    def to_act(self) -> Mean | None:
        """From when we heard of it until somebody did something, of those that somebody did something about."""
        return _mean((one.opened_at, one.acted_at) for one in self.opened)

    @property
    def to_resolve(self) -> Mean | None:
        """From the beginning until it was over, of those that are."""
        return _mean((one.began_at, one.resolved_at) for one in self.opened)

    @property
    def idle_silences(self) -> tuple[HeldSilence, ...]:
        """Those that hide nothing, and have not only just begun; the one that lasts longest first."""
        return _by_end(
            (held for held in self.silences if not held.hides and self.until - held.silence.starts_at >= YOUNG),
            longest_first=True,
        )

    @property
    def ending_silences(self) -> tuple[HeldSilence, ...]:
        """Those that end soon although what they hide still fires; the first to end first."""
        return _by_end(held for held in self.silences if held.hides and held.silence.ends_at <= self.until + ENDS_SOON)


def held_silences(source: str, silences: Iterable[Silence], alerts: Iterable[Alert]) -> tuple[HeldSilence, ...]:
    """Those in force, each with how many of `alerts` (all that fire, as the API tells of them) it hides."""
    hides = Counter(silence for alert in alerts for silence in alert.silenced_by)
    return tuple(
        HeldSilence(source=source, silence=silence, hides=hides[silence.id])
        for silence in silences
        if silence.state is SilenceState.ACTIVE
    )


def bar(number: int, most: int, width: int = BAR_WIDTH) -> str:
    """A bar of `width` characters for `number` of at most `most`: never empty for something, full for the most only."""
    if number <= 0 or most <= 0:
        filled = 0
    elif number >= most:
        filled = width
    else:
        filled = min(max(round(width * number / most), 1), max(width - 1, 1))
    return "█" * filled + "░" * (width - filled)


def _tallies(episodes: Iterable[Episode]) -> list[Tally]:
    alike: dict[str, list[Episode]] = {}
    for episode in episodes:
        alike.setdefault(episode.name, []).append(episode)
    return [
        Tally(
            name=name, place=_common_place(found), severity=gravest(tuple(one.severity for one in found)),
            fired=sum(one.fired for one in found), groups=len(found),
        )
        for name, found in alike.items()
    ]  # fmt: skip


def _common_place(episodes: list[Episode]) -> str:
    places = {episode.place for episode in episodes}
    return places.pop() if len(places) == 1 else ""


def _mean(spans: Iterable[tuple[datetime, datetime | None]]) -> Mean | None:
    lengths = [max(end - start, timedelta()) for start, end in spans if end is not None]
    return Mean(length=sum(lengths, timedelta()) / len(lengths), of=len(lengths)) if lengths else None


def _by_end(silences: Iterable[HeldSilence], *, longest_first: bool = False) -> tuple[HeldSilence, ...]:
    def place(one: HeldSilence) -> tuple[float, str]:
        end = one.silence.ends_at.timestamp()
        return (-end if longest_first else end), one.silence.id

    return tuple(sorted(silences, key=place))
