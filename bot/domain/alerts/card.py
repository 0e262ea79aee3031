"""What the card of an alert group shows: the group, whose it is, where to read on, and what can be pressed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.group import AlertGroup, SilenceSeen, Tie
from bot.domain.alerts.links import AlertLink, link_of
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.standing import has_api
from bot.domain.alerts.table import Columns, columns_of, in_order
from bot.domain.identity import GroupId, UserId
from bot.domain.text import listed


class AlertAction(StrEnum):
    """What can be pressed on a group's card; the values are the action ids that scripts rely on."""

    ACKNOWLEDGE = "alert.acknowledge"
    UNACKNOWLEDGE = "alert.unacknowledge"
    ASSIGN = "alert.assign"
    SILENCE = "alert.silence"
    CHANGE = "alert.change"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCard:
    """Everything that a renderer needs. `alerts` are the group's, in the order in which they are to be read, and
    `columns` what tells them apart.

    `owner` is untrusted text, empty when nobody is named. `mentions`: whom the group pings when its card is posted.
    `is_checked`: its source can be asked about what is no longer reported.
    """

    group: AlertGroup
    alerts: tuple[Alert, ...]
    columns: Columns
    actions: tuple[AlertAction, ...]
    owner: str = ""
    links: tuple[AlertLink, ...] = ()
    mentions: tuple[UserId | GroupId, ...] = ()
    is_checked: bool = False

    @property
    def silences(self) -> tuple[SilenceSeen, ...]:
        """In force, the one that ends last first."""
        return tuple(sorted(self.group.silences, key=lambda silence: (-silence.ends_at.timestamp(), silence.id)))

    @property
    def since(self) -> datetime:
        return self.group.since


def card_of(group: AlertGroup, policy: AlertsPolicy, *, mentions: tuple[UserId | GroupId, ...] = ()) -> AlertCard:
    """The card of a group. `mentions` are those that its route pings at its severity and hour."""
    is_checked = has_api(policy, group.source)
    alerts = in_order(group.alerts, policy.severity_of)
    live = tuple(alert for alert in alerts if alert.state is not AlertState.RESOLVED) or alerts
    links = (
        link_of("runbook", _said(live, policy.labels.runbook)),
        link_of("dashboard", _said(live, policy.labels.dashboard)),
        _graph(live),
    )
    return AlertCard(
        group=group,
        alerts=alerts,
        columns=columns_of(alerts),
        actions=actions_of(group, can_silence=is_checked),
        owner=listed(tuple(dict.fromkeys(_said(live, policy.labels.owner))), most=3),
        links=tuple(link for link in links if link is not None),
        mentions=mentions,
        is_checked=is_checked,
    )


def actions_of(group: AlertGroup, *, can_silence: bool) -> tuple[AlertAction, ...]:
    """What somebody could do: no button whose press could only be refused for everyone.

    Without an API nothing can be silenced; a group that is over needs nobody any more.
    """
    if group.is_over:
        return ()
    a = AlertAction
    return (
        a.UNACKNOWLEDGE if group.acknowledged else a.ACKNOWLEDGE,
        a.ASSIGN,
        *((a.SILENCE,) if can_silence else ()),
        *((a.CHANGE,) if group.change else ()),
    )


def after_change(group: AlertGroup) -> timedelta:
    """How long after the change that had reached its application the first of its alerts began; zero without one."""
    if group.change is None:
        return timedelta()
    shipped = group.change.shipped_at
    began = (at for at in (group.opened_at, *(alert.starts_at for alert in group.alerts)) if at >= shipped)
    return min(began, default=shipped) - shipped


def place_of(tie: Tie | None) -> str:
    """`apm-stack · production`; `perhaps apm-stack · production` where it is a guess; empty where nobody knows."""
    if tie is None:
        return ""
    place = f"{tie.application} · {tie.environment}" if tie.environment else tie.application
    return f"perhaps {place}" if tie.is_guess else place


def _said(alerts: tuple[Alert, ...], names: tuple[str, ...]) -> Iterator[str]:
    """What each alert says under the first of these names that it has: its labels before its annotations."""
    for alert in alerts:
        values = (said.get(name, "").strip() for said in (alert.labels, alert.annotations) for name in names)
        if value := next(filter(None, values), ""):
            yield value


def _graph(alerts: tuple[Alert, ...]) -> AlertLink | None:
    """Of the rule. Senders that are no Prometheus put anything there: what is no address is not worth a word."""
    link = link_of("graph", (alert.generator_url for alert in alerts))
    return link if link is not None and link.url is not None else None
