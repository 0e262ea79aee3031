"""Where cards go, and whom they ping."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from bot.domain.alerts.matcher import parse_matchers
from bot.domain.alerts.policy import AlertMention, AlertRoute, AlertsPolicy, Hours
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId, GroupId, UserId
from bot.services.alerts.routing import is_within, mentions, route
from tests.alert_examples import alert, group

PAYMENTS, REST = ChannelId("C0PAY"), ChannelId("C0ALERTS")
ONCALL, DAYS = GroupId("S0ONCALL"), frozenset(range(5))
OFFICE = Hours(days=DAYS, start=time(9), end=time(17), zone="Europe/Berlin")
NIGHT = Hours(days=DAYS, start=time(22), end=time(6), zone="Europe/Berlin")
POLICY = AlertsPolicy(
    routes=(
        AlertRoute(matchers=parse_matchers("service=apm-api"), channel=PAYMENTS, mentions=(AlertMention(who=ONCALL),)),
        AlertRoute(matchers=parse_matchers('namespace=~"apm-.*",severity="info"'), channel=ChannelId("C0INFO")),
    ),
    channel=REST, mentions=(AlertMention(who=UserId("U0DEV1"), severity=Severity.WARNING),),
)  # fmt: skip


def test_the_first_route_that_holds_for_all_alerts_takes_it() -> None:
    assert route(group(alert("apm-api")), POLICY).channel == PAYMENTS
    assert route(group(alert("apm-api"), alert("apm-ingest")), POLICY).channel == REST
    assert route(group(), replace(POLICY, routes=(), channel=None)).channel is None


def test_whom_it_pings() -> None:
    assert mentions(group(alert("apm-api")), POLICY) == (ONCALL,)
    assert mentions(group(alert("apm-api"), severity=Severity.WARNING), POLICY) == ()
    assert mentions(group(alert("other"), severity=Severity.WARNING), POLICY) == ("U0DEV1",)
    over = group(alert("apm-api"), resolved_at=datetime(2026, 3, 4, 15, tzinfo=UTC))
    assert mentions(replace(over, state=type(over.state).RESOLVED), POLICY) == ()
    assert mentions(group(alert("apm-api"), is_flapping=True), POLICY) == ()
    assert mentions(group(alert("apm-api"), group_key=""), POLICY) == (), "only the API has told of it"
    twice = replace(POLICY, mentions=POLICY.mentions * 2)
    assert mentions(group(alert("other")), twice) == ("U0DEV1",)


@pytest.mark.parametrize(
    ("hours", "at", "holds"),
    [
        (None, datetime(2026, 3, 7, 3, tzinfo=UTC), True),
        (OFFICE, datetime(2026, 3, 4, 8, tzinfo=UTC), True),  # Wednesday, 9:00 there
        (OFFICE, datetime(2026, 3, 4, 7, 59, tzinfo=UTC), False),
        (OFFICE, datetime(2026, 3, 4, 16, tzinfo=UTC), False),
        (OFFICE, datetime(2026, 7, 1, 7, tzinfo=UTC), True),  # in summer, 9:00 too
        (OFFICE, datetime(2026, 3, 7, 9, tzinfo=UTC), False),  # Saturday
        (NIGHT, datetime(2026, 3, 6, 22, tzinfo=UTC), True),  # Friday, 23:00
        (NIGHT, datetime(2026, 3, 7, 4, 59, tzinfo=UTC), True),  # of Friday's night
        (NIGHT, datetime(2026, 3, 7, 5, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 3, 7, 22, tzinfo=UTC), False),  # Saturday's night
        (NIGHT, datetime(2026, 3, 2, 4, tzinfo=UTC), False),  # Monday morning: Sunday's night
    ],
)
def test_hours_are_those_of_the_zone(hours: Hours | None, at: datetime, holds: bool) -> None:
    assert is_within(hours, at) is holds
