"""What fires for a stage: asked of a small Alertmanager on a socket, or told by what its webhooks said."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.firing import CannotTell, Firing, FiringAlerts
from bot.domain.alerts.group import Tie, TiedBy
from bot.domain.alerts.matcher import Matcher, Operator
from bot.domain.alerts.policy import ApplicationRule
from bot.domain.alerts.severity import Severity
from bot.domain.pipeline import Stage, StageAlerts
from bot.services.alerts.firing import KEPT_FOR, FiringNow
from tests.alert_examples import alert, group
from tests.examples import MINUTE, NOW
from tests.services.alerts.room import Room

PLACE = {"tiphys_application": "apm-stack", "tiphys_environment": "production", "severity": "critical"}
HIGH = {"alertname": "HighErrorRate", **PLACE}


class Asked:
    """`FiringNow` over a room whose other source is gone."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.use("default")
        self.now = FiringNow(room.store, room.clients, room.clock)

    def use(self, *sources: str) -> None:
        known = self.room.source.current.alerts.sources
        self.room.configure(sources={name: known[name] for name in sources})

    def stage(self, **policy: Any) -> Stage:
        stage = self.room.source.current.get_stage("apm-stack", "production")
        return replace(stage, alerts=StageAlerts(**policy))

    async def of(self, **policy: Any) -> Firing | None:
        self.now.forget()
        return await self.now.of(self.stage(**policy), self.room.source.current)

    async def names(self, **policy: Any) -> list[str]:
        seen = await self.of(**policy)
        assert isinstance(seen, FiringAlerts), seen
        return [one.name for one in seen.alerts]


@pytest.fixture
def asked(room: Room) -> Asked:
    return Asked(room)


@pytest.fixture
def told(deaf: Room) -> Asked:
    return Asked(deaf)


async def test_without_a_source_there_is_nothing_to_say(asked: Asked) -> None:
    asked.use()
    assert await asked.of() is None


async def test_a_quiet_source_says_that_nothing_fires(asked: Asked) -> None:
    assert await asked.of() == FiringAlerts()


async def test_alerts_are_mapped_by_labels_matchers_and_argo_cds_metrics(asked: Asked) -> None:
    matchers = (Matcher("team", Operator.EQUAL, "apm"),)
    rule = ApplicationRule(matchers=matchers, application="apm-stack", environment="production")
    asked.room.configure(applications=(rule,))
    fires = asked.room.alertmanager.fires
    fires({"alertname": "ByLabels", "argocd_app": "apm-stack-production", "severity": "critical"}, "a" * 16)
    fires({"alertname": "ByMatchers", "team": "apm", "severity": "critical"}, "b" * 16)
    fires({"alertname": "ByMetric", "name": "apm-stack-production", "namespace": "monitoring",
           "exported_namespace": "argocd", "severity": "page"}, "c" * 16)  # fmt: skip
    assert sorted(await asked.names()) == ["ByLabels", "ByMatchers", "ByMetric"]


@pytest.mark.parametrize(
    "labels",
    [
        {"namespace": "apm-stack-production"},  # a guess
        {"tiphys_application": "apm-stack"},  # of which environment?
        {"tiphys_application": "apm-stack", "env": "staging"},
        {"tiphys_application": "another", "env": "prod"},
    ],
)
async def test_what_is_not_surely_the_stages_does_not_count(asked: Asked, labels: dict[str, str]) -> None:
    asked.room.alertmanager.fires({"alertname": "X", "severity": "critical", **labels}, "a" * 16)
    assert await asked.of() == FiringAlerts()


async def test_only_what_is_grave_enough_counts(asked: Asked) -> None:
    asked.room.alertmanager.fires(HIGH, "a" * 16)
    asked.room.alertmanager.fires({**HIGH, "alertname": "Slow", "severity": "warning"}, "b" * 16)
    stages = asked.room.source.current.applications["apm-stack"].stages
    relaxed = {name: replace(stage, alerts=StageAlerts(severity=Severity.WARNING)) for name, stage in stages.items()}
    application = replace(asked.room.source.current.applications["apm-stack"], stages=relaxed)
    asked.room.source.current = replace(asked.room.source.current, applications={"apm-stack": application})
    assert await asked.names() == ["HighErrorRate"]
    assert await asked.names(severity=Severity.WARNING) == ["HighErrorRate", "Slow"]


