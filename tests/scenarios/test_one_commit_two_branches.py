"""`tiphys/approval` where one commit leads into several branches: green for staging is never green for production."""

from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.seed.gateway import GATEWAY
from tests.scenarios.conftest import Start
from tests.scenarios.guide import branches, card_shows, configured
from tests.scenarios.workspace import Refused, Workspace

OURS = "tiphys/approval"
MERGE = "strategy: {type: branch, merge: merge}"
USE_PROMOTE = "touches production of apm-gateway: use /promote"


async def require_ours(workspace: Workspace) -> None:
    await workspace.github("protect", branch="main", who="admin", repository=GATEWAY, required_checks=[OURS])


async def pull_of(workspace: Workspace, number: int) -> dict[str, Any]:
    return next(pull for pull in await workspace.pulls() if pull["number"] == number)


async def status_is(workspace: Workspace, number: int, *wanted: str) -> None:
    """Wait until our status on the head has this state and these words in it."""

    async def look() -> bool:
        found = (await pull_of(workspace, number))["statuses"].get(OURS, {})
        return all(word in f"{found.get('state')} {found.get('description')}" for word in wanted)

    await workspace.until(look, wants=f"{OURS} on {number} is {wanted}")


async def test_a_second_pull_request_from_the_promotion_branch_is_not_green(workspace: Workspace) -> None:
    """Staging needs no approvals, production does; GitHub lets one branch lead to both."""
    await require_ours(workspace)
    await workspace.fault("github", "status", method="PUT", path="/merge$", status=503)
    await workspace.say("developer", "/promote apm-gateway staging", channel="staging")
    await status_is(workspace, 1, "success", "no approvals needed")
    branch = (await pull_of(workspace, 1))["head"]["ref"]
    await workspace.github("open", head=branch, base="main", title="past production", repository=GATEWAY)
    await status_is(workspace, 2, "pending", "pull request 2 leads this commit into main too", "(#1)")
    await workspace.end_faults()
    card = await card_shows(workspace, "❌ pull request 2 leads this commit into main too", channel="staging")
    assert card.state == "waiting for checks"
    assert await workspace.settle()
    await status_is(workspace, 1, "pending", "pull request 2 leads this commit into main too")
    with pytest.raises(Refused, match=f'Required status check "{OURS}" is pending.'):
        await workspace.github("merge", number=2, repository=GATEWAY)
    before = (await branches(workspace, GATEWAY))["main"]
    await workspace.github("close", number=2, repository=GATEWAY)
    await workspace.card_is("waiting for sync", channel="staging")
    assert (await branches(workspace, GATEWAY))["main"] == before


async def test_what_a_fast_forward_made_the_tip_of_staging_is_not_green_for_production(
    start: Start, tmp_path: Path
) -> None:
    """Then the ordinary pull request from staging to main has our commit as its head."""
    config = configured(tmp_path, (MERGE, MERGE.replace("merge: merge", "merge: fast-forward")))
    workspace = await start("--speed", "10", "--config", str(config))
    await require_ours(workspace)
    await workspace.say("developer", "/promote apm-gateway staging", channel="staging")
    card = await workspace.card_is("waiting for sync", channel="staging")
    await status_is(workspace, 1, "success", "no approvals needed")
    await workspace.github("open", head="staging", base="main", title="Ship it", repository=GATEWAY)
    assert (await pull_of(workspace, 2))["head"]["sha"] == (await pull_of(workspace, 1))["head"]["sha"]
    await status_is(workspace, 2, "pending", USE_PROMOTE)
    await workspace.click("developer", "change.sync", card)
    await workspace.card_is("succeeded", channel="staging")
    assert await workspace.settle()
    with pytest.raises(Refused, match=f'Required status check "{OURS}" is pending.'):
        await workspace.github("merge", number=2, repository=GATEWAY)
    await status_is(workspace, 2, "pending", USE_PROMOTE)
