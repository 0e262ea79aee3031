"""The permissions policy as text: Argo CD's policy.csv grammar with our own words → typed lines, and every fault in it.

    p, <role:…|U…|S…>, changes|alerts, <action>, <application>/<environment>, allow|deny
    g, <U…|S…|role:…>, role:…

Blank lines, and lines that start with `#`, say nothing. Action and stage are patterns (`bot.domain.glob`); a pattern
with a comma stands in quotes.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import TypeVar

from bot.domain.csv_line import BrokenLine, Word, split
from bot.domain.glob import BrokenPattern, is_literal, matches
from bot.domain.policy import ACTIONS, BUILT_IN_ROLES, Fault, Grant, Membership, Policy, Resource, is_role

_ROLE = re.compile(r"role:[A-Za-z0-9][-A-Za-z0-9_.]{0,62}")
_USER_OR_GROUP = re.compile(r"[UWS][A-Z0-9]{2,30}")
T = TypeVar("T")
_EFFECTS = ("allow", "deny")
_ARGOCD_RESOURCES = frozenset(
    {
        "applications", "applicationsets", "projects", "clusters", "repositories", "write-repositories", "accounts",
        "certificates", "gpgkeys", "logs", "exec", "extensions",
    }
)  # fmt: skip
_LOOK = dict.fromkeys(("view", "read", "list", "look", "status"), "get")
_OTHER_WORDS_FOR_ACTIONS = {
    Resource.CHANGES: {
        **_LOOK, "deploy": "promote", "create": "promote", "merge": "promote", "start": "promote", "rollback": "revert",
        "undo": "revert", "accept": "approve", "confirm": "approve", "decline": "reject", "cancel": "abort",
        "terminate": "abort", "stop": "abort", "delete": "abort", "update": "sync", "override": "sync",
    },
    Resource.ALERTS: {
        **_LOOK, "ack": "acknowledge", "unack": "acknowledge", "assign": "acknowledge", "claim": "acknowledge",
        "take": "acknowledge", "own": "acknowledge", "mute": "silence", "snooze": "silence", "unsilence": "silence",
        "expire": "silence", "extend": "silence", "suppress": "silence", "inhibit": "silence",
    },
}  # fmt: skip
_RESOURCES = tuple(resource.value for resource in Resource)
_OTHER_WORDS_FOR_RESOURCES = {
    "alert": "alerts", "silence": "alerts", "silences": "alerts", "alertmanager": "alerts", "alertmanagers": "alerts",
}  # fmt: skip
_LAYOUT = f"`p, <role:…|U…|S…>, {'|'.join(_RESOURCES)}, <action>, <application>/<environment>, allow|deny`"
_LAYOUT_G = "`g, <U…|S…>, role:<name>`"


def parse_policy(text: str) -> tuple[Policy, list[Fault]]:
    """Every line that is right, and what is wrong with each other one, in the order of lines.

    A policy with faults must not be used: what cannot be read may have been a deny.
    """
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            reading.line(line, number)
    policy = Policy(grants=tuple(reading.grants), memberships=tuple(reading.memberships))
    faults = [*reading.faults, *_circles(policy.memberships)]
    return policy, sorted(faults, key=lambda fault: (fault.line, fault.column))


def choose(word: str, known: Iterable[str]) -> str:
    """A fix for an unknown word: what was probably meant, else what there is."""
    names = list(known)
    near = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else f"Use one of: {', '.join(f'`{name}`' for name in names)}"


class _Wrong(Exception):
    def __init__(self, word: Word, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.word, self.reason, self.fix = word, reason, fix


@dataclass(slots=True)
class _Reading:
    grants: list[Grant] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def line(self, text: str, number: int) -> None:
        try:
            words = split(text)
        except BrokenLine as broken:
            self._add(number, broken.column, broken.reason, broken.fix)
            return
        first = words[0]
        match first.text:
            case "p":
                self._grant(words, number)
            case "g":
                self._membership(words, number)
            case other:
                meant = other.lower()
                fix = f"Did you mean `{meant}`?" if meant in ("p", "g") else f"Write {_LAYOUT} or {_LAYOUT_G}"
                self._add(number, first.column, f"a line starts with `p` or `g`, not with `{_shown(first)}`", fix)

    def _grant(self, words: list[Word], number: int) -> None:
        if not self._is_right(number, _shape_of_grant, words):
            return
        _, subject, speaks_of, action, stage, effect = words
        resource = Resource(speaks_of.text)
        checks: tuple[tuple[Callable[[Word], None], Word], ...] = (
            (_subject, subject), (partial(_action, resource), action), (_stage, stage), (_effect, effect),
        )  # fmt: skip
        right = [self._is_right(number, check, word) for check, word in checks]
        if all(right):
            allows = effect.text == "allow"
            self.grants.append(
                Grant(
                    subject=subject.text, resource=resource, action=action.text, stage=stage.text, allows=allows,
                    line=number,
                )
            )  # fmt: skip

    def _membership(self, words: list[Word], number: int) -> None:
        if self._is_right(number, _shape_of_membership, words):
            self.memberships.append(Membership(member=words[1].text, role=words[2].text, line=number))

    def _is_right(self, number: int, check: Callable[[T], None], what: T) -> bool:
        try:
            check(what)
        except _Wrong as wrong:
            self._add(number, wrong.word.column, wrong.reason, wrong.fix)
            return False
        return True

    def _add(self, line: int, column: int, reason: str, fix: str) -> None:
        self.faults.append(Fault(line=line, column=column, reason=reason, fix=fix))


def _shape_of_grant(words: list[Word]) -> None:
    """The resource is looked at first: a line of another system needs to be told only that."""
    if len(words) > 2 and words[2].text not in _RESOURCES:
        word = words[2]
        if word.text in _ARGOCD_RESOURCES:
            reason = f"this is a line of Argo CD's own policy: it speaks of `{word.text}`"
            fix = f"It belongs into argocd-rbac-cm; here is said what may be done to {_listed(_RESOURCES)}"
            raise _Wrong(word, reason, fix)
        other = _OTHER_WORDS_FOR_RESOURCES.get(word.text.lower())
        fix = f"Did you mean `{other}`?" if other else choose(word.text, _RESOURCES)
        raise _Wrong(word, f"the resource `{_shown(word)}` is not known", fix)
    if len(words) == 6:
        return
    reason = f"a `p` line has 6 words, this one has {len(words)}"
    torn = next((word for word in words if "{" in word.text and "}" not in word.text), None)
    if torn is not None:
        raise _Wrong(torn, "a comma stands within `{…}`", 'Put the pattern in quotes: `"{a,b}/production"`')
    if len(words) == 5 and words[-1].text not in _EFFECTS:
        raise _Wrong(words[-1], f"{reason}: the effect is missing", "Write `allow` or `deny` at the end")
    raise _Wrong(words[-1], reason, f"Write {_LAYOUT}")


def _shape_of_membership(words: list[Word]) -> None:
    if len(words) != 3:
        raise _Wrong(words[-1], f"a `g` line has 3 words, this one has {len(words)}", f"Write {_LAYOUT_G}")
    _, member, role = words
    if is_role(member.text) and _USER_OR_GROUP.fullmatch(role.text):
        raise _Wrong(member, "member and role are the wrong way round", f"Write `g, {role.text}, {member.text}`")
    _subject(member)
    if not _ROLE.fullmatch(role.text):
        raise _Wrong(role, f"`{_shown(role)}` is not a role", f"Write {_LAYOUT_G}")


def _subject(word: Word) -> None:
    text = word.text
    if _ROLE.fullmatch(text) or _USER_OR_GROUP.fullmatch(text):
        return
    if "@" in text:
        fix = "Name people by their Slack user id (U…), user groups by theirs (S…): names can change hands"
    elif text.lower().startswith("role"):
        fix = "Write `role:<name>`, the name of letters, digits, `.`, `-` and `_`"
    elif f"role:{text}" in BUILT_IN_ROLES:
        fix = f"Did you mean `role:{text}`?"
    else:
        name = text if re.fullmatch(r"[\w.-]+", text) else "<name>"
        fix = f"Write `role:{name}` for a role, U… for a user, S… for a user group"
    raise _Wrong(word, f"`{_shown(word)}` is no role, Slack user id or Slack user group id", fix)


def _action(resource: Resource, word: Word) -> None:
    _pattern(word)
    if any(matches(word.text, action) for action in ACTIONS[resource]):
        return
    for known, actions in ACTIONS.items():
        if any(matches(word.text, action) for action in actions):
            reason = f"`{_shown(word)}` is an action of `{known}`, not of `{resource}`"
            fix = f"Write `{known}, {_shown(word)}`, or one of {_listed(ACTIONS[resource])}"
            raise _Wrong(word, reason, fix)
    other = _OTHER_WORDS_FOR_ACTIONS[resource].get(word.text.lower())
    fix = f"Did you mean `{other}`?" if other else choose(word.text, ACTIONS[resource])
    raise _Wrong(word, f"the action `{_shown(word)}` is not known", fix)


def _stage(word: Word) -> None:
    _pattern(word)
    if is_literal(word.text) and "/" not in word.text:
        fix = f"Write `<application>/<environment>`, like `{word.text or '*'}/*` or `*/production`"
        raise _Wrong(word, f"`{_shown(word)}` names no stage", fix)


def _pattern(word: Word) -> None:
    try:
        matches(word.text, "")
    except BrokenPattern as broken:
        at = Word(word.text, word.column + broken.position)
        fix = "Patterns know `*`, `?`, `[a-z]`, `[!a-z]` and `{a,b}`"
        raise _Wrong(at, f"the pattern `{_shown(word)}` cannot be read: {broken}", fix) from None


def _effect(word: Word) -> None:
    if word.text in _EFFECTS:
        return
    if word.text.partition(" ")[0] in _EFFECTS:
        raise _Wrong(word, f"`{_shown(word)}` is no effect", "A comment stands on a line of its own")
    raise _Wrong(word, f"the effect `{_shown(word)}` is not known", choose(word.text, _EFFECTS))


def _circles(memberships: tuple[Membership, ...]) -> Iterator[Fault]:
    above: dict[str, set[str]] = {}
    for given in memberships:
        if given.member in _reached(given.role, above):
            reason = f"`{given.member}` and `{given.role}` contain each other"
            if given.member == given.role:
                reason = f"`{given.member}` is given to itself"
            yield Fault(line=given.line, column=1, reason=reason, fix="Remove one of the `g` lines")
        above.setdefault(given.member, set()).add(given.role)


def _reached(role: str, above: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [role]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(above.get(current, ()))
    return found


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _shown(word: Word) -> str:
    return word.text if len(word.text) <= 60 else f"{word.text[:59]}…"
