"""What somebody asks to be silenced: read from what he typed, field by field, and what it would be for certain."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.matcher import BrokenMatcher, Matcher, Operator, all_match, parse_matchers, straightened
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.silence import SilenceDraft
from bot.domain.durations import duration, write_duration

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=30)
"""How long a silence may be; longer where `alerts.silences` offers that."""
MOST_COMMENT, MOST_CHOICES = 500, 12
MOST_SAID = 1_000
"""What people said of one silence, over all its extensions."""
PRESET, OTHER, MATCHERS, COMMENT, SOURCE = "duration", "other", "matchers", "comment", "source"
"""The fields of the dialog, by which faults are named."""
_SLACK = timedelta(seconds=5)
_ANYTHING = ("q", "0", "Ω")
"""Values that nobody has in mind: what matches all of them matches anything."""
_PLACES = ("cluster", "namespace", "exported_namespace", "dest_namespace")
_OF_METRICS = ("name",)
_MARK = re.compile(r"(?:^|\s)\(tiphys:([0-9A-Z]*)(?: [0-9A-Z]*)?\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceWish:
    """`comment` is not empty; `matchers` are not boundless."""

    matchers: tuple[Matcher, ...]
    length: timedelta
    comment: str

    def draft(self, mark: str, *, by: str, now: datetime) -> SilenceDraft:
        """It begins a little in the past: were Alertmanager's clock behind ours, it would be pending."""
        return SilenceDraft(
            matchers=self.matchers, starts_at=now - _SLACK, ends_at=now + self.length, created_by=by,
            comment=f"{self.comment} {mark}",
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """How long from now a silence is to go on, and why; `comment` may be empty."""

    length: timedelta
    comment: str = ""


def read_wish(fields: Mapping[str, str], policy: AlertsPolicy) -> SilenceWish | dict[str, str]:
    """What was typed into these fields; or the faults, by field, each with the way out."""
    faults: dict[str, str] = {}
    length = chosen_length(fields, policy)
    if isinstance(length, str):
        faults[length_field(fields)] = length
    matchers = read_matchers(fields.get(MATCHERS, ""))
    if isinstance(matchers, str):
        faults[MATCHERS] = matchers
    comment = _comment(fields, faults)
    if not comment and COMMENT not in faults:
        faults[COMMENT] = "Say why, so that everybody can read it."
    if faults or isinstance(length, str) or isinstance(matchers, str):
        return faults
    return SilenceWish(matchers=matchers, length=length, comment=comment)


def read_extension(fields: Mapping[str, str], policy: AlertsPolicy) -> Extension | dict[str, str]:
    """The same of one that is to go on: without matchers, and nobody has to say why."""
    faults: dict[str, str] = {}
    length = chosen_length(fields, policy)
    if isinstance(length, str):
        faults[length_field(fields)] = length
    comment = _comment(fields, faults)
    return faults if faults or isinstance(length, str) else Extension(length=length, comment=comment)


def length_field(fields: Mapping[str, str]) -> str:
    """The field that says how long: what was typed goes before what was chosen."""
    return OTHER if fields.get(OTHER, "").strip() else PRESET


def chosen_length(fields: Mapping[str, str], policy: AlertsPolicy) -> timedelta | str:
    return read_length(fields.get(length_field(fields), ""), policy)


def read_length(text: str, policy: AlertsPolicy) -> timedelta | str:
    """How long, or what is wrong with it."""
    most = max((LONGEST, *policy.silences))
    if not text.strip():
        return "Say for how long, e.g. 2h, 90m or 1d12h."
    try:
        length = duration("".join(text.split()).lower())
    except ValueError:
        return "It is not a duration: write e.g. 2h, 90m or 1d12h."
    if length < SHORTEST:
        return f"It is too short: at least {write_duration(SHORTEST)}."
    if length > most:
        return f"It is too long: at most {write_duration(most)}. It can be extended when it is about to end."
    return length


def read_matchers(text: str) -> tuple[Matcher, ...] | str:
    """Matchers that do not match everything, or what is wrong with them. Quotes that a phone has bent are quotes."""
    try:
        found = parse_matchers(straightened(text))
    except BrokenMatcher as broken:
        words = str(broken)
        return f"{words[0].upper()}{words[1:]}."
    if is_boundless(found):
        return 'This matches every alert: add a condition that only those have, e.g. alertname="HighErrorRate".'
    return found


def is_boundless(matchers: tuple[Matcher, ...]) -> bool:
    """Whether no condition asks for anything: each holds where its label is absent, or whatever it says.

    That is only for mistakes, and Alertmanager has the last word. Expressions that are more than a few signs long in
    choices are no mistakes, and are not run: some of those would keep this process busy for ever.
    """
    return all(_asks_for_nothing(matcher) for matcher in matchers)


def _asks_for_nothing(matcher: Matcher) -> bool:
    if matcher.is_regex and ("{" in matcher.value or sum(sign in "|*+?" for sign in matcher.value) > MOST_CHOICES):
        return False
    return matcher.matches({}) or all(matcher.matches({matcher.name: value}) for value in _ANYTHING)


def fixed(matchers: tuple[Matcher, ...]) -> dict[str, str]:
    """The labels that every alert has which they match, whatever else it has."""
    return {m.name: m.value for m in matchers if m.operator is Operator.EQUAL and m.value}


def suited(group: AlertGroup, policy: AlertsPolicy) -> tuple[Matcher, ...]:
    """What silences this group and nobody else's alerts: the labels that it is grouped by, and those that all of its
    alerts have and that say where they belong. Never annotations."""
    common = group.common_labels
    names = [*policy.labels.application, *policy.labels.environment, *_PLACES]
    for rule in policy.applications:
        if all_match(rule.matchers, common):
            names += [matcher.name for matcher in rule.matchers]
    if common.get("name") and common.get("namespace"):
        names += _OF_METRICS
    wanted = dict(group.group_labels) | {name: common[name] for name in names if common.get(name)}
    wanted = wanted or dict(common)
    return tuple(Matcher(name, Operator.EQUAL, value) for name, value in sorted(wanted.items(), key=_alertname_first))


def mark_of(silence: str) -> str:
    """What a comment of ours carries, so that it is found again after an unclear answer."""
    return f"(tiphys:{silence})"


def without_mark(comment: str) -> str:
    """What people wrote, of a comment of ours."""
    return _MARK.sub("", comment)


def extended_comment(comment: str, said: str, act: str) -> str:
    """The comment of a silence that goes on: with what was said of that, and with the act's id after that of the act
    that made it. So both are found again after an unclear answer, and however often it goes on it carries two ids."""
    known, made = without_mark(comment), _MARK.search(comment)
    words = f"{known}; {said}" if known and said else known or said
    if len(words) > MOST_SAID:
        words = f"…{words[1 - MOST_SAID :]}"
    ids = f"{made[1]} {act}" if made is not None else act
    return f"{words} (tiphys:{ids})".strip()


def _comment(fields: Mapping[str, str], faults: dict[str, str]) -> str:
    comment = " ".join(fields.get(COMMENT, "").split())
    if len(comment) > MOST_COMMENT:
        faults[COMMENT] = f"It has {len(comment)} characters; {MOST_COMMENT} are enough."
    return comment


def _alertname_first(label: tuple[str, str]) -> tuple[bool, str]:
    return label[0] != "alertname", label[0]
