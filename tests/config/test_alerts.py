"""Where alerts go and what they mean, and every way in which that cannot be meant."""

from datetime import time, timedelta

import pytest

from bot.domain.alerts.matcher import Matcher, Operator
from bot.domain.alerts.policy import (
    AlertLabels,
    AlertMention,
    AlertRoute,
    AlertsPolicy,
    ApplicationRule,
    DigestPlan,
    Flapping,
    Hours,
)
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId, GroupId, UserId
from bot.domain.pipeline import BakeAction, StageAlerts
from tests.config.conftest import WHOLE, WITH_ALERTS, Reading, changed

DEVELOPMENT, PRODUCTION = ("shop", "development"), ("shop", "production")
WORKDAYS = frozenset(range(5))


@pytest.fixture
def reading() -> Reading:
    return Reading().with_alerts()


def with_alerts(alerts: str) -> str:
    return f"{WHOLE}alertmanagers: {{default: }}\nalerts: {{channel: C0ALERTS, {alerts}}}\n"


def matcher(name: str, operator: str, value: str) -> Matcher:
    return Matcher(name, Operator(operator), value)


def test_alerts_mean_what_they_say(reading: Reading) -> None:
    alerts = reading.good(WITH_ALERTS).alerts
    assert (alerts.channel, alerts.mentions) == (
        "C0ALERTS",
        (
            AlertMention(
                who=GroupId("S0PLATFORM"),
                hours=Hours(days=WORKDAYS, start=time(8), end=time(18), zone="Europe/Berlin"),
            ),
        ),
    )
    assert alerts.routes == (
        AlertRoute(
            matchers=(matcher("severity", "=", "critical"), matcher("team", "=~", "apm|edge")),
            channel=ChannelId("C0APM"),
            mentions=(AlertMention(who=UserId("U0ONE"), severity=Severity.NONE),),
        ),
        AlertRoute(matchers=(matcher("env", "!=", "dev"),), channel=ChannelId("C0REST")),
    )
    assert alerts.applications == (
        ApplicationRule(
            matchers=(matcher("namespace", "=", "shop-production"),), application="shop", environment="production"
        ),
        ApplicationRule(matchers=(matcher("namespace", "=~", "shop-.+"),), application="shop"),
    )
    assert alerts.labels == AlertLabels(application=("app",), owner=())
    assert alerts.flapping == Flapping(flips=6, within=timedelta(minutes=30))
    assert (alerts.reopen_within, alerts.acknowledged_for) == (timedelta(0), timedelta(hours=8))
    assert alerts.silences == (timedelta(hours=2), timedelta(days=1))
    assert alerts.digests == (
        DigestPlan(channel=ChannelId("C0ALERTS"), at=time(9), days=WORKDAYS, zone="Europe/Berlin"),
    )


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("p1", Severity.CRITICAL), ("P1", Severity.CRITICAL), ("page", Severity.CRITICAL), ("error", Severity.WARNING),
        ("ticket", Severity.INFO), ("p2", Severity.NONE), ("", Severity.NONE),
    ],
)  # fmt: skip
def test_words_are_added_to_those_that_are_known_and_win(reading: Reading, word: str, severity: Severity) -> None:
    assert reading.good(WITH_ALERTS).alerts.severity_of({"severity": word}) is severity


def test_built_in_values(reading: Reading) -> None:
    alerts, built_in = reading.good(with_alerts("flapping: {}")).alerts, AlertsPolicy()
    for key in ("severities", "labels", "flapping", "reopen_within", "acknowledged_for", "silences", "digests"):
        assert getattr(alerts, key) == getattr(built_in, key), key
    nothing = reading.good(WHOLE)
    assert nothing.alerts == built_in
    assert nothing.get_stage(*PRODUCTION).alerts == StageAlerts()


def test_what_a_stage_does_about_alerts_is_merged_key_by_key(reading: Reading) -> None:
    text = changed(
        ("    sync: controlled\n", "    sync: controlled\n    alerts: {during_soak: fail}\n"),
        ("{from: development}", "{from: development, alerts: {block_promotion: false, severity: any}}"),
        text=WITH_ALERTS,
    )
    configuration = reading.good(text)
    assert configuration.get_stage(*PRODUCTION).alerts == StageAlerts(
        severity=Severity.NONE, during_soak=BakeAction.FAIL, fail_after=timedelta(minutes=20), block_promotion=False
    )
    assert configuration.get_stage(*DEVELOPMENT).alerts == StageAlerts(
        severity=Severity.WARNING, fail_after=timedelta(minutes=20)
    )
    shown = reading.good(changed(("severity: warning", "during_soak: show"), text=WITH_ALERTS))
    assert shown.get_stage(*PRODUCTION).alerts.during_soak is None


