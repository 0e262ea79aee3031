"""What can be pressed on a card: the first actions as buttons, the rare ones in a menu.

A button's value is JSON, `{"change": "<ulid>", "fingerprint": "<64 hex>"}`; an option of the menu, which may only have
150 characters, says `change.hold|<ulid>|<first 12 of the fingerprint>`. Both come back through `read_value`.
"""

import json

from bot.domain.card import CardAction, ChangeCard
from bot.domain.change import Change
from bot.domain.identity import short
from bot.domain.lifecycle import State
from bot.domain.meanwhile import what_an_abort_leaves
from bot.slack.blocks.elements import Json, Style, actions, button, confirm, overflow
from bot.slack.blocks.shipment import new_values

MENU = "change.more"
SHORT_FINGERPRINT = 12
_RARE = (CardAction.HOLD, CardAction.WHY, CardAction.LOGS)
_STYLES: dict[CardAction, Style] = {
    CardAction.APPROVE: "primary", CardAction.SYNC: "primary", CardAction.REBUILD: "primary",
    CardAction.REJECT: "danger", CardAction.TERMINATE: "danger",
}  # fmt: skip
_LABELS = {
    CardAction.APPROVE: "Approve", CardAction.REJECT: "Reject…", CardAction.HOLD: "Hold", CardAction.ABORT: "Abort",
    CardAction.SYNC: "Sync", CardAction.DETAILS: "Details", CardAction.REBUILD: "Rebuild",
    CardAction.REVERT: "Revert…", CardAction.DIFF: "Diff", CardAction.WHY: "Why?",
    CardAction.TERMINATE: "Terminate…", CardAction.LOGS: "Logs",
}  # fmt: skip


def buttons(card: ChangeCard) -> Json | None:
    """The card's actions in their order. Two or more rare ones go into a menu, unless one of them comes first."""
    rare = [action for action in card.actions[1:] if action in _RARE]
    menu = rare if len(rare) > 1 else []
    shown = [_button(card, action) for action in card.actions if action not in menu]
    if menu:
        options = [(_label(card.change, action), _short_value(card.change, action)) for action in menu]
        shown.append(overflow(MENU, options))
    return actions(shown)


def value_of(change: Change) -> str:
    """What a button carries: which change, and what its presser saw."""
    return json.dumps({"change": change.id, "fingerprint": change.fingerprint or ""}, separators=(",", ":"))


def read_option(value: str) -> tuple[str, str]:
    """The action id and the value, in the form that buttons have, of a chosen option; a foreign form stays raw."""
    action, _, rest = value.partition("|")
    change, separator, fingerprint = rest.partition("|")
    if not separator:
        return action, rest
    return action, json.dumps({"change": change, "fingerprint": fingerprint}, separators=(",", ":"))


def _button(card: ChangeCard, action: CardAction) -> Json:
    change = card.change
    return button(
        action.value, _label(change, action), value_of(change), style=_STYLES.get(action),
        asks=_confirm(card, action), says=f"{_label(change, action).rstrip('…')} {change.title}",
    )  # fmt: skip


def _label(change: Change, action: CardAction) -> str:
    if action is CardAction.APPROVE and change.merge is not None:
        return "Approve what was merged"
    if action is CardAction.HOLD and change.state is State.HELD:
        return "Lift the hold"
    return _LABELS[action]


def _short_value(change: Change, action: CardAction) -> str:
    return f"{action.value}|{change.id}|{(change.fingerprint or '')[:SHORT_FINGERPRINT]}"


def _confirm(card: ChangeCard, action: CardAction) -> Json | None:
    change = card.change
    match action:
        case CardAction.APPROVE if card.asks_confirmation:
            return confirm(f"Approve {change.title}?", approval_words(change), "Approve")
        case CardAction.ABORT:
            return confirm(f"Abort {change.title}?", _abort_words(change), "Abort it", no="Keep it", style="danger")
        case CardAction.TERMINATE:
            words = "Argo CD stops where it is: what was applied so far stays applied."
            return confirm(f"Terminate the sync of {change.title}?", words, "Terminate", no="Let it run",
                           style="danger")  # fmt: skip
        case _:
            return None


def approval_words(change: Change) -> str:
    """What a yes is for: application, environment and revision by name."""
    what = f"Application {change.application}, environment {change.environment}, "
    if change.merge is not None:
        return what + f"revision {short(change.merge.revision)} as it was merged (#{change.number})."
    if change.proposal is None:
        return what + f"change #{change.number}."
    return what + f"revision {short(change.proposal.head)} (#{change.number}): {new_values(change.proposal.shipment)}."


def _abort_words(change: Change) -> str:
    if change.merge is not None:
        return what_an_abort_leaves(change.merge)
    pull = "The pull request" if change.proposal is not None else "A pull request that was opened already"
    if change.foreign_head is None:
        return f"{pull} is closed and its branch deleted. Nothing is merged."
    if change.state is State.PROPOSING:  # a rebuild: it may have the branch again, or not yet
        return f"{pull} is closed, and its branch deleted unless another's commit is on it. Nothing is merged."
    closed = f"{pull} is closed. " if change.proposal is not None else ""
    return f"{closed}Its branch stays, since somebody else's commit is on it. Nothing is merged."
