"""Block Kit as Slack takes it: every documented limit from both sides, and the undocumented total."""

from typing import Any

import pytest

from bot.sandbox.slack.blocks import text_length, validate_message_blocks, validate_view

Json = dict[str, Any]


def plain(words: str = "x") -> Json:
    return {"type": "plain_text", "text": words}


def mrkdwn(words: str = "x") -> Json:
    return {"type": "mrkdwn", "text": words}


def button(**more: Any) -> Json:
    return {"type": "button", "action_id": "go", "text": plain(), **more}


def option(value: str = "v", **more: Any) -> Json:
    return {"text": plain(), "value": value, **more}


def section(**more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def confirm(**more: Any) -> Json:
    return {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain(), **more}


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "pick", "options": [option()], **more}


def view(*blocks: Json, **more: Any) -> Json:
    return {"type": "modal", "title": plain(), "blocks": list(blocks) or [section()], **more}


def an_input(element: Json | None = None, **more: Any) -> Json:
    return {"type": "input", "label": plain(), "element": element or {"type": "plain_text_input"}, **more}


def buttons(count: int) -> list[Json]:
    return [button(action_id=f"b{n}") for n in range(count)]


IMAGE: Json = {"type": "image", "image_url": "https://example.com/i.png", "alt_text": "i"}

ACCEPTED: list[Json] = [
    section(text=mrkdwn("x" * 3_000)),
    section(fields=[mrkdwn("x" * 1_000)] * 10),
    {"type": "section", "fields": [mrkdwn()], "expand": True},
    section(accessory=button(value="v" * 2_000, url="https://example.com", style="danger", confirm=confirm())),
    {"type": "header", "text": plain("x" * 150), "block_id": "b" * 255},
    {"type": "context", "elements": [mrkdwn()] * 9 + [IMAGE]},
    actions(*buttons(25)),
    actions({"type": "overflow", "action_id": "more", "options": [option(str(n)) for n in range(5)]}),
    actions(select(initial_option=option())),
    actions({"type": "static_select", "option_groups": [{"label": plain(), "options": [option()]}]}),
    actions({"type": "datepicker", "action_id": "d", "initial_date": "2026-01-01"}),
    {"type": "divider"},
    {"type": "image", "image_url": "https://example.com/i.png", "alt_text": "a picture", "title": plain()},
    {"type": "rich_text", "elements": [
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "log"}]},
        {"type": "rich_text_list", "style": "bullet", "elements": [
            {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U1"},
             {"type": "text", "text": "x", "style": {"bold": True}}]}]},
    ]},
    {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]},
    {"type": "markdown", "text": "**x**"},
    an_input(),
]  # fmt: skip

