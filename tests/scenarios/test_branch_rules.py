"""The rules of the branch on GitHub: what leaves no way is said at once, everything else waits on the card by name."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Start
from tests.scenarios.evidence import refused
from tests.scenarios.guide import PRODUCTION, branches, card_shows, comments, configured, seeded, syncs_asked
from tests.scenarios.workspace import Refused, Workspace

OURS = "tiphys/approval"
README: dict[str, str | None] = {"README.md": "Another introduction.\n"}
FAST_FORWARD = ("merge: squash", "merge: fast-forward")
PUSH = {"method": "POST", "path": "git-receive-pack$", "times": 1}


async def protect(workspace: Workspace, **rules: Any) -> None:
    await workspace.github("protect", branch="main", who="admin", **rules)


async def pull_of(workspace: Workspace, number: int = 1) -> dict[str, Any]:
    return next(pull for pull in await workspace.pulls() if pull["number"] == number)


async def status_is(workspace: Workspace, state: str, *, number: int = 1) -> str:
    """Wait until our status on the pull request's head is this; answers its words."""

    async def look() -> str | None:
        found = (await pull_of(workspace, number))["statuses"].get(OURS, {})
        return str(found["description"]) if found.get("state") == state else None

    words: str = await workspace.until(look, wants=f"{OURS} is {state}")
    return words


async def asked(workspace: Workspace, service: str, method: str, path: str) -> list[dict[str, Any]]:
    """What the bot asked for, and took effect."""
    requests = await workspace.requests(service=service)
    return [r for r in requests if r["bot"] and r["applied"] and r["method"] == method and r["path"].endswith(path)]


async def test_what_leaves_no_way_to_merge_is_said_before_anything_is_written(start: Start, tmp_path: Path) -> None:
    workspace = await start("--speed", "10", "--config", str(configured(tmp_path, ("merge: squash", "merge: merge"))))
    before = await branches(workspace)
    for rules, slug, words in (
        ({"queue": True}, "merge-queue", "main has a merge queue, which is not supported yet. Take the queue off"),
        ({"signatures": True}, "signed-commits", "main takes signed commits only, which is not supported yet"),
        ({"linear_history": True}, "merge-method", "its history must be linear. Write `merge: squash` in tiphys.yaml"),
        ({"methods": ["squash"]}, "merge-method", "on main merging by `merge` is not allowed. Write `merge: squash`"),
    ):
        await protect(workspace, **rules)
        async with refused(workspace, "developer", slug, words):
            await workspace.say("developer", "/promote apm-stack prod")
    assert await workspace.pulls() == []
    assert await branches(workspace) == before
    assert await workspace.cards() == []


async def test_every_unmet_rule_is_a_gate_with_its_name(workspace: Workspace) -> None:
    """A required review, a required check, open conversations, and our own status as a required check: green only while
    all others are open, and pending again when one of them closes."""
    await protect(workspace, reviews=1, required_checks=["ci/build", OURS], conversation_resolution=True)
    await workspace.propose()
    await workspace.github("discuss", number=1)
    await workspace.approve("approver-1", "approver-2")
    card = await workspace.card_is("waiting for checks")
    for words in (
        "⏳ reviews 0 of 1: main wants approving reviews on GitHub",
        "⏳ required and missing: ci/build",
        "⏳ 1 conversation to be resolved on GitHub",
    ):
        card = await card_shows(workspace, words)
    assert "a rule of the branch is unmet" not in card.plain
    assert (await status_is(workspace, "pending")).endswith("(#1)")

    await workspace.github("review", number=1, state="APPROVED", who="developer-2")
    await workspace.github("discuss", number=1, resolved=True)
    await workspace.github("status", number=1, context="ci/build", state="pending")
    await card_shows(workspace, "⏳ required and pending: ci/build")
    card = await card_shows(workspace, "✅ reviews 1 of 1")
    assert card.state == "waiting for checks"
    assert (await pull_of(workspace))["state"] == "open"

    await workspace.fault("github", "status", method="PUT", path="/merge$", status=503)
    await workspace.github("status", number=1, context="ci/build", state="success")
    await status_is(workspace, "success")
    for number in range(3):  # each is a webhook, and a reason to look
        await workspace.github("status", number=1, context=f"other-{number}", state="success")
    await workspace.github("review", number=1, state="CHANGES_REQUESTED", who="developer-2")
    assert "developer-2 asked for changes in a review" in await status_is(workspace, "pending")
    await workspace.end_faults()
    await workspace.github("review", number=1, state="APPROVED", who="developer-2")
    card = await workspace.card_is("succeeded")
    assert (await status_is(workspace, "success")).startswith("approved by approver-1")
    assert (await pull_of(workspace))["merged_by"] == "tiphys"
    head = (await pull_of(workspace))["head"]["sha"]
    said = [r["body"] for r in await asked(workspace, "github", "POST", f"/statuses/{head}")]
    assert [then for then, now in pairwise(said) if then == now] == [], "nothing is said twice in a row"


