"""What one webhook makes of a group."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.alerts.absorb import LATEST, absorb
from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.group import AlertGroup, AlertGroupId, GroupState, SilenceSeen
from bot.domain.alerts.policy import AlertSource, AlertsPolicy
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.snapshot import Snapshot
from bot.domain.alerts.standing import SOON, UNHEARD, Seen
from tests.alert_examples import LABELS, alert, snapshot
from tests.examples import NOW

MINUTE = timedelta(minutes=1)
POLICY = AlertsPolicy(sources={"default": AlertSource(name="default", url="http://127.0.0.1:9")})
DEAF = AlertsPolicy(sources={"default": AlertSource(name="default")})
FIRST, SECOND = AlertGroupId("1"), AlertGroupId("2")
F, R, U = AlertState.FIRING, AlertState.RESOLVED, AlertState.UNREPORTED


def over(service: str, minutes: int = 0, **facts: Any) -> Alert:
    return alert(service, state=R, ends_at=NOW + minutes * MINUTE, **facts)


def absorbed(*heard: Snapshot, policy: AlertsPolicy = POLICY, minutes: int = 0) -> Seen:
    """One after another, all in one minute."""
    seen = Seen(group=None)
    for number, one in enumerate(heard, 1):
        seen = absorb(seen.group, one, policy, NOW + minutes * MINUTE, number=number, new_id=AlertGroupId(str(number)))
    return seen


def of(seen: Seen) -> AlertGroup:
    assert seen.group is not None
    return seen.group


def states(seen: Seen) -> list[AlertState]:
    return [one.state for one in of(seen).alerts]


def test_a_group_opens_and_is_asked_about() -> None:
    seen = absorbed(snapshot(alert("a"), over("b")))
    group = of(seen)
    assert (group.id, group.version, group.state, group.opened_at, group.heard) == (FIRST, 0, GroupState.FIRING, NOW, 1)
    assert (states(seen), group.flips, group.severity) == ([F, R], (NOW,), Severity.CRITICAL)
    assert group.check_at == NOW + SOON
    assert (seen.is_shown, seen.notes) == (True, ())
    assert of(absorbed(snapshot(alert("a")), policy=DEAF)).check_at == NOW + UNHEARD


def test_what_is_over_when_it_is_first_heard_of_is_no_group() -> None:
    assert absorbed(snapshot(over("a"))).group is None


def test_a_truncated_one_of_which_nothing_is_kept_that_fires_is_one_all_the_same() -> None:
    group = of(absorbed(snapshot(over("a"), truncated=50)))
    assert (group.state, group.truncated, group.check_at) == (GroupState.FIRING, 50, NOW + SOON)
    assert not of(absorbed(snapshot(alert("a")), snapshot(over("a"), truncated=5))).is_over


def test_a_snapshot_takes_the_place_of_what_was_known() -> None:
    seen = absorbed(snapshot(alert("a"), alert("b")), snapshot(alert("a"), alert("c")))
    assert states(seen) == [F, U, F]
    assert [note.plain for note in seen.notes] == ["Fires too: c."]
    gone = absorbed(snapshot(alert("a"), alert("b")), snapshot(over("a")))
    assert (states(gone), of(gone).state) == ([R, U], GroupState.FIRING)
    taken_at_its_word = absorbed(snapshot(alert("a"), alert("b")), snapshot(over("a")), policy=DEAF)
    assert of(taken_at_its_word).state is GroupState.RESOLVED


def test_an_end_may_come_with_an_earlier_start() -> None:
    """Alertmanager joins episodes that overlap: recording `group_lifecycle`."""
    seen = absorbed(snapshot(alert("a")), snapshot(over("a", starts_at=NOW - 9 * MINUTE)))
    assert (states(seen), of(seen).is_over) == ([R], True)


def test_an_older_episodes_end_does_not_end_this_one() -> None:
    first = snapshot(alert("a", starts_at=NOW - 5 * MINUTE))
    old_end = snapshot(over("a", -20, starts_at=NOW - 30 * MINUTE))
    seen = absorbed(first, old_end)
    assert states(seen) == [F]
    assert of(seen).check_at is not None


def test_a_new_start_of_a_known_alert_is_another_episode() -> None:
    seen = absorbed(snapshot(alert("a")), snapshot(alert("a", starts_at=NOW)))
    assert [one.starts_at for one in of(seen).alerts] == [NOW]
    again = absorbed(snapshot(alert("a"), alert("b")), snapshot(over("a"), alert("b")),
                     snapshot(alert("a", starts_at=NOW), alert("b")))  # fmt: skip
    assert states(again) == [F, F]


def test_an_episode_that_ended_is_asked_about_and_without_an_api_believed_much_later() -> None:
    ended = absorbed(snapshot(alert("a")), snapshot(over("a"))).group
    old = snapshot(alert("a"))
    seen = absorb(ended, old, POLICY, NOW + MINUTE, number=3, new_id=SECOND)
    assert (of(seen).is_over, of(seen).check_at, seen.is_shown) == (True, NOW + SOON, False)
    deaf = absorbed(snapshot(alert("a")), snapshot(over("a")), policy=DEAF).group
    assert of(absorb(deaf, old, DEAF, NOW + MINUTE, number=3, new_id=SECOND)).is_over
    assert not of(absorb(deaf, old, DEAF, NOW + LATEST + MINUTE, number=3, new_id=SECOND)).is_over


def test_what_fires_again_later_has_a_row_of_its_own_and_forgets_what_was() -> None:
    first = absorbed(snapshot(alert("a"), alert("b")), snapshot(over("a"), over("b"))).group
    again = snapshot(over("a"), alert("b", starts_at=NOW + 50 * MINUTE))
    seen = absorb(first, again, POLICY, NOW + 60 * MINUTE, number=3, new_id=SECOND)
    assert (of(seen).id, of(seen).version, [one.labels["service"] for one in of(seen).alerts]) == (SECOND, 0, ["b"])


def test_without_an_api_an_episode_that_goes_on_after_its_end_is_believed_in_a_row_of_its_own_too() -> None:
    """Alertmanager joins episodes that overlap, and tells the first one's start for as long as the last one lasts."""
    ended = absorbed(snapshot(alert("a")), snapshot(over("a")), policy=DEAF).group
    seen = absorb(ended, snapshot(alert("a")), DEAF, NOW + 60 * MINUTE, number=3, new_id=SECOND)
    assert (of(seen).id, of(seen).is_over, states(seen)) == (SECOND, False, [F])
    asked = absorbed(snapshot(alert("a")), snapshot(over("a"))).group
    doubtful = absorb(asked, snapshot(alert("a")), POLICY, NOW + 60 * MINUTE, number=3, new_id=SECOND)
    assert (of(doubtful).id, of(doubtful).is_over) == (FIRST, True), "the API is asked"
    assert of(doubtful).check_at is not None


