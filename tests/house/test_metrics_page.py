"""The page about metrics tells of every one that is declared: its type, its labels, and a query with it."""

import re
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from bot.metrics import Metrics

PAGE = (Path(__file__).parents[2] / "docs/metrics.md").read_text("utf-8")
ROW = re.compile(r"^\| `(tiphys_\w+)` \| (\w+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
TYPES: dict[type, str] = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}


def declared() -> dict[str, tuple[str, tuple[str, ...]]]:
    """By the name that Prometheus shows."""
    found = {}
    for metric in vars(Metrics("1")).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            name = f"{metric._name}_total" if isinstance(metric, Counter) else metric._name
            found[name] = (TYPES[type(metric)], tuple(metric._labelnames))
    return found


def told() -> dict[str, tuple[str, tuple[str, ...]]]:
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(PAGE)}


def test_every_metric_is_told_with_its_type_and_labels_and_none_that_is_not() -> None:
    assert told() == declared()


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_metric_has_a_query(name: str) -> None:
    fences = "\n".join(re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    assert re.search(rf"\b{name}(_bucket|_count)?\b", fences)


def test_queries_ask_only_for_what_there_is() -> None:
    named = set(re.findall(r"\b(tiphys_\w+)\b", PAGE))
    shown = {*declared(), *(f"{name}_{part}" for name in declared() for part in ("bucket", "count"))}
    assert named - shown == set()
