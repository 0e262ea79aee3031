"""The inputs of a modal: what they offer, and what filling them in means for `state.values`."""

import re
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.control.http import ControlError
from bot.sandbox.slack.acts.persons import the_channel, the_user
from bot.sandbox.slack.elements import interactive, options_of
from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.plain import Names, text_object

TYPED = frozenset({"plain_text_input", "number_input", "email_text_input", "url_text_input"})
NOT_INPUT = frozenset({"button", "overflow", "workflow_button"})
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
TIME = re.compile(r"\d{2}:\d{2}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def listed_inputs(blocks: list[Json], names: Names) -> list[Json]:
    """The input blocks as the control API lists them."""
    shown = []
    for block in blocks:
        element = block.get("element")
        if block.get("type") != "input" or not isinstance(element, dict):
            continue
        shown.append({
            "block_id": block["block_id"], "action_id": element["action_id"],
            "label": text_object(block.get("label"), names), "type": element["type"],
            "options": [
                {"label": text_object(option.get("text"), names), "value": option.get("value")}
                for option in options_of(element)
            ],
            "initial": initial(element), "optional": bool(block.get("optional", False)),
            "placeholder": text_object(element.get("placeholder"), names) or None,
            "max_length": element.get("max_length"),
        })  # fmt: skip
    return shown


def initial(element: Json) -> Any:
    """What stands in the field before anybody touches it: text, an option's value, or a list of values."""
    if "initial_options" in element:
        return [option.get("value") for option in element["initial_options"]]
    if "initial_option" in element:
        return element["initial_option"].get("value")
    return next((value for key, value in element.items() if key.startswith("initial_")), None)


def current_values(blocks: list[Json]) -> Json:
    """`state.values` as it stands before anybody fills anything in."""
    values: Json = {}
    for placed in interactive(blocks):
        if placed.element["type"] not in NOT_INPUT:
            values.setdefault(placed.block_id, {})[placed.action_id] = _untouched(placed.element)
    return values


def chosen(parts: Parts, element: Json, value: Any, field: str) -> Json:
    """What an element reports once `value` (text, an option's value or label, or a list) is chosen in it.

    Raises `ControlError` 422 for what the element does not let a person choose.
    """
    kind = str(element["type"])
    several = kind.startswith("multi_") or kind == "checkboxes"
    wanted = _as_list(value) if several else value
    if kind.endswith("static_select") or kind in {"checkboxes", "radio_buttons"}:
        if several:
            return {"selected_options": [_option(parts, element, one, field) for one in wanted]}
        return {"selected_option": None if wanted in (None, "") else _option(parts, element, str(wanted), field)}
    if kind.endswith("external_select"):
        raise ControlError(422, "needs_options", "ask for the options of this menu first", field)
    if kind.endswith("users_select"):
        return _resolved("user", several, wanted, lambda name: the_user(parts, name).id)
    if kind.endswith(("conversations_select", "channels_select")):
        noun = "conversation" if "conversations" in kind else "channel"
        return _resolved(noun, several, wanted, lambda name: the_channel(parts, name).id)
    return _entered(kind, element, wanted, field)


def _entered(kind: str, element: Json, value: Any, field: str) -> Json:
    text = None if value in (None, "") else str(value)
    match kind:
        case "datepicker":
            return {"selected_date": _matching(DATE, text, "a date (YYYY-MM-DD)", field)}
        case "timepicker":
            return {"selected_time": _matching(TIME, text, "a time (HH:MM)", field)}
        case "datetimepicker":
            return {"selected_date_time": _epoch(text, field)}
        case "email_text_input":
            return {"value": _matching(EMAIL, text, "an e-mail address", field)}
        case "number_input":
            return {"value": _number(element, text, field)}
    if text is not None:
        least, most = element.get("min_length", 0), element.get("max_length", 3_000)
        if not least <= len(text) <= most:
            raise ControlError(422, "wrong_length", f"{least} to {most} characters fit, there are {len(text)}", field)
    return {"value": text}


def _untouched(element: Json) -> Json:
    kind = str(element["type"])
    if "external_select" not in kind and kind not in {"rich_text_input", "file_input"}:
        keys = {
            "static_select": "selected_option", "radio_buttons": "selected_option", "datepicker": "selected_date",
            "multi_static_select": "selected_options", "checkboxes": "selected_options",
            "timepicker": "selected_time", "datetimepicker": "selected_date_time", "users_select": "selected_user",
            "multi_users_select": "selected_users", "conversations_select": "selected_conversation",
            "multi_conversations_select": "selected_conversations", "channels_select": "selected_channel",
            "multi_channels_select": "selected_channels",
        }  # fmt: skip
        key = keys.get(kind, "value")
    else:
        key = {"external_select": "selected_option", "multi_external_select": "selected_options"}.get(kind, "value")
    empty: Any = [] if key.endswith("s") else None
    first = next((value for name, value in element.items() if name.startswith("initial_")), empty)
    return {"type": kind, key: first}


def _option(parts: Parts, element: Json, wanted: str, field: str) -> Json:
    return pick_option(options_of(element), wanted, parts.names, field)


def pick_option(offered: list[Json], wanted: str, names: Names, field: str) -> Json:
    """The option of that value, or else of that label. Raises `ControlError` 422."""
    by_value = (option for option in offered if option.get("value") == wanted)
    by_label = (option for option in offered if text_object(option.get("text"), names) == wanted)
    found = next(by_value, None) or next(by_label, None)
    if found is None:
        raise ControlError(422, "no_such_option", f"{wanted!r} is not offered", field)
    return found


def _resolved(noun: str, several: bool, wanted: Any, resolve: Any) -> Json:
    if several:
        return {f"selected_{noun}s": [resolve(name) for name in wanted]}
    return {f"selected_{noun}": None if wanted in (None, "") else resolve(str(wanted))}


def _matching(pattern: re.Pattern[str], text: str | None, what: str, field: str) -> str | None:
    if text is not None and pattern.fullmatch(text) is None:
        raise ControlError(422, "wrong_format", f"{text!r} is not {what}", field)
    return text


def _epoch(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    if text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ControlError(422, "wrong_format", f"{text!r} is not a time", field) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _number(element: Json, text: str | None, field: str) -> str | None:
    if text is None:
        return None
    try:
        number = float(text) if element.get("is_decimal_allowed") else int(text)
    except ValueError:
        raise ControlError(422, "wrong_format", f"{text!r} is not a number", field) from None
    if number < float(element.get("min_value", "-inf")) or number > float(element.get("max_value", "inf")):
        raise ControlError(422, "wrong_format", f"{text} is out of range", field)
    return text


def _as_list(value: Any) -> list[str]:
    if value in (None, ""):
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
