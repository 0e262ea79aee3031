"""What is counted is what happened, under labels that stay few, in the formats that Prometheus reads."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from bot.domain.alerts.severity import Severity
from bot.domain.change import Change
from bot.domain.lifecycle import State
from bot.metrics import MOST_CODES, Metrics, Waiting
from bot.ports_store import ChangeCount, Queue
from tests import examples
from tests.examples import HOUR, MINUTE, NOW

OF = {"kind": "promotion", "environment": "production"}
OPEN = "application/openmetrics-text;version=1.0.0"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def step(before: Change, state: State, after: timedelta, **facts: object) -> Change:
    return replace(before, state=state, state_since=before.state_since + after, **facts)  # type: ignore[arg-type]


def test_time_in_a_state_and_ends_are_counted_when_a_change_leaves(metrics: Metrics) -> None:
    waiting = examples.change()
    metrics.moved(waiting, step(waiting, State.REJECTED, HOUR))
    state = OF | {"state": "waiting for approval"}
    assert value(metrics, "tiphys_change_state_seconds_sum", **state) == 3600
    assert value(metrics, "tiphys_change_state_seconds_bucket", **state, le="1800.0") == 0
    assert value(metrics, "tiphys_change_state_seconds_bucket", **state, le="3600.0") == 1
    assert value(metrics, "tiphys_changes_ended_total", **OF, state="rejected") == 1
    assert value(metrics, "tiphys_approval_seconds_count", **OF) is None


def test_a_step_within_a_state_is_not_counted(metrics: Metrics) -> None:
    waiting = examples.change()
    metrics.moved(waiting, replace(waiting, reason="another"))
    assert value(metrics, "tiphys_change_state_seconds_count", **OF, state="waiting for approval") is None


@pytest.mark.parametrize("to", [State.WAITING_FOR_CHECKS, State.MERGED])
def test_approval_counts_from_the_first_moment_it_could_be_given(metrics: Metrics, to: State) -> None:
    waiting = examples.change(ready_at=NOW - HOUR)
    metrics.moved(waiting, step(waiting, to, MINUTE, approved_by=(examples.APPROVER,)))
    assert value(metrics, "tiphys_approval_seconds_sum", **OF) == 3660


def test_where_nobody_has_to_approve_nothing_is_waited_for(metrics: Metrics) -> None:
    waiting = examples.change()
    metrics.moved(waiting, step(waiting, State.WAITING_FOR_CHECKS, MINUTE))
    assert value(metrics, "tiphys_approval_seconds_count", **OF) is None


def test_clocks_that_go_backwards_break_nothing(metrics: Metrics) -> None:
    waiting = examples.change()
    metrics.moved(waiting, step(waiting, State.WAITING_FOR_CHECKS, -HOUR, approved_by=(examples.APPROVER,)))
    metrics.begun(-5)
    assert value(metrics, "tiphys_change_state_seconds_sum", **OF, state="waiting for approval") == 0
    assert value(metrics, "tiphys_reconcile_lag_seconds_sum") == 0


def test_codes_stay_few_whatever_slack_says(metrics: Metrics) -> None:
    for number in range(MOST_CODES + 50):
        metrics.refused_by_slack("chat.update", f"code_{number}")
    metrics.refused_by_slack("chat.update", 'Not a code: "\n')
    metrics.refused_by_slack("chat.update", "code_1")
    name = "tiphys_slack_refusals_total"
    assert value(metrics, name, method="chat.update", code="other") == 51
    assert value(metrics, name, method="chat.update", code="code_1") == 2
    [family] = [family for family in metrics.registry.collect() if family.name == "tiphys_slack_refusals"]
    assert len([sample for sample in family.samples if sample.name == name]) == MOST_CODES + 1


def test_gauges_are_what_the_database_says_now(metrics: Metrics) -> None:
    none = Queue(due=0, later=0, age=timedelta())
    count = ChangeCount(kind="promotion", environment="production", state="merging", number=3)
    metrics.show(Waiting(changes=(count,), due=none, inbound=none, outbox=Queue(due=2, later=1, age=MINUTE),
                         alerts=none, intake=none, groups={Severity.CRITICAL: 2}))  # fmt: skip
    assert value(metrics, "tiphys_changes", **OF, state="merging") == 3
    assert value(metrics, "tiphys_queue_rows", queue="outbox", when="later") == 1
    assert value(metrics, "tiphys_queue_age_seconds", queue="outbox") == 60
    assert value(metrics, "tiphys_database_up") == 1
    assert value(metrics, "tiphys_alert_groups", severity="critical") == 2
    metrics.show(
        Waiting(
            changes=(),
            due=none,
            inbound=none,
            outbox=none,
            alerts=Queue(due=400, later=0, age=MINUTE),
            intake=none,
            groups={},
        )
    )
    assert value(metrics, "tiphys_changes", **OF, state="merging") is None
    assert value(metrics, "tiphys_queue_rows", queue="outbox", when="due") == 0
    assert value(metrics, "tiphys_queue_rows", queue="alerts", when="due") == 400
    metrics.show(None)
    assert value(metrics, "tiphys_database_up") == 0
    assert value(metrics, "tiphys_queue_rows", queue="outbox", when="due") is None


def test_both_formats_can_be_read_and_hold_no_birthdays(metrics: Metrics) -> None:
    metrics.called("github", "GET repos/*/pulls/*", "ok", 0.2)
    metrics.acknowledged("command", "recorded", 0.002)
    metrics.outgoing_ended("card", "sent")
    for accept, read, content_type in (("", parse, "text/plain"), (OPEN, parse_open, "application/openmetrics-text")):
        body, told = metrics.exposition(accept)
        assert told.startswith(content_type)
        names = {sample.name for family in read(body.decode()) for sample in family.samples}
        assert {"tiphys_build_info", "tiphys_outside_call_seconds_bucket", "process_resident_memory_bytes"} <= names
        assert {"python_gc_collections_total", "python_info", "tiphys_outbox_attempts_total"} <= names
        assert not [name for name in names if name.endswith("_created")]


@pytest.mark.parametrize("version", ["abc", "1.x", "2.\udcff", "1=2", "9" * 5_000, "", "1\x850", "²"])
@pytest.mark.parametrize("kind", ["text/plain", "application/openmetrics-text"])
def test_a_version_that_is_none_is_passed_over(metrics: Metrics, kind: str, version: str) -> None:
    body, told = metrics.exposition(f"{kind};version={version},{OPEN};q=0.5")
    assert told.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    assert metrics.exposition(f"{kind}; version={version}; q=1")[1].isascii()


def test_two_in_one_process_do_not_share_anything(metrics: Metrics) -> None:
    other = Metrics("1.2.3")
    other.begun(1)
    assert value(metrics, "tiphys_reconcile_lag_seconds_count") == 0
