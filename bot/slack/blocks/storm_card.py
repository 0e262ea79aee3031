"""One card for a channel's storm: how much changes, how bad it is, and what waits for a card."""

from collections import Counter
from collections.abc import Iterable

from bot.domain.alerts.severity import Severity, gravest
from bot.domain.alerts.storm import Storm, StormGroup
from bot.domain.text import Code, Moment, Plain, Strong, Text, counted, spoken
from bot.slack.blocks.alert_card import ICONS
from bot.slack.blocks.elements import Json, header, lines, named, paragraphs
from bot.slack.blocks.message import RenderedMessage, storm_metadata
from bot.slack.escape import one_line

MOST_APPLICATIONS, MOST_NAMES, MOST_PLACES = 8, 25, 2
_NOWHERE = "no application"


def storm_card(storm: Storm) -> RenderedMessage:
    """Within Slack's limits: names and applications beyond the shown are counted, never dropped silently."""
    over = storm.closed_at is not None
    return RenderedMessage(
        text=f"Alert storm{' is over' if over else ''}: {_title(storm)}",
        blocks=named([_closed(storm)] if over else _open(storm)),
        metadata=storm_metadata(storm.channel, storm.since),
    )


def _title(storm: Storm) -> str:
    return f"{counted(storm.changed, 'group')} changed in {spoken(storm.lasted)}"


def _closed(storm: Storm) -> Json | None:
    words = Text.of("🌤 storm over: ", Strong(_title(storm)), " · ", _by_severity(storm.firing) or "nothing fires of it")
    return lines(words, Text.of("Cards are up to date again."))


def _open(storm: Storm) -> list[Json | None]:
    return [
        header(f"🌩 {_title(storm)}"),
        lines(
            Text.of(Strong("Updates are delayed"), _following(storm)),
            _alone(storm),
            Text.of("firing: ", _by_severity(storm.firing) or "nothing any more"),
            _by_application(storm.groups),
            Text.of("as of ", Moment(storm.at)),
        ),
        *paragraphs(*_by_name(storm.groups)),
    ]


def _following(storm: Storm) -> str:
    if not storm.following:
        return ": no card waits any more"
    verb = "follows" if storm.following == 1 else "follow"
    return f": {counted(storm.following, 'card')} {verb} at Slack's pace, newest and most severe first"


def _alone(storm: Storm) -> Text:
    if not storm.alone:
        return Text()
    words = "that is not critical has" if storm.alone == 1 else "that are not critical have"
    return Text.of(f"{storm.alone} {words} no card while this lasts, at most a line below")


def _by_severity(groups: Iterable[StormGroup]) -> str:
    """`🔥 3 critical, ⚠️ 40 warning`; empty of nothing."""
    found = Counter(group.severity for group in groups)
    return ", ".join(
        f"{ICONS[severity]} {found[severity]} {_word(severity)}" for severity in Severity if found[severity]
    )


def _word(severity: Severity) -> str:
    return "without severity" if severity is Severity.NONE else severity.value


def _by_application(groups: tuple[StormGroup, ...]) -> Text:
    found = Counter(group.place or _NOWHERE for group in groups)
    if not found:
        return Text()
    most = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{one_line(place, 80)} {number}" for place, number in most[:MOST_APPLICATIONS]]
    if rest := most[MOST_APPLICATIONS:]:
        shown.append(f"{len(rest)} more with {counted(sum(number for _, number in rest), 'group')}")
    return Text.of(Plain(f"where: {', '.join(shown)}"))


def _by_name(groups: tuple[StormGroup, ...]) -> list[Text]:
    """A line for each name, the gravest that fires first, then the most frequent."""
    named_alike: dict[str, list[StormGroup]] = {}
    for group in groups:
        named_alike.setdefault(one_line(group.name, 80) or "alerts", []).append(group)
    sorted_names = sorted(named_alike.items(), key=lambda item: (_gravest(item[1]).rank, -len(item[1]), item[0]))
    made = [_name(name, alike) for name, alike in sorted_names[:MOST_NAMES]]
    if rest := sorted_names[MOST_NAMES:]:
        left = counted(sum(len(alike) for _, alike in rest), "group")
        made.append(Text.of(f"… and {counted(len(rest), 'more name')} with {left}: ", Code("/gitops alerts")))
    return made


def _gravest(groups: list[StormGroup]) -> Severity:
    return gravest(tuple(group.severity for group in groups if not group.is_over))


def _name(name: str, groups: list[StormGroup]) -> Text:
    firing = sum(not group.is_over and not group.is_flapping for group in groups)
    flapping = sum(group.is_flapping for group in groups)
    found = ((firing, "firing"), (flapping, "flapping"), (len(groups) - firing - flapping, "resolved"))
    icon = "✅" if not firing and not flapping else ICONS[_gravest(groups)]
    places = list(dict.fromkeys(one_line(group.place, 60) for group in groups if group.place))
    more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
    where = f" · {', '.join(places[:MOST_PLACES])}{more}" if places else ""
    return Text.of(f"{icon} ", Strong(name), " ", ", ".join(f"{number} {word}" for number, word in found if number),
                   Plain(where))  # fmt: skip
