"""Framing: the same texts, however the bytes were cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.integrations.argocd.sse import MOST_PENDING, EventLines
from tests.integrations.argocd.conftest import recorded_stream


@given(st.data())
def test_where_the_chunks_are_cut_does_not_matter(data: st.DataObject) -> None:
    texts = data.draw(
        st.lists(st.dictionaries(st.text(), st.text()).map(lambda value: json.dumps(value, ensure_ascii=False)))
    )
    texts = [text.replace("\n", "") for text in texts]
    wire = b"".join(f":\ndata: {text} \n\n\n".encode() for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=10)))
    lines, found = EventLines(), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        found += lines.feed(wire[start:end])
    assert found + lines.end() == texts


def test_a_recorded_stream_in_one_piece() -> None:
    chunks = recorded_stream("stream_applications", "SSE with a small projection")["chunks"]
    found = EventLines().feed("".join(chunks).encode())
    assert [json.loads(text)["result"]["type"] for text in found] == ["ADDED"] * 11 + ["MODIFIED"] * 3


def test_an_error_chunk_has_no_newline() -> None:
    lines = EventLines()
    assert lines.feed(b'data: {"error":{}}') == []
    assert lines.end() == ['{"error":{}}']
    assert lines.end() == []


def test_other_fields_and_comments_are_nothing() -> None:
    assert EventLines().feed(b":\n: keep\nevent: x\nid: 3\nretry: 10\ndata:\n\n<html>\n") == []


def test_a_line_without_end_is_refused() -> None:
    lines = EventLines()
    with pytest.raises(ValueError, match="without end"):
        lines.feed(b"data: " + b"x" * MOST_PENDING)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        EventLines().feed(b"data: \xff\xfe\n")
