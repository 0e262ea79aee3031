"""What fires now, as somebody may see it who asks: the gravest first, in pages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.card import place_of
from bot.domain.alerts.group import AlertGroup, Tie
from bot.domain.alerts.matcher import Matcher, all_match
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.standing import named
from bot.domain.alerts.table import in_order
from bot.domain.identity import UserId
from bot.domain.request import Answer
from bot.domain.text import Code, InChannel, Mention, Moment, Part, Plain, Strong, Text, counted, shortened
from bot.ports import ConfigurationInForce
from bot.ports_alerts import Alertmanagers
from bot.ports_store import Store
from bot.services.access import Access, AlertRight, Forbidden

PER_PAGE = 10
ALERTS_PER_PAGE = 20
LONGEST_WORDS = 300
"""Of a filter that is repeated whole."""
SIGNS: Mapping[Severity, str] = {
    Severity.CRITICAL: "🔥", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️", Severity.NONE: "🔔",
}  # fmt: skip


_STATES: Mapping[AlertState, str] = {
    AlertState.FIRING: "firing", AlertState.SILENCED: "silenced", AlertState.INHIBITED: "inhibited",
    AlertState.UNREPORTED: "not reported any more", AlertState.RESOLVED: "resolved",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """What is to be shown; None and empty: all. `words` is how it was typed, for the way to the next page."""

    application: str | None = None
    environment: str | None = None
    severity: Severity | None = None
    matchers: tuple[Matcher, ...] = ()
    words: str = ""


class AlertListing:
    """Read-only."""

    def __init__(
        self, store: Store, access: Access, alertmanagers: Alertmanagers, source: ConfigurationInForce
    ) -> None:
        self._store, self._access, self._alertmanagers, self._source = store, access, alertmanagers, source

    async def firing(self, user: UserId, wanted: AlertFilter, page: int = 1) -> Answer:
        """The open groups. Regular expressions are Alertmanager's to evaluate: raises `OutsideError` when it has to be
        asked for that and gives no answer."""
        async with self._store.reading() as tx:
            groups = await tx.alerts.list_open(application=wanted.application, environment=wanted.environment)
        groups = [group for group in groups if wanted.severity in (None, group.severity)]
        if wanted.matchers:
            matching = await self._matching(groups, wanted.matchers)
            groups = [group for group in groups if group.id in matching]
        seen, hidden = await self._visible(user, groups)
        if not seen:
            more = f" {hidden} more that you may not look at." if hidden else ""
            which = f" of {shortened(wanted.words, LONGEST_WORDS)}" if wanted.words else ""
            return Answer.done(Text.of(f"Nothing fires{which}.{more}"))
        pages = -(-len(seen) // PER_PAGE)
        page = min(max(page, 1), pages)
        shown = seen[(page - 1) * PER_PAGE : page * PER_PAGE]
        lines = [Text.of("\n", _line(group)) for group in shown]
        if hidden:
            lines.append(Text.of(f"\n{hidden} more that you may not look at."))
        if pages > 1:
            lines.append(Text.of(f"\nPage {page} of {pages}: ", *_way_to(page % pages + 1, wanted)))
        counts = ", ".join(
            f"{number} {severity.value if severity is not Severity.NONE else 'without severity'}"
            for severity in Severity
            if (number := sum(group.severity is severity for group in seen))
        )
        return Answer.done(Text.of(f"{counted(len(seen), 'group')} of alerts ({counts}):", *lines))

    async def one(self, user: UserId, group: AlertGroup, page: int = 1) -> Answer:
        """All alerts of a group that are kept, in the order of its card: also those that have no row there."""
        permit = await self._access.permit_alerts(user, AlertRight.GET, group.tie)
        if isinstance(permit, Forbidden):
            return Answer.refusal(permit.slug, permit.text)
        alerts = in_order(group.alerts, self._source.current.alerts.severity_of)
        pages = max(-(-len(alerts) // ALERTS_PER_PAGE), 1)
        page = min(max(page, 1), pages)
        common = group.common_labels
        shown = alerts[(page - 1) * ALERTS_PER_PAGE : page * ALERTS_PER_PAGE]
        lines = [Text.of("\n• ", *_alert(alert, common)) for alert in shown]
        if pages > 1:
            way = Code(f"/gitops alerts A{group.number} --page {page % pages + 1}")
            lines.append(Text.of(f"\nPage {page} of {pages}: ", way))
        return Answer.done(Text.of(_line(group), ":", *lines))

    def sees(self, user: UserId) -> Callable[[Tie | None], Awaitable[bool]]:
        """Tells of each tie whether he may look at what is tied like that; asked once for each, and then remembered.
        For one answer: what he may does not change in the middle of it."""
        may: dict[Tie | None, bool] = {}

        async def see(tie: Tie | None) -> bool:
            if tie not in may:
                permit = await self._access.permit_alerts(user, AlertRight.GET, tie)
                may[tie] = not isinstance(permit, Forbidden)
            return may[tie]

        return see

    async def _visible(self, user: UserId, groups: Sequence[AlertGroup]) -> tuple[list[AlertGroup], int]:
        """Those that he may look at, and how many he may not."""
        sees = self.sees(user)
        seen = [group for group in groups if await sees(group.tie)]
        return seen, len(groups) - len(seen)

    async def _matching(self, groups: Sequence[AlertGroup], matchers: tuple[Matcher, ...]) -> set[str]:
        """The ids of groups with an alert that matches. What a person types as a regular expression is not run here: it
        could keep this process busy for ever."""
        if not any(matcher.is_regex for matcher in matchers):
            return {group.id for group in groups if any(all_match(matchers, alert.labels) for alert in group.alerts)}
        found: set[str] = set()
        for source in dict.fromkeys(group.source for group in groups):
            if (client := self._alertmanagers.get(source)) is None:
                continue
            matched = {one.alert.fingerprint for one in await client.list_alerts(matchers)}
            found |= {group.id for group in groups if group.source == source
                      and any(alert.fingerprint in matched for alert in group.alerts)}  # fmt: skip
        return found


def _way_to(page: int, wanted: AlertFilter) -> list[str | Part]:
    """To another page: what was typed, blank by blank, as it would find something else otherwise."""
    if len(wanted.words) > LONGEST_WORDS or not wanted.words.isprintable():
        return ["the same with ", Code(f"--page {page}")]
    return [Code(" ".join(filter(None, ("/gitops alerts", wanted.words, f"--page {page}"))))]


def _line(group: AlertGroup) -> Text:
    name = shortened(group.name, 100)
    place = place_of(group.tie)
    parts: list[Text] = [Text.of(f"{SIGNS[group.severity]} ", Code(f"A{group.number}"), " ", Strong(name))]
    if place:
        parts.append(Text.of(" · ", Plain(shortened(place, 100))))
    parts.append(Text.of(" · ", Plain(_counts(group)), " · since ", Moment(group.since)))
    if group.is_flapping:
        parts.append(Text.of(" · flapping"))
    if group.acknowledged is not None:
        parts.append(Text.of(" · ✋ ", Mention(group.acknowledged.by)))
    if group.assigned_to is not None:
        parts.append(Text.of(" · 👤 ", Mention(group.assigned_to)))
    if group.channel is not None:
        parts.append(Text.of(" · ", InChannel(group.channel)))
    return Text.of(*parts)


def _alert(alert: Alert, common: Mapping[str, str]) -> list[str | Part]:
    """What tells it from the others, and since when it is what it is."""
    state = "" if alert.state is AlertState.FIRING else f" {_STATES[alert.state]}"
    at = alert.ends_at if alert.state is AlertState.RESOLVED and alert.ends_at else alert.starts_at
    since = " " if alert.state is AlertState.RESOLVED else " since "
    return [Code(shortened(named(alert, common), 100)), state, since, Moment(at)]


def _counts(group: AlertGroup) -> str:
    words = [f"{number} {_STATES[state]}" for state in AlertState if (number := group.count(state))]
    return ", ".join([*words, *([f"{group.truncated} more"] if group.truncated else [])])
