"""Ends that are no success: what Argo CD reported, what still runs, and the way back, on the card."""

from pathlib import Path
from typing import Any

from tests.scenarios.conftest import Start
from tests.scenarios.guide import card_shows, configured, deploy_staging, monitoring_runs, syncs_asked
from tests.scenarios.workspace import Message, Workspace

NAME = "apm-stack-production"
SOAK = "    prune: false\n    soak: 1s"
TIMEOUTS = "timeouts: {checks: 2h, operation: 5m, health: 1m}"


async def approved(workspace: Workspace) -> str:
    """Proposed and approved by two; answers what production ran before, as the card writes it."""
    before = (await workspace.application(NAME))["history"][-1]
    await workspace.propose()
    await workspace.approve("approver-1", "approver-2")
    return f"{before['revision'][:7]} (history {before['id']})"


async def failed(workspace: Workspace, before: str) -> Message:
    """The card names the way back, the pull request tells of the failure, and nobody tried twice."""
    card = await workspace.card_is("failed")
    assert f"back to: {before}" in card.plain
    assert "way out" in card.plain
    assert await workspace.settle()
    pull = (await workspace.pulls())[-1]
    assert pull["merged"]
    assert pull["statuses"]["tiphys/approval"]["state"] == "failure"
    assert len(await syncs_asked(workspace)) == len(await workspace.pulls())
    return card


async def terminations(workspace: Workspace) -> int:
    """How often the bot asked Argo CD to end an operation."""
    asked = await workspace.requests(service="argocd")
    return len([r for r in asked if r["bot"] and r["method"] == "DELETE"])


async def test_syncs_that_fail(workspace: Workspace) -> None:
    """An image that cannot be pulled, then a hook that fails: each card names the resource and the message."""
    await monitoring_runs(workspace, "2.55.0-bad")
    before = await approved(workspace)
    card = await failed(workspace, before)
    assert "Deployment/prometheus" in card.plain
    assert "manifest unknown" in card.plain
    assert f"still runs {before}, and what this sync had applied" in card.plain

    await monitoring_runs(workspace, "2.55.0")
    await deploy_staging(workspace, "2.15.2")
    await monitoring_runs(workspace, "2.55.0-hookfail")
    before = await approved(workspace)
    card = await failed(workspace, before)
    assert "Job/apm-migrate" in card.plain
    assert f"still runs {before}" in card.plain
    assert await terminations(workspace) == 0


async def test_an_operation_that_takes_too_long(start: Start, tmp_path: Path) -> None:
    """It ends the change, with what was last seen; the operation itself is left to Argo CD and to people."""
    config = configured(tmp_path, (TIMEOUTS, "timeouts: {checks: 2h, operation: 3s, health: 1m}"))
    workspace = await start("--speed", "4", "--config", str(config))
    await monitoring_runs(workspace, "2.55.0-slow")
    before = await approved(workspace)
    card = await failed(workspace, before)
    assert "the sync runs for longer than 3 s; last seen: " in card.plain
    await workspace.thread_says("The sync goes on in Argo CD")

    async def ended() -> bool:
        [operation] = (await workspace.application(NAME))["operations"]
        return bool(operation["phase"] == "Succeeded")

    await workspace.until(ended, wants="the operation ends by itself")
    assert await terminations(workspace) == 0
    assert (await workspace.card()).state == "failed"


async def test_terminated_and_overtaken(start: Start) -> None:
    """Tiphys ends an operation when a person presses it; and says so when somebody else's took the place of ours."""
    workspace = await start("--speed", "4")
    await monitoring_runs(workspace, "2.55.0-slow")
    before = await approved(workspace)
    card = await card_shows(workspace, "waiting for: Deployment/prometheus")
    assert "change.terminate" in card.actions
    await workspace.click("approver-3", "change.terminate", card)
    card = await failed(workspace, before)
    assert "sync failed: Operation terminated" in card.plain
    await workspace.thread_says("asked Argo CD to terminate the sync")
    assert await terminations(workspace) == 1

    await monitoring_runs(workspace, "2.55.0")
    await deploy_staging(workspace, "2.15.2")
    await monitoring_runs(workspace, "2.56.0-slow")
    before = await approved(workspace)
    await card_shows(workspace, "waiting for: Deployment/prometheus")
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "stop"})
    await workspace.argocd("terminate")

    async def idle() -> bool:
        return bool((await workspace.application(NAME))["operations"][-1]["phase"] == "Failed")

    await workspace.until(idle, wants="our operation is over")
    await workspace.argocd("sync", revision=(await workspace.application(NAME))["history"][-1]["revision"])
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start"})
    card = await failed(workspace, before)
    assert "overtaken by another operation by admin" in card.plain

    async def is_told() -> bool:
        return any("synced by admin outside of Tiphys" in message.plain for message in await workspace.messages())

    await workspace.until(is_told, wants="the channel hears of the other's sync")