async def test_silenced_ones_say_by_whom_and_until_when(asked: Asked) -> None:
    asked.room.alertmanager.fires(HIGH, "a" * 16, silenced_by="s1")
    asked.room.alertmanager.silence("s1", NOW + 30 * MINUTE, by="@approver-1")
    seen = await asked.of()
    assert isinstance(seen, FiringAlerts)
    [one] = seen.alerts
    assert (one.state, seen.counting) == (AlertState.SILENCED, ())
    assert one.silence is not None
    assert (one.silence.by, one.silence.ends_at) == ("@approver-1", NOW + 30 * MINUTE)


async def test_many_looks_are_one_question(asked: Asked) -> None:
    asked.room.alertmanager.fires(HIGH, "a" * 16)
    looks = [asked.now.of(asked.stage(), asked.room.source.current) for _ in range(20)]
    assert len({len(seen.alerts) for seen in await asyncio.gather(*looks) if isinstance(seen, FiringAlerts)}) == 1
    assert asked.room.alertmanager.asked == 2  # its status and its alerts
    asked.room.alertmanager.alerts.clear()
    assert await asked.now.of(asked.stage(), asked.room.source.current) != FiringAlerts()
    asked.room.clock.at += KEPT_FOR
    assert await asked.now.of(asked.stage(), asked.room.source.current) == FiringAlerts()


async def test_a_reload_is_heeded_at_once(asked: Asked) -> None:
    asked.room.alertmanager.fires(HIGH, "a" * 16)
    assert await asked.names() == ["HighErrorRate"]
    asked.room.configure(severities={"critical": Severity.INFO})
    assert await asked.now.of(asked.stage(), asked.room.source.current) == FiringAlerts()


async def test_no_answer_is_not_a_quiet_one(asked: Asked) -> None:
    asked.room.alertmanager.down = True
    seen = await asked.of()
    assert isinstance(seen, CannotTell)
    assert seen.reason.startswith("default: ")
    before = asked.room.alertmanager.asked
    assert await asked.now.of(asked.stage(), asked.room.source.current) == seen
    assert asked.room.alertmanager.asked == before, "its silence serves everybody too"


async def test_one_that_has_just_started_may_not_know_yet(asked: Asked) -> None:
    asked.room.alertmanager.up_since = NOW - timedelta(seconds=20)
    assert isinstance(await asked.of(), CannotTell)
    asked.room.alertmanager.fires(HIGH, "a" * 16)
    assert await asked.names() == ["HighErrorRate"]


async def test_every_source_must_answer_unless_one_tells_enough(asked: Asked) -> None:
    other = replace(asked.room.source.current.alerts.sources["default"], name="down", url="http://127.0.0.1:9")
    sources = {**asked.room.source.current.alerts.sources, "down": other}
    asked.room.configure(sources=sources)
    assert await asked.of() == CannotTell(reason="down cannot be asked yet")
    asked.room.alertmanager.fires(HIGH, "a" * 16)
    assert await asked.names() == ["HighErrorRate"]


async def test_a_source_without_an_api_is_known_by_its_webhooks(told: Asked) -> None:
    sure = Tie(application="apm-stack", environment="production", by=TiedBy.LABELS)
    states = (AlertState.FIRING, AlertState.RESOLVED, AlertState.UNREPORTED)
    alerts = [alert(state.value, labels={**HIGH, "service": state.value}, state=state) for state in states]
    async with told.room.store.writing() as tx:
        await tx.alerts.insert(group(*alerts, tie=sure, version=0))
    seen = await told.of()
    assert isinstance(seen, FiringAlerts)
    assert [(one.name, one.count) for one in seen.alerts] == [("HighErrorRate", 1)]


async def test_alerts_that_were_left_out_of_a_webhook_may_fire(told: Asked) -> None:
    over = alert(labels=HIGH, state=AlertState.RESOLVED, ends_at=NOW)
    async with told.room.store.writing() as tx:
        await tx.alerts.insert(group(over, truncated=50, version=0))
    assert await told.names() == ["HighErrorRate"]
