"""Words as messages: whole where they fit, in order, and quiet where they should be."""

from bot.domain.identity import GroupId, UserId
from bot.domain.text import Code, Mention, Strong, Text
from bot.slack.blocks.limits import message_problems, text_length
from bot.slack.blocks.message import said, without_mentions


def test_short_words_are_one_block() -> None:
    message = said(Text.of(Strong("Hello"), " ", Code("x")))
    assert len(message.blocks) == 1
    assert message.text == "*Hello* `x`"


def test_long_words_are_cut_at_line_ends_into_blocks() -> None:
    lines = [f"line {n} {'word ' * 10}" for n in range(120)]
    message = said(Text.of("\n".join(lines)))
    assert message_problems(message) == []
    shown = "\n".join(e["text"] for b in message.blocks for s in b["elements"] for e in s["elements"])
    assert shown == "\n".join(lines)


def test_too_long_words_say_that_they_are_cut() -> None:
    message = said(Text.of("word " * 5_000))
    assert message_problems(message) == []
    assert text_length(message.blocks) <= 10_001
    assert message.blocks[-1]["elements"][-1]["elements"][-1]["text"].endswith("…")


def test_no_words_are_still_a_message() -> None:
    assert said(Text()).text == "–"


def test_quiet_words_name_nobody_to_ping() -> None:
    quiet = without_mentions(said(Text.of(Mention(UserId("U0DEV1")), " and ", Mention(GroupId("S0PLATFORM")))))
    assert quiet.text == "@U0DEV1 and @S0PLATFORM"
    assert [e["type"] for e in quiet.blocks[0]["elements"][0]["elements"]] == ["text", "text", "text"]
    assert quiet.blocks[0]["block_id"]
