"""What a storm keeps of its groups."""

from datetime import timedelta

from bot.domain.alerts.group import GroupState, Tie, TiedBy
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.storm import Storm, StormGroup
from tests.alert_examples import ALERTS, GROUP, group
from tests.examples import NOW


def test_a_group_is_kept_small() -> None:
    tie = Tie(application="apm-stack", environment="production", by=TiedBy.GUESS)
    kept = StormGroup.of(group(tie=tie, group_labels={"alertname": "x" * 5_000}, is_flapping=True))
    assert kept == StormGroup(
        id=GROUP, name="x" * 200, severity=Severity.CRITICAL, is_over=False, place="perhaps apm-stack · production",
        is_flapping=True,
    )  # fmt: skip


def test_how_long_it_lasted_and_what_fires() -> None:
    groups = (StormGroup.of(group()), StormGroup.of(group(state=GroupState.RESOLVED)))
    facts = {"channel": ALERTS, "since": NOW, "groups": groups, "changed": 2, "following": 2}
    now = NOW + timedelta(minutes=3)
    assert Storm(**facts, at=now).lasted == timedelta(minutes=3)  # type: ignore[arg-type]
    over = Storm(**facts, at=now, closed_at=NOW + timedelta(minutes=2))  # type: ignore[arg-type]
    assert over.lasted == timedelta(minutes=2)
    assert over.firing == groups[:1]
