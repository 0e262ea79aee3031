"""What a pressed button or submitted dialog means: which change, which fingerprint, which act."""

import json
from dataclasses import dataclass

from bot.chat.command import Services
from bot.domain.card import CardAction
from bot.domain.identity import ChangeId, is_change_id
from bot.domain.incoming import Incoming, IncomingKind
from bot.domain.request import Answer
from bot.domain.text import Code, Text
from bot.services.access import Action, Forbidden
from bot.services.deciding import no_such_change

NEEDS = {
    CardAction.APPROVE: Action.APPROVE,
    CardAction.REJECT: Action.REJECT,
    CardAction.HOLD: Action.ABORT,
    CardAction.ABORT: Action.ABORT,
    CardAction.SYNC: Action.SYNC,
    CardAction.REBUILD: Action.PROMOTE,
    CardAction.TERMINATE: Action.SYNC,
    CardAction.DETAILS: Action.GET,
    CardAction.DIFF: Action.GET,
    CardAction.WHY: Action.GET,
}
"""The right that each button takes; the services ask for it, this roster is what the test walks over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicked:
    """What is meant. `name` is the change's ULID (or its number, where it was typed); `fingerprint` whole or begun."""

    name: str
    change: ChangeId | None
    fingerprint: str = ""


def clicked_on(incoming: Incoming) -> Clicked | None:
    """Read a button's JSON value or an overflow option's `<action>|<ulid>|<fingerprint>`; None when it is neither.

    The value is a key to look up, never an authority: what may be done is decided from our own rows.
    """
    value = incoming.value
    if value.startswith("{"):
        try:
            data = json.loads(value)
        except ValueError:
            return None
        change, fingerprint = data.get("change"), data.get("fingerprint", "")
    else:
        parts = value.split("|")
        if parts and parts[0] in {action.value for action in CardAction}:
            parts = parts[1:]
        change, fingerprint = (parts[0] if parts else None), (parts[1] if len(parts) > 1 else "")
    if not isinstance(change, str) or not is_change_id(change) or not isinstance(fingerprint, str):
        return None
    return Clicked(name=change, change=ChangeId(change), fingerprint=fingerprint)


def unknown_button() -> Answer:
    words = Text.of("This button is no longer known. Look at the newest card, or type ", Code("/gitops status"), ".")
    return Answer.refusal("unknown-button", words)


async def act(incoming: Incoming, services: Services) -> Answer:
    """Do what was clicked or submitted. The services check, store and answer."""
    clicked = clicked_on(incoming)
    if clicked is None or clicked.change is None:
        return unknown_button()
    request, change, decisions = incoming.request, clicked.change, services.decisions
    match CardAction(incoming.action):
        case CardAction.APPROVE:
            return await decisions.approve(request, change, clicked.fingerprint)
        case CardAction.REJECT:
            return await decisions.reject(request, change, incoming.fields.get("reason", "").strip())
        case CardAction.ABORT:
            return await decisions.abort(request, change)
        case CardAction.HOLD:
            return await decisions.hold(request, change)
        case CardAction.SYNC:
            return await decisions.sync(request, change)
        case CardAction.REBUILD:
            return await decisions.rebuild(request, change)
        case CardAction.TERMINATE:
            return await decisions.terminate(request, change)
        case CardAction.WHY:
            return await _why(incoming, services, clicked)
        case _:
            kind = "dialog" if incoming.kind is IncomingKind.SUBMISSION else "button"
            return Answer.refusal("unknown-button", Text.of(f"This {kind} is not known yet."))


async def _why(incoming: Incoming, services: Services, clicked: Clicked) -> Answer:
    change = await services.reports.find_change(clicked.name)
    if change is None:
        return no_such_change(clicked.name)
    permit = await services.reports.may_see(incoming.user, change)
    if isinstance(permit, Forbidden):
        return Answer.refusal(permit.slug, permit.text, change.id)
    return Answer.done(await services.reports.why(change), change.id)