@pytest.mark.parametrize(
    ("alerts", "path", "reason", "fix"),
    [
        ("routes: [{match: ['a=b']}]", "routes[0].channel", "`channel` is missing", "Add `channel:`"),
        ("routes: [{match: [], channel: C0X}]", "routes[0].match", "it is empty", "Name at least one"),
        ("routes: [{match: ['a=b', 'severity'], channel: C0X}]", "routes[0].match[1]",
         "after `severity` one of `=`, `!=`, `=~`, `!~` is expected", "in single quotes"),
        ("routes: [{match: ['team=~\"(\"'], channel: C0X}]", "routes[0].match[0]",
         "is not a regular expression", "quotes"),
        ("routes: [{match: [''], channel: C0X}]", "routes[0].match[0]", "it is empty", "severity=\"critical\""),
        ("routes: [{match: [{severity: critical}], channel: C0X}]", "routes[0].match[0]",
         "a mapping is no matcher", "Write"),
        ("routes: [{match: 'a=b', channel: C0X}]", "routes[0].match", "a text is not what belongs here",
         "Write a list"),
        ("mention: [{who: platform}]", "mention[0].who", "is not a Slack user or user group id", "S…"),
        ("mention: [{who: S0X, severity: grave}]", "mention[0].severity", "`grave` is not known here", "`critical`"),
        ("mention: [{who: S0X, severity: none}]", "mention[0].severity", "`none` is not known here", "`any`"),
        ("mention: [{who: S0X, hours: '08:00-18:00'}]", "mention[0].hours", "lacks its zone", "Europe/Berlin"),
        ("mention: [{who: S0X, hours: '08:00-18:00 Mars/Base'}]", "mention[0].hours",
         "no time zone `Mars/Base`", "UTC"),
        ("applications: [{match: ['a=b'], application: shopp}]", "applications[0].application",
         "there is no application `shopp`", "Did you mean `shop`?"),
        ("applications: [{match: ['a=b'], application: shop, environment: prod}]", "applications[0].environment",
         "`prod` is an alias", "Use the environment's own name here: `production`"),
        ("applications: [{match: ['a=b'], application: shop, environment: productoin}]", "applications[0].environment",
         "there is no environment `productoin`", "Did you mean `production`?"),
        ("applications: [{match: ['a=\"b'], application: shop}]", "applications[0].match[0]", "is not closed", "Write"),
        ("applications: [{match: ['a=b'], environment: production}]", "applications[0].application",
         "is missing", "Add"),
        ("labels: {severity: ['']}", "labels.severity[0]", "`` is not the name of a label", "Write one name"),
        ("labels: {team: [x]}", "labels.team", "the key `team` is unknown here", "Known are: `application`"),
        ("severities: {critical: [p1], warning: [p2, P1]}", "severities.warning[1]",
         "`p1` stands under `critical` already", "Keep one"),
        ("severities: {critical: [p1, P1]}", "severities.critical[1]", "under `critical` already", "Keep one"),
        ("flapping: {flips: 1}", "flapping.flips", "`1` is too small", "Write 2 or more"),
        ("flapping: {flips: 99}", "flapping.flips", "`99` is too large", "Write 20 or less"),
        ("reopen_within: 30", "reopen_within", "it has no unit", "`30m`"),
        ("silences: []", "silences", "it is empty", "Name at least one"),
        ("silences: [60m, 1h]", "silences[1]", "`1h` stands here twice", "Keep one"),
        (f"silences: [{', '.join(f'{n}m' for n in range(1, 22))}]", "silences", "21 are too many", "at most 20"),
        ("digests: [{channel: C0X, at: '09:00'}]", "digests[0].zone", "`zone` is missing", "Add `zone:`"),
        ("digests: [{channel: C0X, at: 10:30, zone: UTC}]", "digests[0].at", "`630` is what YAML makes of `10:30`",
         'Put it in quotes: `"10:30"`'),
        ("digests: [{channel: C0X, at: 9am, zone: UTC}]", "digests[0].at", "`9am` is not a time of day", "`09:00`"),
        ("digests: [{channel: C0X, at: 9, zone: UTC}]", "digests[0].at", "`9` is not text", "Write one text"),
        ("digests: [{channel: C0X, at: '09:00', zone: UTC, days: weekdays}]", "digests[0].days",
         "`weekdays` is not a weekday", "`Mon-Fri`"),
        ("digests: [{channel: C0X, at: '09:00', zone: CEST}]", "digests[0].zone", "no time zone `CEST`", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(reading: Reading, alerts: str, path: str, reason: str, fix: str) -> None:
    problem = reading.problem(with_alerts(alerts))
    assert problem.path == f"alerts.{path}"
    assert reason in problem.reason
    assert fix in problem.fix
    assert problem.line is not None


def test_a_channel_is_an_id(reading: Reading) -> None:
    problem = reading.problem(with_alerts("silences: [1h]").replace("C0ALERTS", "'#alerts'"))
    assert problem.path == "alerts.channel"
    assert "is not a Slack channel id" in problem.reason


def test_an_environment_that_is_no_stage_of_the_application(reading: Reading) -> None:
    text = with_alerts("applications: [{match: ['a=b'], application: shop, environment: staging}]")
    text = text.replace("environments:\n", "environments:\n  staging: {}\n")
    problem = reading.problem(text)
    assert problem.path == "alerts.applications[0].environment"
    assert problem.reason == "`shop` has no stage `staging`"
    assert "`production`" in problem.fix


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (f"{WHOLE}alertmanagers: {{default: }}\n", "alertmanagers"),
        (f"{WHOLE}alertmanagers: {{default: }}\nalerts:\n", "alertmanagers"),
        (f"{WHOLE}alertmanagers: {{default: }}\nalerts: {{silences: [1h]}}\n", "alerts"),
    ],
)
def test_alerts_that_no_route_takes_need_a_channel(reading: Reading, text: str, path: str) -> None:
    problem = reading.problem(text)
    assert problem.path == path
    assert "`alerts.channel` is missing" in problem.reason
    assert "below `alerts:`" in problem.fix
    assert problem.line is not None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (f"{WHOLE}alerts: {{channel: C0X}}\n", "alerts"),
        (f"{WHOLE}alertmanagers: {{}}\nalerts: {{channel: C0X}}\n", "alerts"),
        (f"{WHOLE}defaults: {{alerts: {{severity: warning}}}}\n", "defaults.alerts"),
        (changed(("sync: automated}", "sync: automated, alerts: {}}")), "environments.development.alerts"),
        (
            changed(("{from: development}", "{from: development, alerts: {during_soak: fail}}")),
            "applications.shop.stages.production.alerts",
        ),
    ],
)
def test_what_is_said_of_alerts_needs_a_source_of_them(reading: Reading, text: str, path: str) -> None:
    problem = reading.problem(text)
    assert problem.path == path
    assert problem.reason == "no alerts come in: there is no source of any"
    assert "`alertmanagers:`" in problem.fix


def test_a_broken_source_is_told_alone(reading: Reading) -> None:
    assert reading.problem(f"{WHOLE}alertmanagers: x\nalerts: {{channel: C0X}}\n").path == "alertmanagers"


@pytest.mark.parametrize(
    ("alerts", "key", "reason"),
    [
        ("{severity: none}", "severity", "`none` is not known here"),
        ("{during_soak: wait}", "during_soak", "`wait` is not known here"),
        ("{fail_after: 0s}", "fail_after", "longer than nothing"),
        ("{block_promotion: maybe}", "block_promotion", "a text is not what belongs here"),
        ("{block_promotions: true}", "block_promotions", "is unknown here"),
    ],
)
def test_a_mistake_of_a_stage(reading: Reading, alerts: str, key: str, reason: str) -> None:
    text = changed(("{from: development}", f"{{from: development, alerts: {alerts}}}"), text=WITH_ALERTS)
    problem = reading.problem(text)
    assert problem.path == f"applications.shop.stages.production.alerts.{key}"
    assert reason in problem.reason
