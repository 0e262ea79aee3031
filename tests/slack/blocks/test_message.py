"""Words as messages: whole where they fit, in order, and quiet where they should be."""

from bot.domain.alerts.silence import SilenceRef
from bot.domain.identity import GroupId, UserId
from bot.domain.text import Code, Mention, SilenceButtons, Strong, Text
from bot.slack.blocks.limits import message_problems, text_length
from bot.slack.blocks.message import said, without_mentions
from tests.examples import NOW


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


def test_a_silences_buttons_stand_below_its_line_and_say_no_words() -> None:
    def listed(number: int) -> Text:
        return Text.of(f"\nsilence {number}", SilenceButtons(SilenceRef(source="a", id=f"s-{number}", ends_at=NOW)))

    message = said(Text.of("2 silences:", listed(1), listed(2), "\nPage 1 of 2"))
    assert message_problems(message) == []
    assert [block["type"] for block in message.blocks] == ["rich_text", "actions", "rich_text", "actions", "rich_text"]
    texts = [b["elements"][0]["elements"] for b in message.blocks if b["type"] == "rich_text"]
    assert ["".join(e["text"] for e in elements) for elements in texts] == [
        "2 silences:\nsilence 1", "silence 2", "Page 1 of 2",
    ]  # fmt: skip
    labels = [e["text"]["text"] for b in message.blocks if b["type"] == "actions" for e in b["elements"]]
    assert labels == ["Extend…", "Expire"] * 2
    assert message.text == "2 silences:\nsilence 1\nsilence 2\nPage 1 of 2"
