"""Label selectors."""

import pytest

from bot.sandbox.argocd.selectors import BadSelector, parse_selector

LABELS = {"env": "staging", "app.kubernetes.io/part-of": "apm"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", True), ("env=staging", True), ("env==staging", True), ("env!=staging", False), ("env", True),
        ("!env", False), ("!nope", True), ("env in (dev, staging)", True), ("env notin (dev)", True),
        ("app.kubernetes.io/part-of=apm,env in (dev,staging)", True), ("env=staging,nope", False),
    ],
)  # fmt: skip
def test_selection(selector: str, selected: bool) -> None:
    assert parse_selector(selector)(LABELS) is selected


@pytest.mark.parametrize("selector", ["env in (dev", "env=a b", "(x)", "env in dev"])
def test_what_is_no_selector(selector: str) -> None:
    with pytest.raises(BadSelector):
        parse_selector(selector)
