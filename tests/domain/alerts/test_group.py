"""What a group says of itself."""

from dataclasses import replace

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.group import GroupState
from tests.alert_examples import alert, group


def test_it_is_named_by_what_its_alerts_share() -> None:
    assert group().name == "HighErrorRate"
    by_namespace = replace(group(), group_labels={"namespace": "apm"})
    assert by_namespace.name == "HighErrorRate"
    mixed = replace(by_namespace, alerts=(alert(), alert("b", labels={"alertname": "Other"})))
    assert mixed.name == "namespace=apm"
    assert replace(mixed, group_labels={}).name == "alerts"


def test_what_all_agree_on() -> None:
    found = group(alert("apm-api"), alert("apm-query"))
    assert found.common_labels == {"alertname": "HighErrorRate", "severity": "critical", "namespace": "apm-production"}
    assert "summary" not in found.common_annotations


def test_it_counts_by_state() -> None:
    found = group(alert("a"), alert("b", state=AlertState.SILENCED), alert("c", state=AlertState.RESOLVED))
    assert [found.count(state) for state in AlertState] == [1, 1, 0, 0, 1]
    assert found.firing == (found.alerts[0],)
    assert not found.is_over
    assert replace(found, state=GroupState.RESOLVED).is_over