async def test_rules_hold_where_our_account_could_bypass_them(workspace: Workspace) -> None:
    await protect(workspace, reviews=1, required_checks=["ci/build"], dismiss_stale=True, bypass=["tiphys"])
    await workspace.say("developer", "/promote apm-stack staging", channel="staging")
    await card_shows(workspace, "reviews 0 of 1", channel="staging")
    await workspace.github("status", number=1, context="ci/build", state="success")
    await workspace.github("review", number=1, state="CHANGES_REQUESTED", who="developer-2")
    await card_shows(workspace, "❌ developer-2 asked for changes in a review", channel="staging")
    assert await workspace.settle()
    assert await asked(workspace, "github", "PUT", "/merge") == []
    await workspace.github("review", number=1, state="APPROVED", who="developer-2")
    await workspace.card_is("waiting for sync", channel="staging")
    assert len(await asked(workspace, "github", "PUT", "/merge")) == 1


async def test_a_strict_base_that_moves(workspace: Workspace) -> None:
    await protect(workspace, required_checks=["ci/build"], strict=True, bypass=["admin"])
    await workspace.propose()
    await workspace.github("status", number=1, context="ci/build", state="success")
    first = (await pull_of(workspace))["head"]["sha"]
    moved_to = await workspace.commit(README, who="admin")
    await card_shows(workspace, "⏳ behind main, which wants its newest commit in every merge")
    assert (await pull_of(workspace))["head"]["sha"] == first
    await workspace.approve("approver-1", "approver-2")
    await workspace.thread_says(f"Rebuilt on {moved_to[:7]}")
    assert any("same content, approvals stay" in reply for reply in (await workspace.card()).replies)
    await card_shows(workspace, "required and missing: ci/build")
    assert (await pull_of(workspace))["head"]["sha"] != first
    await workspace.github("status", number=1, context="ci/build", state="success")
    await workspace.card_is("succeeded")


async def test_our_status_on_everybodys_pull_requests(workspace: Workspace) -> None:
    """As a required check it lets pass what is not governed, and leads everything else to a promotion."""
    await protect(workspace, required_checks=[OURS])
    await workspace.commit(README, branch="docs", **{"from": "main"})
    await workspace.commit(
        {PRODUCTION: seeded(PRODUCTION, ("2.14.0", "2.15.1"))}, branch="past-tiphys", **{"from": "main"}
    )
    await workspace.github("open", head="docs", base="main", title="Write the docs")
    await workspace.github("open", head="past-tiphys", base="main", title="Ship it")
    assert await status_is(workspace, "success", number=1) == "touches no governed path"
    assert await status_is(workspace, "pending", number=2) == "touches production of apm-stack: use /promote"
    with pytest.raises(Refused, match=f'Required status check "{OURS}" is pending.'):
        await workspace.github("merge", number=2)
    await workspace.github("merge", number=1)
    await workspace.commit({"docs/more.md": "x\n"}, branch="past-tiphys")
    assert await status_is(workspace, "pending", number=2) == "touches production of apm-stack: use /promote"
    assert await syncs_asked(workspace) == []


async def spent(workspace: Workspace, fault: str) -> None:
    """Wait until that fault has met its request."""

    async def look() -> bool:
        faults = (await workspace.call("GET", "/api/faults"))["faults"]
        return any(f["id"] == fault and f["left"] == 0 for f in faults)

    await workspace.until(look, wants="the push is on its way")


async def test_the_base_moves_just_before_a_fast_forward(start: Start, tmp_path: Path) -> None:
    """The push is refused; the promotion is rebuilt on the new base, and the same content stays approved."""
    workspace = await start("--speed", "10", "--config", str(configured(tmp_path, FAST_FORWARD)))
    await protect(workspace, reviews=1)
    async with refused(workspace, "developer", "pushes-not-allowed", "on main a fast-forward is not allowed"):
        await workspace.say("developer", "/promote apm-stack prod")
    await protect(workspace)
    await workspace.propose()
    await workspace.approve("approver-1")
    fault = await workspace.fault("git", "slow", seconds=1.5, **PUSH)
    await workspace.approve("approver-2")
    await spent(workspace, fault)
    moved_to = await workspace.commit(README)
    await workspace.thread_says(f"Rebuilt on {moved_to[:7]}")
    card = await workspace.card_is("succeeded")
    assert any("same content, approvals stay" in reply for reply in card.replies)
    pull = await pull_of(workspace)
    assert pull["merged"]
    assert pull["merge_commit_sha"] == pull["head"]["sha"] == (await branches(workspace))["main"]
    assert (await syncs_asked(workspace))[0]["body"]["revision"] == pull["head"]["sha"]
    assert await asked(workspace, "github", "PUT", "/merge") == []
    assert await workspace.settle()  # the comment comes after the end
    [comment] = await comments(workspace, 1)
    assert "Requested by developer (U0DEV1), approved by approver-1 (U0APPR1) and approver-2 (U0APPR2)." in (
        comment.replace("\\", "")
    )


@pytest.mark.long
async def test_a_fast_forward_whose_answer_is_lost_is_found(start: Start, tmp_path: Path) -> None:
    workspace = await start("--speed", "10", "--config", str(configured(tmp_path, FAST_FORWARD)))
    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.fault("git", "kill_after", **PUSH)
    await workspace.approve("approver-2")
    await workspace.card_is("succeeded")
    pull = await pull_of(workspace)
    assert pull["merge_commit_sha"] == pull["head"]["sha"]
    pushes = await asked(workspace, "git", "POST", "/git-receive-pack")
    to_main = [r for r in pushes if any(u["ref"] == "refs/heads/main" for u in r["body"]["updates"])]
    assert len(to_main) == 1
