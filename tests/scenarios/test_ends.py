"""Ends before the merge: the pull request is closed with one comment, its status is a failure, the branch is gone."""

from pathlib import Path
from typing import Any

from tests.scenarios.conftest import Start
from tests.scenarios.evidence import audit
from tests.scenarios.guide import branches, comments, configured, deploy_staging, syncs_asked
from tests.scenarios.workspace import Message, Workspace

APPROVALS = "approvals: {needed: 2, from: [role:release], notify: S0PLATFORM, expire: 30m, valid_for: 24h}"
TIMEOUTS = "timeouts: {checks: 2h, operation: 5m, health: 1m}"


async def ended(workspace: Workspace, state: str, *words: str, number: int) -> Message:
    """The change behind pull request `number` is at this end, says why, and left nothing open behind."""

    async def look() -> Message | None:
        cards = await workspace.cards()
        return next((card for card in cards if f"PR #{number} " in card.plain and card.state == state), None)

    await workspace.until(look, wants=f"{state} for #{number}")
    assert await workspace.settle()
    card = await look()
    assert card is not None
    missing = [word for word in words if word not in card.plain]
    assert not missing, f"{missing} not in {card.plain}"
    pull = await find_pull(workspace, number)
    assert (pull["state"], pull["merged"]) == ("closed", False)
    assert pull["statuses"]["tiphys/approval"]["state"] == "failure"
    assert state in pull["statuses"]["tiphys/approval"]["description"]
    assert pull["head"]["ref"] not in await branches(workspace)
    [comment] = await comments(workspace, number)
    assert f"apm-stack → production: {state}" in comment
    assert any(f": {state}" in reply and "@developer" in reply for reply in card.replies), card.replies
    return card


async def find_pull(workspace: Workspace, number: int) -> dict[str, Any]:
    return next(pull for pull in await workspace.pulls() if pull["number"] == number)


async def nothing_happened(workspace: Workspace) -> bool:
    return not (await workspace.application("apm-stack-production"))["operations"] and not await syncs_asked(workspace)


async def test_people_end_it(workspace: Workspace) -> None:
    """Rejected, aborted by the requester, overtaken by a newer source: each ends one pull request, none is merged."""
    card = await workspace.propose()
    clicked = await workspace.click("approver-1", "change.reject", card)
    await workspace.submit("approver-1", clicked["view_id"], {"reason": "not on a Friday"})
    card = await ended(workspace, "rejected", "rejected by approver-1: not on a Friday", number=1)
    assert "change.approve" not in card.actions

    await workspace.propose()
    await workspace.click("developer", "change.abort", await workspace.card())
    await ended(workspace, "aborted", "aborted by developer", number=2)

    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    deployed = await deploy_staging(workspace, "2.15.2")
    await workspace.say("developer-2", "/promote apm-stack prod")
    card = await ended(workspace, "superseded", f"staging runs {deployed[:7]} now", number=3)
    assert "2.15.2" not in card.plain
    newest = await workspace.card_is("waiting for approval")
    assert "2.14.0 → 2.15.2" in newest.plain
    assert "0 of 2" in newest.plain, "a yes to the older promotion is none to this one"
    assert [pull["state"] for pull in await workspace.pulls()].count("open") == 1
    assert await nothing_happened(workspace)
    reasons = [entry.action for entry in await audit(workspace) if entry.action.startswith("change.")]
    assert {"change.rejected", "change.aborted", "change.superseded"} <= set(reasons)


async def test_time_ends_it(start: Start, tmp_path: Path) -> None:
    """Nobody decides in time; then a check of the pull request stays red for longer than it may."""
    config = configured(tmp_path, (APPROVALS, APPROVALS.replace("30m", "8s")), (TIMEOUTS, TIMEOUTS.replace("2h", "2s")))
    workspace = await start("--speed", "20", "--config", str(config))
    card = await workspace.propose()
    await workspace.approve("approver-1")
    await ended(workspace, "expired", "nobody decided in time", "/gitops promote apm-stack production", number=1)
    old = next(button for button in card.data["buttons"] if button["action_id"] == "change.approve")
    await workspace.click("approver-2", "change.approve", card, value=old["value"], force=True)
    await workspace.told("approver-2", "expired")

    await workspace.propose()
    await workspace.github("status", number=2, context="unit tests", state="failure")
    await workspace.approve("approver-1", "approver-2")
    await ended(workspace, "failed", "failing: unit tests, for longer than 2 s", "nothing was merged", number=2)
    assert await nothing_happened(workspace)
