"""The escaping door, piece by piece. Its laws over hostile text are in tests/properties/test_hostile_text.py."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bot.domain.identity import ChannelId, GroupId, UserId
from bot.domain.text import Code, InChannel, Link, Mention, Moment, Plain, Strong, Text
from bot.sandbox.slack.parts import WorkspaceNames
from bot.sandbox.slack.plain import mrkdwn as displayed
from bot.sandbox.slack.workspace import Workspace
from bot.slack.escape import clean, is_web_link, mrkdwn, one_line, plain, rich

NAMES = WorkspaceNames(Workspace())
AT = datetime(2026, 3, 4, 16, 5, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    "typed",
    [
        "<!channel> <@U0DEV1> <https://evil.example.com|click> <!subteam^S0PLATFORM>", "a & b < c > d",
        "*bold* _it_ ~no~",
        "`code` ```block```", "> quoted\n>>> all", ":tada: :+1:", "snake_case_name 2*3*4 a~b~c", "&lt;!here&gt;",
        "**x** __y__ *_~z~_*", "`", "* ", "mailto:a@example.com #general @here",
    ],
)  # fmt: skip
def test_plain_text_reads_as_typed_and_is_no_markup(typed: str) -> None:
    shown = displayed(mrkdwn(Text.of(typed)), NAMES)
    looks = str.maketrans({"∗": "*", "ˍ": "_", "∼": "~", "ˋ": "`", "\u200b": None})
    assert shown.translate(looks) == typed
    assert rich(Text.of(typed)) == [{"type": "text", "text": typed}]


def test_our_own_pieces_become_what_they_are() -> None:
    text = Text.of(
        Mention(UserId("U0DEV1")), " ", Mention(GroupId("S0PLATFORM")), " ", InChannel(ChannelId("C0DEPLOY")), " ",
        Strong("now"), " ", Code("a`b"), " ", Link("https://x.example.com/a b?c=<d>", "PR | 1"), " ", Moment(AT),
    )  # fmt: skip
    assert mrkdwn(text) == (
        "<@U0DEV1> <!subteam^S0PLATFORM> <#C0DEPLOY> *now* `aˋb` "
        "<https://x.example.com/a%20b?c=%3Cd%3E|PR ∣ 1> "
        "<!date^1772633100^{date_short_pretty} at {time}|2026-03-04 14:05 UTC>"
    )
    assert [element["type"] for element in rich(text) if element["type"] != "text"] == [
        "user", "usergroup", "channel", "link", "date",
    ]  # fmt: skip
    assert rich(Text.of(Moment(AT)))[0]["fallback"] == "2026-03-04 14:05 UTC"


@pytest.mark.parametrize("who", ["here", "U1|x", "<!channel>", "U0DEV1> <!here", "system", ""])
def test_a_mention_of_what_is_no_id_is_words(who: str) -> None:
    text = Text.of(Mention(UserId(who)))
    assert "<" not in mrkdwn(text)
    assert all(element["type"] == "text" for element in rich(text))


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "ftp://x.example.com", "https://", "", "x.example.com", "http://[::1", "data:text/html,x"],
)
def test_only_web_addresses_are_links(url: str) -> None:
    assert not is_web_link(url)
    assert mrkdwn(Text.of(Link(url, "label"))) == "label"
    assert rich(Text.of(Link(url, "label"))) == [{"type": "text", "text": "label"}]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a\x00b\x1bc", "a\ufffdb\ufffdc"), ("evil\u202etxt", "evil\ufffdtxt"), ("a\r\nb\u2028c", "a\nb\nc"),
        ("a\n\n\n\n\nb", "a\n\nb"), ("\ud800", "\ufffd"), ("tab\there", "tab here"), ("x\U000e0041y", "xy"),
        ("héllo 👩‍🚀", "héllo 👩‍🚀"),
    ],
)  # fmt: skip
def test_characters_that_deceive_are_made_visible_or_go(typed: str, shown: str) -> None:
    assert clean(typed) == shown


def test_cuts_are_made_before_escaping_and_seen() -> None:
    assert mrkdwn(Text.of("&" * 100), 50) == "&amp;" * 9 + "…"
    assert len(mrkdwn(Text.of("<" * 5_000), 3_000)) <= 3_000
    assert clean("x" * 50, 10) == "x" * 9 + "…"
    assert one_line("a\n b\tc   d") == "a b c d"
    assert one_line("x" * 10, 10) == "x" * 10
    assert one_line("x" * 11, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("blanks", [" " * 800, "\n\t " * 5_000, "\U000e0041" * 800])
def test_what_stands_behind_many_blanks_is_not_gone_without_a_word(blanks: str) -> None:
    assert one_line(f"harmless{blanks}and the rest", 200) == "harmless…"
    assert one_line(f"{'x' * 10}{blanks}rest", 10) == "x" * 9 + "…"
    assert one_line(f"{blanks}rest", 10) == "…"


def test_blanks_at_the_end_are_nothing_that_is_left_out() -> None:
    assert one_line("harmless" + " " * 5_000, 200) == "harmless"
    assert plain(Text.of(Strong("a"), Mention(UserId("U1AB")), Link("https://x.example.com", "l"))) == "a@U1ABl"


def test_what_is_left_out_of_many_pieces_is_seen() -> None:
    shown: Any = rich(Text.of(*[Plain("word ") for _ in range(1_000)]), 100)
    assert sum(len(element["text"]) for element in shown) <= 101
    assert shown[-1]["text"] == "…"


def test_moments_without_a_zone_of_ours_are_utc() -> None:
    assert "2026-01-01 00:00 UTC" in mrkdwn(Text.of(Moment(datetime(2026, 1, 1, tzinfo=UTC))))
