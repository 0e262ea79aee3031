"""The reading of the page: a page that shows what was not printed is found out."""

from pathlib import Path

import pytest

from tests.scenarios.walkthrough import Block, Typed, blocks_of, missing_from, typed_in

PRINTED = "Slack\n  ok       slack  auth.test: we are tiphys\n\nerrors 0, warnings 2\n"


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ("Slack\n  ok  slack  auth.test: we are\n  tiphys\nerrors 0, warnings 2", None),
        ("…\nerrors 0, warnings …", None),
        ("", None),
        ("errors 0, warnings 2\n…\nSlack", "Slack"),
        ("  error  slack  auth.test", "error slack auth.test"),
        ("errors 0, warnings 3", "errors 0, warnings 3"),
    ],
)
def test_what_is_shown_must_have_been_printed_in_that_order(shown: str, missing: str | None) -> None:
    assert missing_from(PRINTED, shown) == missing


def test_blocks_are_read_with_their_placeholders(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Say\n\n```sh .env\nTOKEN=yours\n```\n\nand\n\n```console\n$ one --two\nout\n$ three\n```\n")
    first, second = blocks_of(page, {"yours": "mine"})
    assert first == Block(kind="sh", name=".env", text="TOKEN=mine\n")
    assert typed_in(second) == [Typed(command="one --two", shown="out\n"), Typed(command="three", shown="")]