REFUSED: list[tuple[Any, str]] = [
    ({"type": "nonsense"}, "unsupported type: nonsense [json-pointer:/blocks/0/type]"),
    ({}, "missing required field: type [json-pointer:/blocks/0]"),
    ("text", "must provide an object [json-pointer:/blocks/0]"),
    ({"type": "section"}, "must define either `text` or `fields` [json-pointer:/blocks/0]"),
    (section(colour="red"), "invalid additional property: colour [json-pointer:/blocks/0]"),
    (section(text=mrkdwn("x" * 3_001)), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    (section(text=mrkdwn("")), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    (section(text={"type": "html", "text": "x"}), "unsupported type: html [json-pointer:/blocks/0/text/type]"),
    (section(text={**plain(), "verbatim": True}),
     "invalid additional property: verbatim [json-pointer:/blocks/0/text]"),
    (section(fields=[mrkdwn()] * 11), "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
    (section(fields=[mrkdwn("x" * 2_001)]), "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"),
    (section(block_id="b" * 256), "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
    ({"type": "header", "text": mrkdwn()}, "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
    ({"type": "header", "text": plain("x" * 151)},
     "must be less than 151 characters [json-pointer:/blocks/0/text/text]"),
    ({"type": "context", "elements": [mrkdwn()] * 11},
     "no more than 10 items allowed [json-pointer:/blocks/0/elements]"),
    ({"type": "context", "elements": []}, "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
    (actions(*buttons(26)), "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
    (actions(), "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
    (actions(button(text=plain("x" * 76))),
     "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"),
    (actions(button(text=mrkdwn())), "unsupported type: mrkdwn [json-pointer:/blocks/0/elements/0/text/type]"),
    (actions(button(value="v" * 2_001)), "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]"),
    (actions(button(url="u" * 3_001)), "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]"),
    (actions(button(action_id="a" * 256)),
     "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]"),
    (actions(button(accessibility_label="a" * 76)),
     "must be less than 76 characters [json-pointer:/blocks/0/elements/0/accessibility_label]"),
    (actions(button(style="loud")), "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]"),
    (actions(button(disabled=True)), "invalid additional property: disabled [json-pointer:/blocks/0/elements/0]"),
    (actions(button(confirm=confirm(title=plain("x" * 101)))),
     "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]"),
    (actions(button(confirm=confirm(text=plain("x" * 301)))),
     "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]"),
    (actions(button(confirm=confirm(deny=plain("x" * 31)))),
     "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/deny/text]"),
    (actions(button(), button()),
     '`action_id` "go" already exists for this block [json-pointer:/blocks/0/elements/1/action_id]'),
    (actions({"type": "plain_text_input"}),
     "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]"),
    (actions({"type": "overflow", "options": [option(str(n)) for n in range(6)]}),
     "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]"),
    (actions(select(options=[option(str(n)) for n in range(101)])),
     "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]"),
    (actions(select(options=[option("v" * 151)])),
     "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]"),
    (actions(select(options=[option(description=plain("x" * 76))])),
     "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/description/text]"),
    (actions(select(initial_option=option("other"))),
     "initial option must exactly match one of the options [json-pointer:/blocks/0/elements/0]"),
    (actions({"type": "static_select"}),
     "must define either `options` or `option_groups` [json-pointer:/blocks/0/elements/0]"),
    (actions({"type": "checkboxes", "options": [option(str(n)) for n in range(11)]}),
     "no more than 10 items allowed [json-pointer:/blocks/0/elements/0/options]"),
    ({"type": "image", "alt_text": "x"}, "must define either `image_url` or `slack_file` [json-pointer:/blocks/0]"),
    ({"type": "image", "image_url": "u"}, "missing required field: alt_text [json-pointer:/blocks/0]"),
    ({"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]},
     "must be more than 0 characters [json-pointer:/blocks/0/rows/0/0/text]"),
    ({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * 101},
     "no more than 100 items allowed [json-pointer:/blocks/0/rows]"),
    ({"type": "alert"}, "unsupported type: alert [json-pointer:/blocks/0/type]"),
    (an_input({"type": "plain_text_input", "max_length": 3_001}),
     "must be at most 3000 [json-pointer:/blocks/0/element/max_length]"),
    (an_input({"type": "number_input"}),
     "missing required field: is_decimal_allowed [json-pointer:/blocks/0/element]"),
    (an_input(button()), "unsupported type: button [json-pointer:/blocks/0/element/type]"),
    (an_input(optional="yes"), "must provide a boolean [json-pointer:/blocks/0/optional]"),
    (an_input(label=plain("x" * 2_001)), "must be less than 2001 characters [json-pointer:/blocks/0/label/text]"),
    ({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "shout"}]}]},
     "unsupported type: shout [json-pointer:/blocks/0/elements/0/elements/0/type]"),
]  # fmt: skip


@pytest.mark.parametrize("block", ACCEPTED, ids=lambda block: str(block["type"]))
def test_what_slack_takes(block: Json) -> None:
    assert validate_message_blocks([block]) == []


@pytest.mark.parametrize(("block", "problem"), REFUSED, ids=[problem[:60] for _, problem in REFUSED])
def test_what_slack_refuses(block: Any, problem: str) -> None:
    assert problem in validate_message_blocks([block])


def test_limits_of_the_whole_message() -> None:
    assert validate_message_blocks("x") == ["must provide an array [json-pointer:/blocks]"]
    assert validate_message_blocks([section()] * 50) == []
    assert validate_message_blocks([section()] * 51) == ["no more than 50 items allowed [json-pointer:/blocks]"]
    twice = [section(block_id="b"), section(block_id="b")]
    assert validate_message_blocks(twice) == ['`block_id` "b" already exists [json-pointer:/blocks/1/block_id]']
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}
    assert validate_message_blocks([table, table]) == ["only_one_table_allowed [json-pointer:/blocks]"]
    assert validate_message_blocks([actions(button()), actions(button())]) == []


def test_the_undocumented_total() -> None:
    blocks = [section(text=mrkdwn("x" * 2_600))] * 5
    assert text_length(blocks) == 13_000
    assert validate_message_blocks(blocks) == []
    (problem,) = validate_message_blocks([*blocks, section()])
    assert problem.startswith("msg_blocks_too_long")


def test_a_modal_that_slack_takes() -> None:
    full = view(
        *[section() for _ in range(98)], an_input(), {"type": "alert"}, title=plain("x" * 24), submit=plain("x" * 24),
        close=plain("x" * 24), private_metadata="x" * 3_000, callback_id="c" * 255, notify_on_close=True,
    )  # fmt: skip
    assert validate_view(full) == []


@pytest.mark.parametrize(
    ("modal", "problem"),
    [
        ("x", "must provide an object [json-pointer:/view]"),
        ({"type": "modal", "title": plain()}, "missing required field: blocks [json-pointer:/view]"),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        (view(type="home"), "must be a valid enum value [json-pointer:/view/type]"),
        (view(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (view(submit=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
        (view(close=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/close/text]"),
        (view(private_metadata="x" * 3_001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (view(callback_id="x" * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
        (view(colour="red"), "invalid additional property: colour [json-pointer:/view]"),
        (view(*[section()] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (view(an_input()), "must have a submit button because there is an input block [json-pointer:/view]"),
        (view({"type": "markdown", "text": "x"}), "unsupported type: markdown [json-pointer:/view/blocks/0/type]"),
        (view({"type": "nonsense"}), "unsupported type: nonsense [json-pointer:/view/blocks/0/type]"),
    ],
)
def test_a_modal_that_slack_refuses(modal: Any, problem: str) -> None:
    assert problem in validate_view(modal)
