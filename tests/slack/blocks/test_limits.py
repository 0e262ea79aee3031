"""The check of Slack's limits finds what Slack would refuse."""

from typing import Any

import pytest

from bot.domain.text import Text
from bot.slack.blocks.elements import actions, button, confirm, header, lines, named, overflow, plain_text
from bot.slack.blocks.limits import message_problems, view_problems
from bot.slack.blocks.message import RenderedMessage

Block = dict[str, Any]


def long(kind: str, length: int) -> Block:
    return {"type": kind, "text": {"type": "plain_text", "text": "x" * length}}


def section(length: int) -> Block:
    return long("section", length)


BAD: dict[str, list[Block | None]] = {
    "header has 151": [long("header", 151)],
    "section has 3001": [section(3_001)],
    "blocks: 51": [section(1)] * 51,
    "all blocks together": [section(2_900)] * 5,
    "button has 76": [actions([{**button("a", "b", "v"), "text": {"type": "plain_text", "text": "x" * 76}}])],
    "button value has 2001": [actions([button("a", "b", "v" * 2_001)])],
    "action elements: 26": [actions([button(f"a{n}", "b", "v") for n in range(26)])],
    "action_id is not unique": [actions([button("a", "b", "v"), button("a", "c", "v")])],
    "option value has 151": [actions([overflow("m", [("label", "v" * 151)])])],
    "overflow options: 6": [actions([overflow("m", [("label", str(n)) for n in range(6)])])],
    "confirm text has 301": [actions([button("a", "b", "v", asks={
        **confirm("t", "x", "y"), "text": {"type": "plain_text", "text": "x" * 301}
    })])],
    "context elements: 11": [{"type": "context", "elements": [plain_text("x", 9)] * 11}],
}  # fmt: skip


@pytest.mark.parametrize("problem", BAD)
def test_too_much_is_found(problem: str) -> None:
    found = message_problems(RenderedMessage(text="text", blocks=named(BAD[problem])))
    assert any(problem in line for line in found), found


def test_double_block_ids_and_missing_text_are_found() -> None:
    twice = [{**section(1), "block_id": "one"}, {**section(1), "block_id": "one"}]
    assert message_problems(RenderedMessage(text="", blocks=twice)) == [
        "fallback text has 0 characters, 4000 are allowed", "block_id is not unique",
    ]  # fmt: skip


def test_a_good_message_has_no_problems() -> None:
    good = named(
        [header("Hello"), lines(Text.of("world")), actions([button("a", "b", "v", asks=confirm("t", "x", "y"))])]
    )
    assert message_problems(RenderedMessage(text="Hello", blocks=good)) == []


def test_a_view_with_an_input_needs_a_submit_button() -> None:
    asked = {"type": "input", "label": plain_text("Why?", 100), "element": {"type": "plain_text_input"}}
    bad = {
        "type": "modal",
        "title": plain_text("t" * 24, 24),
        "blocks": named([asked]),
        "private_metadata": "x" * 3_001,
    }
    assert view_problems(bad) == [
        "private_metadata has 3001 characters, 3000 are allowed", "an input block needs a submit button",
    ]  # fmt: skip
