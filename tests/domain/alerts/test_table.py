"""By which labels alerts are told apart, and what many of them have in common."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.table import Columns, TopValues, columns_of, differing, in_order, top_values
from tests.alert_examples import alert
from tests.examples import NOW


def labelled(**labels: str) -> Alert:
    return alert(labels={"alertname": "X", **labels}, annotations={})


def test_as_few_labels_as_tell_the_alerts_apart() -> None:
    alerts = tuple(labelled(uid=f"u{n}", pod=f"p{n}", node=f"n{n % 2}", job="same") for n in range(4))
    assert differing(alerts) == ("node", "pod", "uid")
    assert columns_of(alerts) == Columns(labels=("node", "pod"), others=("uid",))


def test_a_label_that_one_alert_lacks_tells_it_apart() -> None:
    assert columns_of((labelled(), labelled(pod="a"))).labels == ("pod",)


def test_one_alert_needs_no_columns() -> None:
    assert columns_of((labelled(pod="a"),)) == Columns(labels=(), others=())


def test_a_short_annotation_that_differs_is_a_column() -> None:
    def said(**annotations: str) -> tuple[Alert, ...]:
        return (alert("a", annotations=annotations), alert("b", annotations=dict.fromkeys(annotations, "x")))

    assert columns_of(said(value="12 %", summary="short")).annotation == "value"
    assert columns_of(said(summary="a is slow")).annotation == "summary"
    assert columns_of(said(summary="y" * 41)).annotation is None
    assert columns_of((alert("a"), alert("b"))).annotation is None  # `a answers with errors`: only the label again
    wide = tuple(replace(one, labels={"x": x, "y": y}) for one in said(summary="short") for x, y in ("11", "12", "21"))
    assert columns_of(wide[1:]).labels == ("x", "y")
    assert columns_of(wide[1:]).annotation is None
    assert (
        columns_of((alert("a", annotations={"value": "1"}), alert("b", annotations={"value": "1"}))).annotation is None
    )


def test_what_fires_comes_first_then_the_gravest_then_the_newest() -> None:
    critical, warning = {"severity": "critical"}, {"severity": "warning"}
    gone = alert("gone", labels=critical, state=AlertState.RESOLVED)
    silent = alert("silent", labels=critical, state=AlertState.SILENCED)
    mild = alert("mild", labels=warning, starts_at=NOW)
    old = alert("old", labels=critical, starts_at=NOW - timedelta(days=1))
    new = alert("new", labels=critical, starts_at=NOW)
    assert in_order((gone, silent, mild, old, new), AlertsPolicy().severity_of) == (new, old, mild, silent, gone)


def test_top_values_name_what_many_share() -> None:
    alerts = tuple(labelled(service=f"s{n // 10 if n < 40 else n}", pod=f"p{n}") for n in range(45))
    assert top_values(alerts) == (
        TopValues(label="service", values=(("s0", 10), ("s1", 10), ("s2", 10)), others=6),
        TopValues(label="pod", values=(), others=45),
    )  # fmt: skip
