"""Which operation was run past Tiphys, and the words for it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.change import Change, SyncFacts
from bot.domain.lifecycle import State
from bot.domain.live import Operation, Phase
from bot.domain.outside_sync import FOLLOWS_WITHIN, LATEST, SKEW, Standing, judge, outside_text
from bot.domain.text import Code, Link, Plain, Strong
from tests import examples
from tests.examples import HOUR, MERGED, MINUTE, NOW

SECOND = timedelta(seconds=1)
PAGE = "https://argocd.example.com/applications/argocd/apm-stack-production"


def operation(**facts: Any) -> Operation:
    known: dict[str, Any] = {
        "phase": Phase.SUCCEEDED, "revision": MERGED, "started_at": NOW, "finished_at": NOW + 20 * SECOND,
        "initiated_by": "admin",
    }  # fmt: skip
    return Operation(**known | facts)


def followed(**facts: Any) -> Change:
    """A change that took somebody else's operation for the one that ships it."""
    known = {"sync": SyncFacts(operation=None, asked_at=NOW + 2 * SECOND, started_at=NOW + 2 * SECOND)}
    return examples.merged_change(State.VERIFYING, **known | facts)


def test_what_a_person_synced_while_nothing_of_ours_was_under_way_is_outside() -> None:
    assert judge(operation(), [], NOW + MINUTE) is Standing.OUTSIDE
    for state in (State.WAITING_FOR_APPROVAL, State.SUCCEEDED, State.REJECTED):
        assert judge(operation(), [examples.change(state)], NOW + MINUTE) is Standing.OUTSIDE
    for phase in (Phase.FAILED, Phase.ERROR):
        assert judge(operation(phase=phase, partial=True), [], NOW + MINUTE) is Standing.OUTSIDE


@pytest.mark.parametrize(
    "facts",
    [
        {"automated": True}, {"dry_run": True}, {"started_at": None}, {"phase": Phase.RUNNING},
        {"phase": Phase.TERMINATING}, {"phase": Phase.UNKNOWN}, {"phase": Phase.PENDING},
    ],
)  # fmt: skip
def test_what_is_not_over_or_nobodys_is_not(facts: dict[str, Any]) -> None:
    assert judge(operation(**facts), [], NOW + MINUTE) is Standing.OURS


def test_what_is_long_past_is_no_news() -> None:
    assert judge(operation(), [], NOW + LATEST + 20 * SECOND) is Standing.OUTSIDE
    assert judge(operation(), [], NOW + LATEST + 21 * SECOND) is Standing.OURS
    assert judge(None, [], NOW) is Standing.OURS


def test_pressing_sync_in_argo_cd_for_what_was_merged_is_a_way_to_ship_it() -> None:
    merged = examples.merge(at=NOW - MINUTE)
    for change in (followed(merge=merged), replace(followed(merge=merged), state=State.SUCCEEDED)):
        assert judge(operation(), [examples.change(State.REJECTED), change], NOW + HOUR) is Standing.OURS
    again = operation(started_at=NOW + MINUTE, finished_at=NOW + MINUTE)
    assert judge(again, [followed(merge=merged)], NOW + HOUR) is Standing.OUTSIDE, "the second press ships nothing"
    before = followed(merge=examples.merge(at=NOW + SKEW + SECOND))
    assert judge(operation(), [before], NOW + HOUR) is Standing.OUTSIDE, "it was synced before that was merged"
    ours = replace(examples.syncing_change(merge=merged), state=State.SUCCEEDED)
    assert judge(operation(), [ours], NOW + HOUR) is Standing.OUTSIDE, "that one had a sync of its own"


def test_while_a_change_may_yet_take_it_up_it_is_waited_for() -> None:
    waits = examples.merged_change(State.WAITING_FOR_SYNC)
    over = operation().finished_at
    assert over is not None
    assert judge(operation(), [waits], over + FOLLOWS_WITHIN - SECOND) is Standing.LATER
    assert judge(operation(), [waits], over + FOLLOWS_WITHIN) is Standing.OUTSIDE
    assert judge(operation(), [replace(waits, state=State.VERIFYING)], over) is Standing.OUTSIDE
    later = replace(waits, merge=examples.merge(at=NOW + SKEW + SECOND))
    assert judge(operation(), [later], over) is Standing.OUTSIDE, "it began before there was anything to ship"


def test_the_words() -> None:
    told = outside_text(examples.stage(), operation(), PAGE)
    assert told.plain == "⚠️ production of apm-stack was synced by admin outside of Tiphys: 3333333 (Argo CD)"
    assert Link(PAGE, "Argo CD") in told.parts
    part = outside_text(examples.stage(), operation(partial=True, initiated_by="", revision=""), PAGE)
    assert part.plain == (
        "⚠️ production of apm-stack was synced in part by somebody outside of Tiphys: no revision was told (Argo CD)"
    )
    failed = operation(phase=Phase.FAILED, message="some objects failed to apply", revision="v1.2")
    assert outside_text(examples.stage(), failed, PAGE).plain == (
        "⚠️ A sync of production of apm-stack by admin outside of Tiphys has failed: v1.2, some objects failed to "
        "apply (Argo CD)"
    )


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_what_argo_cd_says_stays_words_on_one_short_line(by: str, revision: str, message: str) -> None:
    for phase in (Phase.SUCCEEDED, Phase.ERROR):
        told = outside_text(
            examples.stage(), operation(phase=phase, initiated_by=by, revision=revision, message=message), PAGE
        )
        assert {type(part) for part in told.parts} <= {Plain, Strong, Code, Link}
        assert "\n" not in told.plain
        assert len(told.plain) < 700
