"""Where a group's card goes, and whom it pings: by the labels that all of its alerts have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.matcher import all_match
from bot.domain.alerts.policy import AlertMention, AlertsPolicy, Hours
from bot.domain.alerts.severity import gravest
from bot.domain.identity import ChannelId, GroupId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """`channel` None: nobody wants to see it."""

    channel: ChannelId | None
    mentions: tuple[AlertMention, ...]


def route(group: AlertGroup, policy: AlertsPolicy) -> Routed:
    """The first route whose matchers all hold takes it."""
    return route_labels(group.common_labels, policy)


def route_labels(labels: Mapping[str, str], policy: AlertsPolicy) -> Routed:
    """Where a group with these common labels goes."""
    for one in policy.routes:
        if all_match(one.matchers, labels):
            return Routed(channel=one.channel, mentions=one.mentions)
    return Routed(channel=policy.channel, mentions=policy.mentions)


def mentions(group: AlertGroup, policy: AlertsPolicy) -> tuple[UserId | GroupId, ...]:
    """Whom the card of a group pings: nobody when it is over or flaps, or when no webhook has told of it: to the API
    one that was lost looks like one that a route's mute times keep back.

    The hours are asked of the moment at which it opened, so that a card says the same whenever it is rendered.
    """
    if group.is_over or group.is_flapping or not group.group_key:
        return ()
    found = [
        mention.who
        for mention in route(group, policy).mentions
        if group.severity.is_at_least(mention.severity) and is_within(mention.hours, group.opened_at)
    ]
    return tuple(dict.fromkeys(found))


def called(before: AlertGroup, group: AlertGroup, policy: AlertsPolicy, now: datetime) -> tuple[UserId | GroupId, ...]:
    """Whom `group` is to ping beside those whom its card has pinged: those for whom it was not grave enough, when it is
    graver than it ever was; everybody, when a webhook tells of what so far only the API did. Nobody when somebody has
    it, or it is over or flaps. The hours are asked of `now`.
    """
    is_told = bool(group.group_key) and not before.group_key
    was = gravest((before.peak, before.severity))
    if group.is_over or group.is_flapping or not group.group_key or _is_taken(group):
        return ()
    found = [
        mention.who
        for mention in route(group, policy).mentions
        if group.severity.is_at_least(mention.severity)
        and (is_told or not was.is_at_least(mention.severity))
        and is_within(mention.hours, now)
    ]
    return tuple(dict.fromkeys(found))


def _is_taken(group: AlertGroup) -> bool:
    return group.acknowledged is not None or group.assigned_to is not None


def is_within(hours: Hours | None, at: datetime) -> bool:
    """Whether `at` is in these hours. Hours over midnight belong to the day on which they begin."""
    if hours is None:
        return True
    local = at.astimezone(ZoneInfo(hours.zone))
    clock = local.time()
    if hours.start < hours.end:
        return local.weekday() in hours.days and hours.start <= clock < hours.end
    if clock >= hours.start:
        return local.weekday() in hours.days
    began = (local - timedelta(days=1)).weekday()
    return began in hours.days and clock < hours.end
