"""Digests as Slack shows them: as kept in a golden file, within its limits, and with nothing that is markup."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.alerts.digest import Digest
from bot.domain.alerts.digest_text import digest_text
from bot.sandbox.slack.blocks import validate_message_blocks
from bot.slack.blocks.limits import message_problems
from bot.slack.blocks.message import said
from tests.domain.alerts.test_digest import digest
from tests.domain.alerts.test_digest_text import HOSTILE, huge, whole

CASES: dict[str, Callable[[], Digest]] = {
    "quiet": digest, "whole": whole, "huge": huge, "hostile": lambda: huge(HOSTILE),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_case_is_as_kept_and_within_the_limits(case: str, golden: Any) -> None:
    message = said(digest_text(CASES[case]()))
    assert message_problems(message) == []
    assert validate_message_blocks(message.blocks) == []
    assert "<!" not in message.text.replace("<!date^", "")
    assert {"user", "usergroup", "channel", "broadcast", "link"}.isdisjoint(types(message.blocks))
    golden(f"digest-{case}", {"text": message.text, "blocks": message.blocks})


def types(blocks: object) -> set[str]:
    found: set[str] = set()
    json.loads(json.dumps(blocks), object_hook=lambda one: found.add(one.get("type", "")))
    return found
