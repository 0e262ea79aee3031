"""Block Kit as data: every block, element and composition object with its documented limits."""

from typing import Any

from bot.sandbox.slack.shapes import (
    Problems,
    Shape,
    anything,
    at_least_one,
    boolean,
    exactly_one,
    kinds,
    listed,
    number,
    one_of,
    record,
    text,
    with_rule,
)  # fmt: skip

KIND = {"type": anything}
TEXT_OBJECT = 3_000
ID = text(255)


def plain(most: int, *, least: int = 1) -> Shape:
    return kinds({"plain_text": record({**KIND, "text": text(most, least=least)}, {"emoji": boolean})})


def rich(most: int) -> Shape:
    """A text object of either kind."""
    return kinds({
        "plain_text": record({**KIND, "text": text(most)}, {"emoji": boolean}),
        "mrkdwn": record({**KIND, "text": text(most)}, {"verbatim": boolean}),
    })  # fmt: skip


confirm = record(
    {"title": plain(100), "text": rich(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)


def option(label: Shape, *, url: bool = False) -> Shape:
    extra = {"url": text(3_000)} if url else {}
    return record({"text": label, "value": text(150)}, {"description": rich(75), **extra})


choice = option(plain(75))
marked_choice = option(rich(75))
ASKS = {"action_id": ID, "confirm": confirm}
FOCUS = {"focus_on_load": boolean}
HINTED = {**ASKS, **FOCUS, "placeholder": plain(150)}
GROUPS = listed(record({"label": plain(75), "options": listed(choice, most=100)}), most=100)
DISPATCH = record({}, {"trigger_actions_on": listed(one_of("on_enter_pressed", "on_character_entered"), most=2)})
CONVERSATIONS = record(
    {},
    {
        "include": listed(one_of("im", "mpim", "private", "public")),
        "exclude_external_shared_channels": boolean, "exclude_bot_users": boolean,
    },
)  # fmt: skip


def _choices(required: dict[str, Shape], optional: dict[str, Shape]) -> Shape:
    return with_rule(record({**KIND, **required}, {**HINTED, **optional}), _initial_is_offered)


def _initial_is_offered(problems: Problems, value: Any, at: str) -> None:
    """Slack compares the whole option object, not its value."""
    offered = list(value.get("options") or [])
    for group in value.get("option_groups") or []:
        offered += (group.get("options") or []) if isinstance(group, dict) else []
    wanted = value.get("initial_options") or ([value["initial_option"]] if "initial_option" in value else [])
    if (offered or "options" in value) and isinstance(wanted, list) and any(one not in offered for one in wanted):
        problems.add("initial option must exactly match one of the options", at)


def _typed(**more: Shape) -> Shape:
    return record(
        KIND, {"action_id": ID, **FOCUS, "placeholder": plain(150), "dispatch_action_config": DISPATCH, **more}
    )


MENUS: dict[str, Shape] = {
    "static_select": with_rule(
        _choices({}, {"options": listed(choice, most=100), "option_groups": GROUPS, "initial_option": choice}),
        exactly_one("options", "option_groups"),
    ),
    "multi_static_select": with_rule(
        _choices({}, {
            "options": listed(choice, most=100), "option_groups": GROUPS,
            "initial_options": listed(choice, most=100), "max_selected_items": number(1),
        }),
        exactly_one("options", "option_groups"),
    ),
    "external_select": _choices({}, {"initial_option": choice, "min_query_length": number(0)}),
    "multi_external_select": _choices(
        {},
        {"initial_options": listed(choice), "min_query_length": number(0), "max_selected_items": number(1)},
    ),
    "users_select": _choices({}, {"initial_user": text()}),
    "multi_users_select": _choices({}, {"initial_users": listed(text()), "max_selected_items": number(1)}),
    "conversations_select": _choices({}, {
        "initial_conversation": text(), "default_to_current_conversation": boolean,
        "response_url_enabled": boolean, "filter": CONVERSATIONS,
    }),
    "multi_conversations_select": _choices({}, {
        "initial_conversations": listed(text()), "default_to_current_conversation": boolean,
        "max_selected_items": number(1), "filter": CONVERSATIONS,
    }),
    "channels_select": _choices({}, {"initial_channel": text(), "response_url_enabled": boolean}),
    "multi_channels_select": _choices({}, {"initial_channels": listed(text()), "max_selected_items": number(1)}),
}  # fmt: skip
CHOICES: dict[str, Shape] = {
    "checkboxes": with_rule(
        record({**KIND, "options": listed(marked_choice, most=10)},
               {**ASKS, **FOCUS, "initial_options": listed(marked_choice, most=10)}),
        _initial_is_offered,
    ),
    "radio_buttons": with_rule(
        record({**KIND, "options": listed(marked_choice, most=10)},
               {**ASKS, **FOCUS, "initial_option": marked_choice}),
        _initial_is_offered,
    ),
    "datepicker": record(KIND, {**HINTED, "initial_date": text()}),
    "timepicker": record(KIND, {**HINTED, "initial_time": text(), "timezone": text()}),
    "datetimepicker": record(KIND, {**ASKS, **FOCUS, "initial_date_time": number()}),
}  # fmt: skip
CLICKS: dict[str, Shape] = {
    "button": record({**KIND, "text": plain(75)}, {
        **ASKS, "url": text(3_000), "value": text(2_000, least=0), "style": one_of("primary", "danger"),
        "accessibility_label": text(75), "visible_to_user_ids": listed(text()),
    }),
    "overflow": record({**KIND, "options": listed(option(plain(75), url=True), most=5)}, ASKS),
    "workflow_button": record({**KIND, "text": plain(75), "workflow": anything}, {
        "action_id": ID, "style": one_of("primary", "danger"), "accessibility_label": text(75),
    }),
}  # fmt: skip
FIELDS: dict[str, Shape] = {
    "plain_text_input": _typed(
        initial_value=text(3_000, least=0), multiline=boolean, min_length=number(0, 3_000),
        max_length=number(1, 3_000),
    ),
    "number_input": with_rule(
        _typed(is_decimal_allowed=boolean, initial_value=text(), min_value=text(), max_value=text()),
        lambda problems, value, at: None if "is_decimal_allowed" in value
        else problems.add("missing required field: is_decimal_allowed", at),
    ),
    "email_text_input": _typed(initial_value=text()),
    "url_text_input": _typed(initial_value=text()),
    "rich_text_input": _typed(initial_value=anything),
    "file_input": record(KIND, {"action_id": ID, "filetypes": listed(text()), "max_files": number(1, 10)}),
}  # fmt: skip
IMAGE = with_rule(
    record({**KIND, "alt_text": text(2_000)}, {"image_url": text(3_000), "slack_file": anything}),
    exactly_one("image_url", "slack_file"),
)

action_element = kinds({**CLICKS, **MENUS, **CHOICES})
accessory = kinds({**CLICKS, **MENUS, **CHOICES, "image": IMAGE})
input_element = kinds({**MENUS, **CHOICES, **FIELDS})

_STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_STYLE = record({}, dict.fromkeys(_STYLES, boolean))
_STYLED: dict[str, Shape] = {"style": _STYLE}
rich_text_piece = kinds({
    "text": record({**KIND, "text": text()}, _STYLED),
    "link": record({**KIND, "url": text()}, {"text": text(least=0), "unsafe": boolean, **_STYLED}),
    "emoji": record({**KIND, "name": text()}, {"unicode": text(), "skin_tone": number(), "url": text(), **_STYLED}),
    "user": record({**KIND, "user_id": text()}, _STYLED),
    "usergroup": record({**KIND, "usergroup_id": text()}, _STYLED),
    "channel": record({**KIND, "channel_id": text()}, _STYLED),
    "team": record({**KIND, "team_id": text()}, _STYLED),
    "broadcast": record({**KIND, "range": one_of("here", "channel", "everyone")}, _STYLED),
    "color": record({**KIND, "value": text()}, _STYLED),
    "date": record({**KIND, "timestamp": number(), "format": text()}, {"url": text(), "fallback": text(), **_STYLED}),
})  # fmt: skip
rich_text_section = record({**KIND, "elements": listed(rich_text_piece, least=0)})
rich_text_part = kinds({
    "rich_text_section": rich_text_section,
    "rich_text_list": record(
        {**KIND, "elements": listed(kinds({"rich_text_section": rich_text_section}), least=0),
         "style": one_of("bullet", "ordered")},
        {"indent": number(0, 8), "offset": number(0), "border": number(0, 1)},
    ),
    "rich_text_preformatted": record(
        {**KIND, "elements": listed(rich_text_piece, least=0)}, {"border": number(0, 1), "language": text()}
    ),
    "rich_text_quote": record({**KIND, "elements": listed(rich_text_piece, least=0)}, {"border": number(0, 1)}),
})  # fmt: skip
RICH_TEXT = record({**KIND, "elements": listed(rich_text_part, least=0)}, {"block_id": ID})
_cell = kinds({"raw_text": record({**KIND, "text": text()}), "rich_text": RICH_TEXT})
_column = record({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})


def block(required: dict[str, Shape], optional: dict[str, Shape] | None = None) -> Shape:
    return record({**KIND, **required}, {"block_id": text(255, least=0), **(optional or {})})


BLOCKS: dict[str, Shape] = {
    "section": with_rule(
        block({}, {
            "text": rich(TEXT_OBJECT), "fields": listed(rich(2_000), most=10), "accessory": accessory,
            "expand": boolean,
        }),
        at_least_one("text", "fields"),
    ),
    "divider": block({}),
    "header": block({"text": plain(150)}, {"level": number(1, 4)}),
    "image": with_rule(
        block({"alt_text": text(2_000)},
              {"image_url": text(3_000), "slack_file": anything, "title": plain(2_000)}),
        exactly_one("image_url", "slack_file"),
    ),
    "context": block({"elements": listed(
        kinds({"plain_text": plain(TEXT_OBJECT), "mrkdwn": rich(TEXT_OBJECT), "image": IMAGE}), most=10
    )}),
    "actions": block({"elements": listed(action_element, most=25)}),
    "input": block({"label": plain(2_000), "element": input_element},
                   {"hint": plain(2_000), "optional": boolean, "dispatch_action": boolean}),
    "rich_text": block({"elements": listed(rich_text_part, least=0)}),
    "table": block({"rows": listed(listed(_cell, most=20), most=100)}, {"column_settings": listed(_column, most=20)}),
    "markdown": block({"text": text(12_000)}),
    "video": block(
        {"alt_text": text(), "title": plain(200), "thumbnail_url": text(), "video_url": text()},
        {"author_name": text(50), "description": plain(200), "provider_icon_url": text(), "provider_name": text(),
         "title_url": text()},
    ),
    "file": block({"external_id": text(), "source": one_of("remote")}),
}  # fmt: skip
# Newer blocks that Slack knows and this sandbox does not look into.
UNEXAMINED = frozenset({
    "alert", "auth_provider", "call", "card", "carousel", "container", "context_actions", "data_table",
    "data_visualization", "plan", "task_card",
})  # fmt: skip
BLOCKS |= dict.fromkeys(UNEXAMINED, anything)

MESSAGE_ONLY = frozenset({"markdown", "file", "table", "data_table"})
VIEW_ONLY = frozenset({"alert"})

View = record({"type": anything, "title": plain(24)}, {
    "submit": plain(24), "close": plain(24), "private_metadata": text(3_000, least=0), "callback_id": text(255),
    "clear_on_close": boolean, "notify_on_close": boolean, "external_id": text(255, least=0),
    "submit_disabled": boolean,
})  # fmt: skip