async def rolled_back(workspace: Workspace) -> None:
    """On-call brings back what ran before, once nothing runs any longer."""
    history = (await workspace.application(NAME))["history"]
    await workspace.argocd("sync", revision=history[-2]["revision"])

    async def is_done() -> bool:
        newest = (await workspace.application(NAME))["history"][-1]
        return bool(newest["revision"] == history[-2]["revision"])

    await workspace.until(is_done, wants="the rollback is done")


async def test_a_rollback_while_tiphys_was_away_is_not_overrun(workspace: Workspace) -> None:
    """Argo CD took our sync, and the process ended before it was told so."""
    await workspace.fault("argocd", "apply_then_reset", method="POST", path="/sync$", times=1)
    await workspace.propose()
    await workspace.approve("approver-1", "approver-2")

    async def is_taken() -> bool:
        return bool((await workspace.application(NAME))["operations"])

    await workspace.until(is_taken, wants="Argo CD has our sync")
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "kill"})

    async def is_done() -> bool:
        return bool((await workspace.application(NAME))["operations"][-1]["phase"] == "Succeeded")

    await workspace.until(is_done, wants="our operation is over")
    await rolled_back(workspace)
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start"})
    card = await workspace.card_is("failed")
    assert "now (history 2, synced by admin), not what was shipped" in card.plain
    assert await workspace.settle()
    assert len(await syncs_asked(workspace)) == 1
    operations = (await workspace.application(NAME))["operations"]
    assert [operation["by"] for operation in operations] == ["tiphys", "admin"]


async def test_a_rollback_during_the_soak_is_no_success(start: Start, tmp_path: Path) -> None:
    """What was there before is healthy, and nobody has approved that. While Git is away nobody can tell what it is."""
    config = configured(tmp_path, (SOAK, SOAK.replace("1s", "10s")))
    workspace = await start("--speed", "20", "--config", str(config))
    before = await approved(workspace)
    await workspace.card_is("verifying")
    await workspace.fault("git", "status", status=503)
    await rolled_back(workspace)
    card = await card_shows(workspace, "waiting for Git")
    assert card.state == "verifying"
    await workspace.end_faults()
    card = await failed(workspace, before)
    assert f"the environment runs {before[:7]} now (history 2, synced by admin), not what was shipped" in card.plain
    assert "still runs" not in card.plain


async def test_health_decides_after_the_sync(start: Start, tmp_path: Path) -> None:
    """Suspended waits for a person; healthy begins the soak anew; Degraded for longer than a moment is the end."""
    config = configured(
        tmp_path, (SOAK, SOAK.replace("1s", "6s")), (TIMEOUTS, "timeouts: {checks: 2h, operation: 5m, health: 2s}")
    )
    workspace = await start("--speed", "20", "--config", str(config))
    before = await approved(workspace)
    await workspace.card_is("verifying")
    paused: dict[str, Any] = {
        "resource": "Deployment/apm-query",
        "status": "Suspended",
        "message": "Deployment is paused",
    }
    await workspace.argocd("health", **paused)
    await card_shows(workspace, "Suspended: waits for a person")
    await workspace.argocd("health", **paused | {"status": None})
    await card_shows(workspace, "healthy; soaking 6 s")
    await workspace.argocd("health", resource="Deployment/apm-query", status="Degraded", message="out of memory")
    card = await failed(workspace, before)
    assert "Degraded: Deployment/apm-query Degraded (out of memory)" in card.plain
    assert "still runs" not in card.plain, "what was merged is what runs"
