"""Digests as values: laws of bars and counts, what is noisy, what nobody acted on, which silences are named."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.alerts.digest import BAR_WIDTH, Digest, Episode, Mean, bar, held_silences
from bot.domain.alerts.group import Acknowledgement, GroupState, Tie, TiedBy
from bot.domain.alerts.matcher import Matcher, Operator
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.silence import Silence, SilenceState
from tests.alert_examples import alert, group
from tests.examples import DEVELOPER, HOUR, NOW

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
numbers = st.integers(0, 10_000)
MOMENTS = st.integers(0, 100_000).map(lambda seconds: NOW + timedelta(seconds=seconds))


def episode(name: str = "SlowQueries", number: int = 1, **facts: object) -> Episode:
    opened = facts.get("opened_at", NOW)
    known: dict[str, object] = {"severity": Severity.WARNING, "place": "", "opened_at": NOW, "began_at": opened}
    return Episode(name=name, number=number, **known | facts)  # type: ignore[arg-type]


def digest(*opened: Episode, **facts: object) -> Digest:
    return Digest(since=NOW, until=NOW + DAY, opened=opened, **facts)  # type: ignore[arg-type]


def silence(name: str = "s-1", **facts: object) -> Silence:
    known: dict[str, object] = {
        "id": name, "state": SilenceState.ACTIVE, "starts_at": NOW, "ends_at": NOW + 9 * DAY, "created_by": "U0DEV1",
        "matchers": (Matcher("alertname", Operator.EQUAL, "SlowQueries"),), "comment": "disk is on order",
    }  # fmt: skip
    return Silence(**known | facts)  # type: ignore[arg-type]


@settings(deadline=None)
@given(numbers, numbers, st.integers(1, 40))
def test_a_bar_is_as_wide_as_it_shall_be_and_never_lies_about_nothing_and_all(
    number: int, most: int, width: int
) -> None:
    number = min(number, most)
    drawn = bar(number, most, width)
    assert len(drawn) == width
    assert set(drawn) <= {"█", "░"}
    assert drawn == "".join(sorted(drawn)), "from the left"
    assert ("█" in drawn) == (number > 0)
    if width > 1 and most > 0:
        assert ("░" not in drawn) == (number == most)


@settings(deadline=None)
@given(st.lists(numbers, min_size=2, max_size=2).map(sorted), numbers)
def test_more_is_never_a_shorter_bar(pair: list[int], most: int) -> None:
    less, more = (bar(number, max(most, *pair)).count("█") for number in pair)
    assert less <= more <= BAR_WIDTH


EPISODES = st.lists(
    st.builds(
        Episode, number=st.integers(1, 10_000), name=st.sampled_from(["A", "B", "C", ""]),
        place=st.sampled_from(["x · y", "x", ""]), severity=st.sampled_from(Severity),
        opened_at=MOMENTS, began_at=MOMENTS,
        resolved_at=st.none() | MOMENTS, acted_at=st.none() | MOMENTS, flips=st.integers(1, 50),
    ), max_size=30,
)  # fmt: skip


@settings(deadline=None)
@given(EPISODES)
def test_nothing_is_counted_twice_and_nothing_is_left_out(episodes: list[Episode]) -> None:
    told = digest(*episodes)
    assert sum(number for _, number in told.by_severity) == len(episodes)
    assert sum(number for _, number in told.by_place) == len(episodes)
    assert sum(tally.groups for tally in told.noisiest) == len(episodes)
    assert sum(tally.fired for tally in told.noisiest) == sum(one.fired for one in episodes)
    acted = told.to_act.of if told.to_act else 0
    assert sum(tally.groups for tally in told.never_acted_on) == len(episodes) - acted
    fired = [tally.fired for tally in told.noisiest]
    assert fired == sorted(fired, reverse=True)
    ranks = [tally.severity.rank for tally in told.never_acted_on]
    assert ranks == sorted(ranks)
    for mean in (told.to_act, told.to_resolve):
        assert mean is None or mean.length >= timedelta()


def test_a_group_becomes_a_line() -> None:
    over = group(
        alert(), state=GroupState.RESOLVED, resolved_at=NOW + HOUR, first_acted_at=NOW + MINUTE,
        tie=Tie(application="apm-stack", environment="production", by=TiedBy.LABELS),
        flips=tuple(NOW + n * MINUTE for n in range(4)), acknowledged=Acknowledgement(by=DEVELOPER, at=NOW + MINUTE),
    )  # fmt: skip
    line = Episode.of(over)
    assert (line.name, line.place, line.number) == ("HighErrorRate", "apm-stack · production", 7)
    assert (line.fired, line.is_taken, line.resolved_at, line.acted_at) == (2, True, NOW + HOUR, NOW + MINUTE)
    fires = Episode.of(group(alert(), group_labels={"alertname": "x" * 9_000}, resolved_at=NOW))
    assert (len(fires.name), fires.fired, fires.resolved_at, fires.is_taken) == (200, 1, None, False)


def test_the_noisiest_is_what_fired_most_often_not_what_was_most_groups() -> None:
    told = digest(episode("Flaps", 1, flips=9, place="x"), episode("Often", 2), episode("Often", 3, place="y"))
    assert [(one.name, one.fired, one.groups, one.place) for one in told.noisiest] == [
        ("Flaps", 5, 1, "x"), ("Often", 2, 2, ""),
    ]  # fmt: skip


def test_what_nobody_acted_on_goes_by_severity_and_means_are_of_what_there_is() -> None:
    told = digest(
        episode("Minor", 1, resolved_at=NOW + 4 * MINUTE), episode("Minor", 2),
        episode("Grave", 3, severity=Severity.CRITICAL, resolved_at=NOW + 2 * MINUTE),
        episode("Seen", 4, severity=Severity.CRITICAL, acted_at=NOW + MINUTE, resolved_at=NOW + 6 * MINUTE),
    )  # fmt: skip
    assert [(one.name, one.groups) for one in told.never_acted_on] == [("Grave", 1), ("Minor", 2)]
    assert (told.to_act, told.to_resolve) == (Mean(length=MINUTE, of=1), Mean(length=4 * MINUTE, of=3))
    late = digest(episode("x", 1, began_at=NOW - HOUR, acted_at=NOW + MINUTE, resolved_at=NOW + HOUR))
    assert (late.to_act, late.to_resolve) == (Mean(length=MINUTE, of=1), Mean(length=2 * HOUR, of=1))
    assert (digest().to_act, digest().to_resolve, digest().noisiest) == (None, None, ())


def test_what_flaps_is_told_once_and_what_flapped_long_ago_is_not() -> None:
    both = episode("Both", 1, flips=4)
    told = digest(
        both, episode("Calm", 2, flips=3),
        still_open=(both, episode("Old", 3, flips=9, opened_at=NOW - DAY),
                    episode("Flaps", 4, flips=9, opened_at=NOW - DAY, is_flapping=True)),
    )  # fmt: skip
    assert [one.name for one in told.flapping] == ["Flaps", "Both"]


def test_silences_that_outlive_their_reason_are_told_from_those_that_end_too_early() -> None:
    told = held_silences(
        "default",
        [silence("idle"), silence("idle-longer", ends_at=NOW + 99 * DAY), silence("gone", state=SilenceState.EXPIRED),
         silence("later", state=SilenceState.PENDING), silence("young", starts_at=NOW + DAY - MINUTE),
         silence("works"), silence("ends", ends_at=NOW + DAY + HOUR)],
        [alert("a", silenced_by=("works", "ends")), alert("b", silenced_by=("ends", "other")), alert("c")],
    )  # fmt: skip
    assert {one.silence.id: one.hides for one in told} == {
        "idle": 0, "idle-longer": 0, "young": 0, "works": 1, "ends": 2,
    }  # fmt: skip
    found = digest(silences=told)
    assert [one.silence.id for one in found.idle_silences] == ["idle-longer", "idle"]
    assert [one.silence.id for one in found.ending_silences] == ["ends"]
