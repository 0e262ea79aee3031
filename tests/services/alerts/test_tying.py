"""To which application alerts belong, and which change came before."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.group import AlertGroup, Tie, TiedBy
from bot.domain.alerts.matcher import parse_matchers
from bot.domain.alerts.policy import AlertsPolicy, ApplicationRule
from bot.domain.change import Change, SyncFacts
from bot.domain.identity import ChangeId
from bot.domain.lifecycle import State
from bot.domain.pipeline import Stage
from bot.ports import Unavailable
from bot.services.alerts.tying import Destinations, change_before, sure_tie, tie
from bot.store.store import SqlStore
from tests import examples
from tests.alert_examples import alert, group
from tests.databases import sqlite_in
from tests.desk import configuration
from tests.examples import NOW
from tests.services.alerts.room import Room, body, fingerprint, labels, rfc3339

RULES = (
    ApplicationRule(matchers=parse_matchers('namespace=~"apm-.*"'), application="apm-stack"),
    ApplicationRule(matchers=parse_matchers("namespace=gone"), application="no-such"),
)
CONFIGURATION = replace(configuration(), alerts=AlertsPolicy(applications=RULES))
APM_STACK = CONFIGURATION.applications["apm-stack"]
MINUTE = timedelta(minutes=1)
SYNC = SyncFacts(operation=None, asked_at=NOW - 10 * MINUTE, started_at=NOW - 10 * MINUTE)


def with_labels(labels: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> AlertGroup:
    return group(alert(labels=labels, annotations=annotations or {}))


def found(application: str, environment: str | None, by: TiedBy) -> Tie:
    return Tie(application=application, environment=environment, by=by)


LABELS, MATCHERS, METRIC, GUESS = TiedBy.LABELS, TiedBy.MATCHERS, TiedBy.METRIC, TiedBy.GUESS


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"tiphys_application": "apm-stack", "env": "prod"}, found("apm-stack", "production", LABELS)),
        ({"tiphys_application": "apm-stack"}, found("apm-stack", None, LABELS)),
        ({"tiphys_application": "apm-stack", "env": "moon"}, found("apm-stack", None, LABELS)),
        ({"argocd_app": "apm-stack-staging"}, found("apm-stack", "staging", LABELS)),
        ({"argocd_app": "argocd/apm-stack-staging"}, found("apm-stack", "staging", LABELS)),
        ({"argocd_app": "other/apm-stack-staging"}, None),
        ({"tiphys_application": "other", "namespace": "apm-x"}, found("apm-stack", None, MATCHERS)),
        ({"namespace": "apm-x", "environment": "staging"}, found("apm-stack", "staging", MATCHERS)),
        ({"namespace": "gone"}, None),
        ({"name": "apm-stack-production", "namespace": "argocd"}, found("apm-stack", "production", METRIC)),
        (
            {"name": "apm-stack-production", "exported_namespace": "argocd", "namespace": "monitoring"},
            found("apm-stack", "production", METRIC),
        ),
        ({"name": "apm-stack-production", "namespace": "other"}, None),
        ({"namespace": "apm_live"}, found("apm-stack", "production", GUESS)),
        ({"namespace": "shared"}, found("apm-stack", None, GUESS)),
        ({"namespace": "shared", "env": "dev"}, found("apm-stack", "development", GUESS)),
        ({"namespace": "default"}, None),
        ({}, None),
    ],
)
def test_the_surest_way_that_leads_somewhere(labels: dict[str, str], expected: Tie | None) -> None:
    deployed = {"production": "apm_live", "staging": "shared", "development": "shared"}

    def namespace_of(stage: Stage) -> str | None:
        return deployed[stage.environment]

    assert tie(with_labels(labels), CONFIGURATION, namespace_of) == expected


def test_annotations_count_after_labels() -> None:
    by_annotation = with_labels({"alertname": "x"}, {"argocd_app": "apm-stack-production"})
    assert tie(by_annotation, CONFIGURATION) == found("apm-stack", "production", LABELS)


def test_only_what_all_alerts_say_counts() -> None:
    two = [alert(name, labels={"argocd_app": f"apm-stack-{name}"}) for name in ("staging", "production")]
    assert tie(group(*two), CONFIGURATION) is None


def test_what_all_say_does_not_count_where_one_of_them_names_another_application() -> None:
    configured = replace(CONFIGURATION, applications={**CONFIGURATION.applications, "edge": APM_STACK})
    alerts = [alert(name, labels={"namespace": "apm-x", "tiphys_application": name}) for name in ("edge", "other")]
    assert tie(group(alerts[1]), configured) == found("apm-stack", None, MATCHERS)
    assert tie(group(*alerts), configured) is None


def test_without_argo_cds_word_a_namespace_that_is_called_like_a_stage_is_guessed() -> None:
    plain = replace(CONFIGURATION, alerts=AlertsPolicy())
    assert tie(with_labels({"namespace": "apm-stack-staging"}), plain) == found("apm-stack", "staging", GUESS)


def test_what_is_sure_of_one_alert_is_never_a_guess() -> None:
    assert (
        sure_tie(alert(labels={"namespace": "apm-stack-staging"}), replace(CONFIGURATION, alerts=AlertsPolicy()))
        is None
    )
    named = alert(labels={"namespace": "apm-x", "env": "prod"})
    assert sure_tie(named, CONFIGURATION) == found("apm-stack", "production", MATCHERS)


class Told:
    """An Argo CD that lists one Application, or gives no answer."""

    down = False

    async def list(self, project: str | None = None) -> tuple[Any, ...]:
        if self.down:
            raise Unavailable("argocd", "down")
        return (examples.live(name="apm-stack-production", namespace="argocd", destination="in-cluster/apm_live"),)


async def test_destinations_stay_known_while_argo_cd_is_away() -> None:
    class Source:
        current = CONFIGURATION

    argocd = Told()
    destinations = Destinations({"main": argocd}, Source())  # type: ignore[dict-item]
    stage = CONFIGURATION.get_stage("apm-stack", "production")
    assert destinations.namespace_of(stage) is None
    for argocd.down in (False, True):
        await destinations.look()
        assert destinations.namespace_of(stage) == "apm_live"
    assert destinations.namespace_of(CONFIGURATION.get_stage("apm-stack", "staging")) is None


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    opened = SqlStore(await sqlite_in(tmp_path))
    yield opened
    await opened.close()


async def test_the_newest_change_that_was_shipped_before(store: SqlStore) -> None:
    def change(number: int, shipped: int | None, **facts: Any) -> Change:
        asked = NOW + (shipped or 0) * MINUTE
        sync = SyncFacts(operation=None, asked_at=asked, started_at=asked) if shipped is not None else None
        made = examples.merged_change(State.SUCCEEDED, sync=sync, **facts)
        return replace(made, id=type(made.id)(f"01HZX3K6Q4T8V2M5N7P9R1S3W{number}"))

    async with store.writing() as tx:
        for one in (
            change(1, -50),
            change(2, -10),
            change(3, 5),
            change(4, None),
            change(5, -1, environment="staging"),
        ):
            await tx.changes.insert(one)
        opened = group(alert(starts_at=NOW - 3 * MINUTE), opened_at=NOW)
        before = await change_before(tx, opened, found("apm-stack", "production", LABELS))
        assert before is not None
        assert (before.number, before.by, before.versions, before.pull_number) == (2, "U0DEV1", "2.15.1", 187)
        assert before.shipped_at == NOW - 10 * MINUTE
        assert await change_before(tx, opened, found("apm-stack", None, LABELS)) is None
        assert await change_before(tx, opened, None) is None
        early = group(alert(starts_at=NOW - 90 * MINUTE))
        assert await change_before(tx, early, found("apm-stack", "production", LABELS)) is None


async def test_a_change_that_shipped_before_we_heard_of_the_alert_but_after_it_began_is_not_its_cause(
    store: SqlStore,
) -> None:
    asked = NOW - timedelta(seconds=30)
    async with store.writing() as tx:
        sync = SyncFacts(operation=None, asked_at=asked, started_at=asked)
        await tx.changes.insert(examples.merged_change(State.SUCCEEDED, sync=sync))
        heard_late = group(alert(starts_at=NOW - MINUTE), opened_at=NOW)
        assert await change_before(tx, heard_late, found("apm-stack", "production", LABELS)) is None


async def test_a_group_that_fires_again_is_of_the_change_since(room: Room) -> None:
    """It goes on in its row, which was opened before that change shipped."""

    async def ships(number: int, at: datetime) -> None:
        sync = SyncFacts(operation="x", asked_at=at, started_at=at)
        identity = ChangeId(f"01HZX3K6Q4T8V2M5N7P9R1S3{number:02d}")
        async with room.store.writing() as tx:
            await tx.changes.insert(examples.merged_change(State.SUCCEEDED, id=identity, number=0, sync=sync))

    await ships(1, NOW - 10 * MINUTE)
    named = '"alertname": "HighErrorRate", "argocd_app": "apm-stack-production",'
    firing, resolved = (
        body(("a", status)).replace('"alertname": "HighErrorRate",', named, 1) for status in ("firing", "resolved")
    )
    await room.hear(firing, resolved)
    first = await room.group()
    assert (first.is_over, first.change and first.change.number) == (True, 1)
    await ships(2, NOW)
    room.clock.at = NOW + 5 * MINUTE
    await room.hear(firing.replace(rfc3339(NOW - 3 * MINUTE), rfc3339(NOW + 4 * MINUTE)))
    second = await room.group()
    assert (second.id, second.is_over, second.change and second.change.number) == (first.id, False, 2)


@pytest.mark.parametrize("by", ["webhook", "api"])
async def test_a_group_that_another_applications_alert_joins_is_no_longer_the_firsts(room: Room, by: str) -> None:
    async with room.store.writing() as tx:
        await tx.changes.insert(examples.merged_change(State.SUCCEEDED, sync=SYNC))

    def of(text: str, service: str, application: str) -> str:
        return text.replace(f'"service": "{service}"', f'"service": "{service}", "argocd_app": "{application}"')

    first = of(body(("a", "firing")), "a", "apm-stack-production")
    await room.hear(first)
    alone = await room.group()
    assert alone.tie == found("apm-stack", "production", LABELS)
    assert alone.change is not None
    if by == "webhook":
        both = of(body(("a", "firing"), ("b", "firing")), "a", "apm-stack-production")
        await room.hear(of(both, "b", "apm-stack-staging"))
    else:
        room.alertmanager.fires(dict(alone.alerts[0].labels), fingerprint("a"), since=NOW - 3 * MINUTE)
        room.alertmanager.fires({**labels("b"), "argocd_app": "apm-stack-staging"}, fingerprint("b"))
        room.clock.at += timedelta(seconds=3)
        await room.reconciling().look()
    joined = await room.group()
    assert (len(joined.alerts), joined.tie, joined.change) == (2, None, None)
