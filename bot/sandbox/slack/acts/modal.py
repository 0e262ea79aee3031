"""A person fills in a modal, closes it, or searches in one of its menus."""

from typing import Any

from pydantic import Field

from bot.sandbox.control.http import Body, ControlError
from bot.sandbox.slack.acts.inputs import chosen, current_values, pick_option
from bot.sandbox.slack.acts.persons import acting_user, the_view
from bot.sandbox.slack.blocks import validate_view
from bot.sandbox.slack.elements import Placed, interactive, options_of
from bot.sandbox.slack.interactions import Interaction
from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.modals import ModalRefused, View
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.payloads import block_suggestion, view_closed, view_submission
from bot.sandbox.slack.plain import text_object
from bot.sandbox.slack.workspace import User

EMPTY: tuple[Any, ...] = (None, "", [])


class Submit(Body):
    user: str
    view_id: str
    values: dict[str, str | list[str] | int | float | None] = Field(default_factory=dict)
    force: bool = False


class Close(Body):
    user: str
    view_id: str
    force: bool = False


class Search(Body):
    user: str
    view_id: str
    action_id: str
    query: str = ""


async def submit(parts: Parts, body: Submit) -> Json:
    """Send the modal. Slack itself refuses what is missing, too long or not offered (422)."""
    user = acting_user(parts, body.user, force=body.force)
    view = the_view(parts, body.view_id, user)
    values = await _filled_in(parts, user, view, body.values)
    acts: list[Interaction] = []

    def build(base: str) -> Json:
        acts.append(parts.interactions.begin(user.id, view_id=view.id))
        return view_submission(user, view, acts[-1], values)

    acknowledged = await parts.deliveries.deliver("submit", "interactive", user.id, build)
    if acknowledged is None:
        return {"ack": None}
    ack = acknowledged.as_json()
    if not acknowledged.is_good:  # as an answer that Slack cannot make sense of
        return {"ack": {**ack, "error": "http_error"}}
    return {"ack": ack, **_respond(parts, view, acknowledged.answer, ack)}


async def close(parts: Parts, body: Close) -> Json:
    """Press [Cancel] or the cross. The bot hears of it if it asked to (`notify_on_close`)."""
    user = acting_user(parts, body.user, force=body.force)
    view = the_view(parts, body.view_id, user)
    parts.modals.close(view)
    parts.touched()
    if not view.payload.get("notify_on_close"):
        return {"ack": None}
    acknowledged = await parts.deliveries.deliver(
        "close", "interactive", user.id, lambda _: view_closed(user, view, is_cleared=False)
    )
    return {"ack": acknowledged.as_json() if acknowledged else None}


async def search(parts: Parts, body: Search) -> Json:
    """Type into a menu whose options come from the bot; what it offers."""
    user = acting_user(parts, body.user, force=False)
    view = the_view(parts, body.view_id, user)
    placed = next((p for p in interactive(view.payload["blocks"]) if p.action_id == body.action_id), None)
    if placed is None:
        raise ControlError(404, "no_such_action", f"the modal has no {body.action_id}", "action_id")
    offered = await _offered(parts, user, view, placed, body.query)
    return {"options": [{"label": text_object(o.get("text"), parts.names), "value": o.get("value")} for o in offered]}


async def _filled_in(parts: Parts, user: User, view: View, given: dict[str, Any]) -> Json:
    blocks: list[Json] = view.payload["blocks"]
    values = current_values(blocks)
    fields = {str(b["block_id"]): b for b in blocks if b.get("type") == "input"}
    for name, value in given.items():
        block_id = _block_of(parts, fields, name)
        element = fields[block_id]["element"]
        placed = Placed(block_id, element)
        answer = await _answer(parts, user, view, placed, value, name)
        values[block_id] = {placed.action_id: {"type": element["type"], **answer}}
    for block_id, block in fields.items():
        reported = values[block_id][block["element"]["action_id"]]
        if not block.get("optional") and all(value in EMPTY for key, value in reported.items() if key != "type"):
            label = text_object(block.get("label"), parts.names)
            raise ControlError(422, "required_input", f"{label!r} must be filled in", block_id)
    return values


def _block_of(parts: Parts, fields: dict[str, Json], name: str) -> str:
    if name in fields:
        return name
    for block_id, block in fields.items():
        if name in (text_object(block.get("label"), parts.names), block["element"].get("action_id")):
            return block_id
    raise ControlError(404, "no_such_input", f"the modal has no input {name!r}", f"values.{name}")


async def _answer(parts: Parts, user: User, view: View, placed: Placed, value: Any, name: str) -> Json:
    kind = str(placed.element["type"])
    field = f"values.{name}"
    if not kind.endswith("external_select"):
        return chosen(parts, placed.element, value, field)
    wanted = [] if value in EMPTY else [str(one) for one in value] if isinstance(value, list) else [str(value)]
    picked = []
    for one in wanted:
        known = [option for option in _known_options(placed.element) if option.get("value") == one]
        offered = known or await _offered(parts, user, view, placed, one)
        picked.append(pick_option(offered, one, parts.names, field))
    if kind.startswith("multi_"):
        return {"selected_options": picked}
    return {"selected_option": picked[0] if picked else None}


def _known_options(element: Json) -> list[Json]:
    first = element.get("initial_option")
    return [*(element.get("initial_options") or []), *([first] if first else [])]


async def _offered(parts: Parts, user: User, view: View, placed: Placed, query: str) -> list[Json]:
    if not str(placed.element["type"]).endswith("external_select"):
        return options_of(placed.element)
    acknowledged = await parts.deliveries.deliver(
        "options", "interactive", user.id,
        lambda _: block_suggestion(user, view, placed.block_id, placed.action_id, query),
    )  # fmt: skip
    return options_of(acknowledged.answer) if acknowledged and isinstance(acknowledged.answer, dict) else []


def _respond(parts: Parts, view: View, answer: Any, ack: Json) -> Json:
    """Do what the bot answered a submission with."""
    action = answer.get("response_action") if isinstance(answer, dict) else None
    try:
        match action:
            case None:
                parts.modals.close(view)
                return {}
            case "clear":
                parts.modals.close_all(view.user)
                return {"response_action": "clear"}
            case "errors":
                return {"response_action": "errors", "errors": _errors(view, answer)}
            case "update":
                _refuse_bad_view(answer.get("view"))
                parts.modals.update(view.id, None, None, answer["view"])
                return {"response_action": "update", "view_id": view.id}
            case "push":
                _refuse_bad_view(answer.get("view"))
                return {"response_action": "push", "view_id": parts.modals.push(view.user, answer["view"]).id}
        raise ModalRefused("unknown_response_action")
    except ModalRefused as refused:
        # A person sees "We had some trouble connecting"; the modal stays as it was.
        ack["error"] = str(refused)
        return {}
    finally:
        parts.touched()


def _errors(view: View, answer: Json) -> Json:
    errors = answer.get("errors")
    inputs = {block["block_id"] for block in view.payload["blocks"] if block.get("type") == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise ModalRefused("invalid_errors: they name blocks that are no inputs of this view")
    return errors


def _refuse_bad_view(payload: Any) -> None:
    if problems := validate_view(payload):
        raise ModalRefused(f"invalid_arguments: {problems[0]}")