def test_a_silence_is_not_shown_any_more_when_what_it_hid_is_told_to_fire() -> None:
    seen = SilenceSeen(id="s", by="U0DEV1", ends_at=NOW + 60 * MINUTE)
    hidden = replace(alert("a"), state=AlertState.SILENCED, silenced_by=("s",))
    group = replace(of(absorbed(snapshot(alert("a")))), alerts=(hidden,), silences=(seen,))
    assert of(absorb(group, snapshot(alert("b")), POLICY, NOW, number=9, new_id=SECOND)).silences == (seen,)
    assert of(absorb(group, snapshot(alert("a")), POLICY, NOW, number=9, new_id=SECOND)).silences == ()


def test_of_an_older_webhook_only_ends_count() -> None:
    newer = absorbed(snapshot(alert("a"), alert("b")), snapshot(alert("b")), snapshot(alert("b"))).group
    seen = absorb(newer, snapshot(over("a"), alert("b"), alert("z")), POLICY, NOW, number=2, new_id=SECOND)
    assert states(seen) == [R, F]
    assert (of(seen).heard, of(seen).check_at) == (3, NOW + SOON)


def test_a_group_that_only_the_api_told_of_gets_its_key() -> None:
    unkeyed = replace(of(absorbed(snapshot(alert("a")))), group_key="")
    assert of(absorb(unkeyed, snapshot(alert("a")), POLICY, NOW, number=9, new_id=SECOND)).group_key


def test_what_is_silenced_stays_so_while_it_is_not_told_of() -> None:
    silenced = replace(alert("a"), state=AlertState.SILENCED, silenced_by=("s",))
    group = replace(of(absorbed(snapshot(alert("a"), alert("b")))), alerts=(silenced, alert("b")))
    seen = absorb(group, snapshot(alert("b")), POLICY, NOW, number=9, new_id=SECOND)
    assert states(seen) == [AlertState.SILENCED, F]
    told = absorb(group, snapshot(alert("a"), alert("b")), POLICY, NOW, number=9, new_id=SECOND)
    assert (states(told), of(told).alerts[0].silenced_by) == ([F, F], ())


def test_grades_are_of_what_fires() -> None:
    def graded(service: str, severity: str) -> Alert:
        return alert(service, labels={**LABELS, "service": service, "severity": severity})

    both = snapshot(graded("a", "critical"), graded("b", "info"))
    one = snapshot(replace(graded("a", "critical"), state=R, ends_at=NOW), graded("b", "info"))
    assert of(absorbed(both)).severity is Severity.CRITICAL
    assert of(absorbed(both, one)).severity is Severity.INFO
    none = snapshot(*(replace(one, state=R, ends_at=NOW) for one in both.alerts))
    assert of(absorbed(both, none)).severity is Severity.CRITICAL, "what it ever was"
