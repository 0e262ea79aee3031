"""Merges that GitHub refuses for a reason that no gate sees: asked for ever more rarely, and never without an end."""

from pathlib import Path

import pytest

from tests.scenarios.conftest import Start
from tests.scenarios.guide import branches, card_shows, configured
from tests.scenarios.workspace import Workspace

MERGE = {"method": "PUT", "path": "/merge$"}
SHORT = ("timeouts: {checks: 2h,", "timeouts: {checks: 3s,")


async def refusals(workspace: Workspace) -> int:
    requests = await workspace.requests(service="github")
    return len([r for r in requests if r["bot"] and r["method"] == "PUT" and r["path"].endswith("/merge")])


async def test_a_merge_that_is_denied_can_be_aborted(workspace: Workspace) -> None:
    """A right that our token lacks stands in no gate either."""
    await workspace.fault("github", "status", status=403, **MERGE)
    await workspace.propose()
    await workspace.approve("approver-1", "approver-2")
    card = await card_shows(workspace, "(refused 2 times)")
    assert card.state == "waiting for checks"
    assert "GitHub denies it" in card.plain
    await workspace.click("developer", "change.abort", card)
    await workspace.card_is("aborted")
    assert await workspace.settle()
    [pull] = await workspace.pulls()
    assert (pull["state"], pull["merged"]) == ("closed", False)


@pytest.mark.long
async def test_a_merge_that_stays_refused_fails(start: Start, tmp_path: Path) -> None:
    workspace = await start("--speed", "10", "--config", str(configured(tmp_path, SHORT)))
    await workspace.fault("github", "status", status=422, **MERGE)
    await workspace.propose()
    before = (await branches(workspace))["main"]
    await workspace.approve("approver-1", "approver-2")
    card = await workspace.card_is("failed")
    assert "(refused 3 times), for longer than 3 s" in card.plain
    assert await workspace.settle()
    assert await refusals(workspace) == 3
    assert (await branches(workspace))["main"] == before
