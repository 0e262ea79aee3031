"""What we say, before any markup."""

from datetime import timedelta

import pytest

from bot.domain.identity import ChannelId, UserId
from bot.domain.text import (
    Code,
    InChannel,
    Link,
    Mention,
    Moment,
    Part,
    Plain,
    Strong,
    Text,
    counted,
    listed,
    marked,
    readable,
    shortened,
    spoken,
)
from tests.examples import NOW


def test_pieces_are_joined_and_strings_are_plain() -> None:
    inner = Text.of("a ", Strong("b"))
    assert Text.of(inner, " c", Text()) == Text((Plain("a "), Strong("b"), Plain(" c")))


def test_plain_words_of_every_part() -> None:
    text = Text.of(
        "by ", Mention(UserId("U0DEV1")), " in ", InChannel(ChannelId("C0DEPLOY")), " at ", Moment(NOW), ": ",
        Code("x"), " ", Strong("y"), " ", Link("https://example.com", "z"),
    )  # fmt: skip
    assert text.plain == "by @U0DEV1 in #C0DEPLOY at 2026-03-04 14:05 UTC: x y z"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a and b"),
        (("a", "b", "c"), "a, b and c"),
        (tuple("abcde"), "a, b, c, d and e"),
        (tuple("abcdefg"), "a, b, c, d, e and 2 more"),
    ],
)
def test_listed(words: tuple[str, ...], says: str) -> None:
    assert listed(words) == says


def test_listed_counts_the_rest_beyond_most() -> None:
    assert listed(("a", "b", "c"), most=1) == "a and 2 more"


@pytest.mark.parametrize(("number", "says"), [(0, "0 commits"), (1, "1 commit"), (2, "2 commits")])
def test_counted(number: int, says: str) -> None:
    assert counted(number, "commit") == says
    assert counted(2, "reply", "replies") == "2 replies"


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (timedelta(seconds=45), "45 s"),
        (timedelta(0), "0 s"),
        (timedelta(seconds=-5), "0 s"),
        (timedelta(minutes=6), "6 min"),
        (timedelta(hours=3, minutes=5), "3 h 5 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=2, hours=4, minutes=59), "2 days 4 h"),
    ],
)
def test_spoken(length: timedelta, says: str) -> None:
    assert spoken(length) == says


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("after `a` is `=` or `~`", (Plain("after "), Code("a"), Plain(" is "), Code("="), Plain(" or "), Code("~"))),
        ("`a` is first, and ` stands alone", (Code("a"), Plain(" is first, and ` stands alone"))),
        ("``", ()),
        ("none", (Plain("none"),)),
        ("", ()),
    ],
)  # fmt: skip
def test_backticks_mark_code_and_are_gone(words: str, parts: tuple[Part, ...]) -> None:
    assert marked(words).parts == parts


@pytest.mark.parametrize(
    ("path", "shown"),
    [("a/b.yaml", "a/b.yaml"), ("ü/日", "ü/日"), ("d\udcff/\udce9", "d\\xff/\\xe9"), ("\udce2\udc82", "\\xe2\\x82")],
)
def test_a_path_of_any_bytes_can_be_read_and_kept(path: str, shown: str) -> None:
    assert readable(path) == shown
    assert shown.encode("utf-8").decode("utf-8") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""), ("short enough", "short enough"), ("exactly 13 ch", "exactly 13 ch"),
        ("exactly 14 cha", "exactly 14 c…"),
        (" a\n\tb  ", "a b"), ("a" + " " * 500, "a"), ("a" + " " * 500 + "b", "a…"), (" " * 500 + "b", "…"),
    ],
)  # fmt: skip
def test_a_cut_is_seen(text: str, shown: str) -> None:
    assert shortened(text, 13) == shown
