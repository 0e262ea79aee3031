"""Proofs of who sends: one header, one of the secrets, whatever else is given."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.web.proofs import bears, is_one_of

TOKENS = ("made-up-token-old", "made-up-token-new")


@pytest.mark.parametrize(
    "header", ["Bearer made-up-token-new", "bearer made-up-token-old", "BEARER  made-up-token-new "]
)
def test_a_bearer_token_that_is_known(header: str) -> None:
    assert bears([header], TOKENS)


@pytest.mark.parametrize(
    "headers",
    [
        [], [""], ["Bearer"], ["Bearer "], ["made-up-token-new"], ["Token made-up-token-new"],
        ["Bearer made-up-token-newer"], ["Bearer made-up-token-new made-up-token-old"], ["Bearer \udcff"],
        ["Bearer made-up-token-new", "Bearer made-up-token-new"],
    ],
)  # fmt: skip
def test_anything_else_is_nobody(headers: list[str]) -> None:
    assert not bears(headers, TOKENS)


def test_without_a_secret_nobody_proves_anything() -> None:
    assert not bears(["Bearer "], [""])
    assert not bears(["Bearer x"], [])
    assert not is_one_of(b"", [b""])


@settings(deadline=None)
@given(st.text(), st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=3))
def test_it_never_raises_and_takes_what_is_there(text: str, tokens: list[str]) -> None:
    token = text.strip()
    assert bears([f"Bearer {text}"], tokens) == (token in tokens and token != "")
