"""Gates as a checklist, and approvals: who counts, who does not and why, who still may."""

from bot.domain.approval import RuleResult
from bot.domain.card import ChangeCard
from bot.domain.change import Change
from bot.domain.gate import MARKS, Gate, GateState
from bot.domain.identity import GroupId, UserId
from bot.domain.lifecycle import AWAITING_DECISION, State
from bot.domain.text import Link, Mention, Moment, Plain, Text
from bot.slack.blocks.elements import Json, paragraphs
from bot.slack.escape import one_line

MOST_GATES, MOST_PEOPLE = 10, 6
_APPROVALS = "approvals"
_DECIDING = AWAITING_DECISION | {State.APPROVALS_VOID, State.MERGING, State.MERGED, State.WAITING_FOR_SYNC}


def gates(card: ChangeCard) -> list[Json | None]:
    """Blocks while gates and approvals still decide something; afterwards they are history."""
    change = card.change
    if change.state not in _DECIDING:
        return []
    shown = besides_approvals(change)
    hidden = len(shown) - MOST_GATES
    checklist = [gate_line(gate) for gate in shown[:MOST_GATES]]
    if hidden > 0:
        checklist.append(Text.of(f"… and {hidden} more, see Details"))
    return paragraphs(*(approvals(card) if change.state is not State.MERGED else []), *checklist)


def besides_approvals(change: Change) -> list[Gate]:
    """The gates but that of the approvals, which have lines of their own; shut ones first."""
    return sorted((gate for gate in change.gates if gate.slug != _APPROVALS), key=_shut_first)


def gate_line(gate: Gate) -> Text:
    opens = Text.of(" · opens ", Moment(gate.opens_at)) if gate.opens_at else Text()
    link = Text.of(" · ", Link(gate.link, "show ↗")) if gate.link else Text()
    return Text.of(f"{MARKS[gate.state]} ", Plain(one_line(gate.reason or gate.slug, 180)), opens, link)


def approvals(card: ChangeCard) -> list[Text]:
    """Lines: how many of how many by whom, and whose do not count. Empty where none are needed."""
    change, result = card.change, card.change.approvals
    if card.approvals_needed == 0:
        return []
    is_decided = change.merge is not None and change.approved_by  # before that a quorum may be lost again
    who = change.approved_by if is_decided or result is None else result.who
    mark = "✅" if len(who) >= card.approvals_needed else "⏳"
    given = Text.of(f"{mark} approvals {len(who)} of {card.approvals_needed}")
    if who:
        given = Text.of(given, ": ", people(who))
    return [given, *(_not_counted(result) if result else [])]


def may_still(card: ChangeCard) -> Text:
    """Who may give what is missing; empty when nothing is, or nobody is left."""
    change = card.change
    who = change.approvals.who if change.approvals else ()
    left = tuple(name for name in card.may_approve if name not in (*who, change.requested_by))
    if len(who) >= card.approvals_needed or not left:
        return Text()
    return Text.of("may approve: ", sources(left), " (not ", Mention(change.requested_by), ")")


def people(users: tuple[UserId, ...]) -> Text:
    """People by mention, the rest counted."""
    shown: list[Text] = [Text.of(Mention(user)) for user in users[:MOST_PEOPLE]]
    hidden = len(users) - len(shown)
    if hidden > 0:
        shown.append(Text.of(f"{hidden} more"))
    return joined(shown)


def sources(names: tuple[str, ...]) -> Text:
    """Who may approve, as the policy names them: people and groups by mention, roles by name."""
    shown = [source(name) for name in names[:MOST_PEOPLE]]
    if len(names) > MOST_PEOPLE:
        shown.append(Text.of(f"{len(names) - MOST_PEOPLE} more"))
    return joined(shown)


def source(name: str) -> Text:
    if name[:1] in ("U", "W"):
        return Text.of(Mention(UserId(name)))
    return Text.of(Mention(GroupId(name))) if name[:1] == "S" else Text.of(Plain(one_line(name, 80)))


def joined(texts: list[Text]) -> Text:
    made = Text()
    for number, text in enumerate(texts):
        made = Text.of(made, ", ", text) if number else text
    return made


def _shut_first(gate: Gate) -> int:
    return {GateState.CLOSED: 0, GateState.WAITING: 1, GateState.OPEN: 2}[gate.state]


def _not_counted(result: RuleResult) -> list[Text]:
    found = [item for item in result.counted if not item.counts]
    shown = [
        Text.of("▫️ does not count: ", Mention(item.approval.user), " (", Plain(one_line(item.reason, 120)), ")")
        for item in found[:MOST_PEOPLE]
    ]
    hidden = len(found) - len(shown)
    return [*shown, *([Text.of(f"▫️ … and {hidden} more that do not count")] if hidden > 0 else [])]
