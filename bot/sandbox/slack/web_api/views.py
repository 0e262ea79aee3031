"""views.*: opening, pushing and updating modals."""

from bot.sandbox.slack.blocks import validate_view
from bot.sandbox.slack.interactions import Interaction, TriggerRefused
from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.modals import ModalRefused
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.web_api.call import Call, Method, SlackError, invalid


def open_view(parts: Parts, call: Call) -> Json:
    payload = _payload(call)
    act = _spend_trigger(parts, call)
    try:
        view = parts.modals.open(act.user, payload)
    except ModalRefused as refused:
        raise SlackError(str(refused)) from None
    return _shown(parts, act, view.id)


def push_view(parts: Parts, call: Call) -> Json:
    payload = _payload(call)
    act = _spend_trigger(parts, call)
    try:
        view = parts.modals.push(act.user, payload)
    except ModalRefused as refused:
        raise SlackError(str(refused)) from None
    return _shown(parts, act, view.id)


def update_view(parts: Parts, call: Call) -> Json:
    payload = _payload(call)
    if not call.has("view_id") and not call.has("external_id"):
        raise invalid("invalid_arguments", ["must define either `view_id` or `external_id` [json-pointer:]"])
    try:
        view = parts.modals.update(call.text("view_id"), call.text("external_id"), call.text("hash"), payload)
    except ModalRefused as refused:
        raise SlackError(str(refused)) from None
    parts.touched()
    return {"view": view.as_slack()}


def _payload(call: Call) -> Json:
    payload = call.structure("view", "invalid_arguments")
    if problems := validate_view(payload):
        raise invalid("invalid_arguments", problems)
    checked: Json = payload
    return checked


def _spend_trigger(parts: Parts, call: Call) -> Interaction:
    try:
        return parts.interactions.spend_trigger(call.required("trigger_id"))
    except TriggerRefused as refused:
        raise SlackError(refused.error) from None


def _shown(parts: Parts, act: Interaction, view_id: str) -> Json:
    act.opened_view = view_id
    act.answered.set()
    parts.touched()
    view = parts.modals.find(view_id)
    return {"view": view.as_slack() if view else None}


METHODS = {
    "views.open": Method(open_view),
    "views.push": Method(push_view),
    "views.update": Method(update_view),
}
