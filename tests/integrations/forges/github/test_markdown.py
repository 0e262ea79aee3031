"""Foreign text that enters GitHub reads as it was and is nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.integrations.forges.github.markdown import GAP, code, inert, one_line, plain

HOSTILE = st.text(
    st.one_of(
        st.sampled_from("@#`*_[]()<>!|~\\&;:/.-+=$0123456789aGHghw \n\r\té\u202e\u2028" + GAP),
        st.characters(),
    )
) | st.sampled_from(
    [
        "fixes #12", "closes GH-12", "resolves example/apm#12", "fix https://github.com/example/apm/issues/12",
        "@everyone", "@org/team", "a@b.example", "# heading", "- item", "1. item", "1) item", "    code", "---", "===",
        "| a | b |\n|---|---|", "[x](javascript:alert(1))", "![x](https://e.example/x.png)", "<img src=x>",
        "<!-- x -->", "&#64;everyone", "&commat;everyone",
        "\\@everyone", "```\ncode", "`code`", "www.example.com", "> quote",
        "- [ ] task", "[^1]", "~~gone~~", "**bold**", "ghcr.io/example/apm@sha256:0123", "<!-- tiphys:change:X -->",
    ]
)  # fmt: skip

# What GitHub looks for in rendered text.
REFERENCES = (
    re.compile(r"(?<![A-Za-z0-9])@\w"),
    re.compile(r"#\d"),
    re.compile(r"\bgh-\d", re.IGNORECASE),
    re.compile(r"://"),
    re.compile(r"\bwww\.", re.IGNORECASE),
)
RENDERER = MarkdownIt("gfm-like", {"linkify": False})


def rendered(markdown: str) -> str:
    """The text of a single paragraph that holds text alone; anything else fails."""
    opening, inline, closing = RENDERER.parse(markdown)
    assert (opening.type, inline.type, closing.type) == ("paragraph_open", "inline", "paragraph_close")
    kinds = {child.type for child in inline.children or []}
    assert kinds <= {"text", "text_special"}, f"{markdown!r} became {kinds}"
    return "".join(child.content for child in inline.children or [])


def without_gaps(text: str) -> str:
    return text.replace(GAP, "")


@given(HOSTILE)
def test_plain_text_stays_text_and_refers_to_nothing(text: str) -> None:
    shown = plain(text)
    if not shown:
        return
    read = rendered(shown)
    assert without_gaps(read) == one_line(text, most=1000)
    assert not [pattern for pattern in REFERENCES if pattern.search(read)]
    assert "<!--" not in shown
    assert "\n" not in shown


@given(HOSTILE)
def test_a_code_span_holds_all_of_it(text: str) -> None:
    [_, inline, _] = RENDERER.parse(f"- x: {code(text)} end")[2:5]
    assert [child.type for child in inline.children or []] == ["text", "code_inline", "text"]
    assert "<!--" not in code(text)


@given(HOSTILE)
def test_inert_text_refers_to_nothing_and_keeps_its_lines(text: str) -> None:
    said = inert(text)
    assert not [pattern for pattern in REFERENCES if pattern.search(said)]
    assert said.count("\n") == text.count("\n")
    assert said.splitlines() == said.split("\n") or said.endswith("\n") or not said


def test_images_and_trailers_stay_as_they_are() -> None:
    text = "ghcr.io/example/apm@sha256:0123 → v2\n\nRequested-by: developer (U0DEV1)\nTiphys-Change: 01JXYZ"
    assert inert(text) == text


@pytest.mark.parametrize("text", ["", "   ", "\u202e"])
def test_nothing_is_said_as_nothing(text: str) -> None:
    assert plain(text) == ""
    assert code(text) == "`(none)`"


def test_long_text_is_cut() -> None:
    assert one_line("word " * 100, most=10) == "word word…"
