"""The main job through the real doors: asked in Slack, approved by button, merged, synced and verified."""

from typing import Any

import pytest

from tests.scenarios.conftest import Start
from tests.scenarios.workspace import Workspace


async def commit_message(workspace: Workspace, pull: dict[str, Any]) -> str:
    ready = await workspace.call("GET", "/api/ready")
    import httpx

    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(
            f"{ready['urls']['github_api']}/repos/{pull['repository']}/commits/{pull['merge_commit_sha']}",
            headers={"Authorization": f"Bearer {ready['tokens']['github']['developer']}"},
        )
    return str(answer.json()["commit"]["message"])


@pytest.mark.parametrize("slack", ["socket", "http"])
async def test_a_production_promotion_from_the_command_to_success(start: Start, slack: str) -> None:
    workspace = await start("--speed", "10", "--slack", slack)
    card = await workspace.propose()
    assert "apm-stack → production" in card.plain
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    await workspace.approve("approver-2")
    card = await workspace.card_is("succeeded")

    [pull] = await workspace.pulls()
    assert pull["merged"]
    assert pull["statuses"]["tiphys/approval"]["state"] == "success"
    application = await workspace.application("apm-stack-production")
    assert [(o["phase"], o["revision"]) for o in application["operations"]] == [("Succeeded", pull["merge_commit_sha"])]
    assert application["deployed_revision"] == pull["merge_commit_sha"]
    assert application["operations"][0]["infos"]["tiphys-change"] == card.change
    message = await commit_message(workspace, pull)
    assert "Requested-by: developer (U0DEV1)" in message
    assert "Approved-by: approver-1 (U0APPR1)" in message
    assert "Approved-by: approver-2 (U0APPR2)" in message
    assert f"Tiphys-Change: {card.change}" in message
    assert len(await workspace.cards()) == 1
    acts = [delivery for delivery in await workspace.deliveries() if delivery["kind"] in ("command", "click")]
    assert [delivery["mode"] for delivery in acts] == [slack] * 3
