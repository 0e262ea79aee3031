"""People act on GitHub behind Tiphys' back: they push, merge, close and lead the pull request elsewhere."""

from typing import Any

from tests.scenarios.guide import PRODUCTION, branches, card_shows, comments, deploy_staging, seeded, syncs_asked
from tests.scenarios.workspace import Workspace

SLIPPED = "deployments/k8s/overlays/production/slipped.yaml"


async def the_pull(workspace: Workspace) -> dict[str, Any]:
    [pull] = await workspace.pulls()
    return pull


async def push_over(workspace: Workspace) -> str:
    """`developer-2` pushes a commit of his own to the promotion branch."""
    branch = (await the_pull(workspace))["head"]["ref"]
    return await workspace.commit({SLIPPED: "kind: ConfigMap\n"}, branch=branch, who="developer-2")


async def operations(workspace: Workspace) -> list[tuple[str, str]]:
    production = await workspace.application("apm-stack-production")
    return [(operation["phase"], operation["revision"]) for operation in production["operations"]]


async def test_a_push_to_the_promotion_branch_and_a_rebuild(workspace: Workspace) -> None:
    await workspace.propose()
    ours = (await the_pull(workspace))["head"]["sha"]
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    theirs = await push_over(workspace)
    card = await workspace.card_is("approvals void")
    assert "developer-2 pushed 1 commit to the promotion branch" in card.plain
    assert SLIPPED in card.plain
    assert {"change.rebuild", "change.abort"} <= card.actions
    assert "change.approve" not in card.actions
    await workspace.thread_says(SLIPPED)

    for user in ("approver-2", "approver-3"):
        await workspace.click(user, "change.approve", card, force=True)
        await workspace.told(user, "approvals void")
    assert await workspace.settle()
    pull = await the_pull(workspace)
    assert (pull["merged"], pull["head"]["sha"]) == (False, theirs), "a foreign commit is never overwritten unasked"

    await workspace.click("developer", "change.rebuild", card)
    card = await workspace.card_is("waiting for approval")
    assert (await the_pull(workspace))["head"]["sha"] == ours
    assert "0 of 2" in card.plain
    assert "earlier approvals no longer count: developer-2 pushed 1 commit" in card.plain
    assert not [reply for reply in card.replies if "approvals stay" in reply]
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("succeeded")
    assert await operations(workspace) == [("Succeeded", (await the_pull(workspace))["merge_commit_sha"])]
    assert SLIPPED not in str(await workspace.call("GET", "/api/requests?service=argocd"))


async def test_a_push_after_the_rebuild_was_pressed_is_not_overwritten_either(workspace: Workspace) -> None:
    """What a person agreed to overwrite is what he saw: a later commit is shown first, and may be what ends it."""
    await workspace.propose()
    await push_over(workspace)
    card = await workspace.card_is("approvals void")
    branch = (await the_pull(workspace))["head"]["ref"]
    second = await workspace.commit({"README.md": "Mine.\n"}, branch=branch, who="approver-3")
    await workspace.click("developer", "change.rebuild", card)
    await workspace.thread_says("approver-3 pushed")
    card = await workspace.card_is("approvals void")

    await workspace.click("developer", "change.abort", card)
    await workspace.card_is("aborted")
    assert await workspace.settle()
    pull = await the_pull(workspace)
    assert (pull["state"], pull["merged"], pull["head"]["sha"]) == ("closed", False, second)
    assert (await branches(workspace))[branch] == second, "a branch with somebody's commit stays"
    assert pull["statuses"]["tiphys/approval"]["state"] == "failure"
    assert len(await comments(workspace, pull["number"])) == 1

    await workspace.github("reopen", number=pull["number"], who="developer-2")
    await workspace.github("merge", number=pull["number"], who="developer-2")
    assert await workspace.settle()
    assert (await workspace.card()).state == "aborted"
    assert await operations(workspace) == []
    assert len(await comments(workspace, pull["number"])) == 1


async def merged_after_one_yes(workspace: Workspace) -> str:
    """Somebody merges it then; what the channel is told of it."""
    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    await workspace.github("merge", number=1, who="developer-2", method="merge")

    async def told() -> str | None:
        notices = [message.plain for message in await workspace.messages() if message.change is None]
        return next((text for text in notices if "by hand" in text), None)

    notice: str = await workspace.until(told, wants="the channel is told")
    return notice


async def test_merged_by_hand_before_a_quorum(workspace: Workspace) -> None:
    notice = await merged_after_one_yes(workspace)
    words = "developer-2 merged the pull request by hand before it was approved; "
    assert f"{words}Tiphys does not sync it before it is approved" in notice
    card = await card_shows(workspace, "Approve what was merged to ship it")
    assert card.state == "waiting for approval"
    assert "1 of 2" in card.plain, "the content is what was approved, so that yes still counts"
    labels = {button["action_id"]: button["label"] for button in card.data["buttons"]}
    assert labels["change.approve"] == "Approve what was merged"
    assert await workspace.settle()
    assert await syncs_asked(workspace) == []

    await deploy_staging(workspace, "2.15.2")
    await workspace.say("developer", "/promote apm-stack prod")
    await workspace.told("developer", "#1 is open already")
    assert (await workspace.card()).state == "waiting for approval", "what is merged is decided before anything newer"

    await workspace.approve("approver-2")
    await workspace.card_is("succeeded")
    merged = (await the_pull(workspace))["merge_commit_sha"]
    assert await operations(workspace) == [("Succeeded", merged)]
    assert len([m for m in await workspace.messages() if "by hand" in m.plain and m.change is None]) == 1


async def test_merged_by_hand_where_argo_cd_syncs_by_itself(workspace: Workspace) -> None:
    """Nothing holds Argo CD back: nobody is told that what runs already waits for a yes."""
    await workspace.argocd("autosync", enabled=True)
    notice = await merged_after_one_yes(workspace)
    assert "before it was approved" in notice
    assert "Argo CD ships it without waiting for an approval" in notice or "it is synced already" in notice
    card = await card_shows(workspace, "it is synced already, not by Tiphys")
    assert card.state == "waiting for approval"
    assert "Approve what was merged, and Tiphys watches its health" in card.plain
    assert await operations(workspace) == [("Succeeded", (await the_pull(workspace))["merge_commit_sha"])]
    await workspace.approve("approver-2")
    await workspace.card_is("succeeded")
    assert await syncs_asked(workspace) == []


async def test_merged_by_hand_with_something_else_in_it(workspace: Workspace) -> None:
    """A foreign commit on the branch, merged by hand: it is not synced; rejected, the merge stays and nothing runs."""
    await workspace.propose()
    await workspace.approve("approver-1")
    branch = (await the_pull(workspace))["head"]["ref"]
    other = seeded(PRODUCTION, ("2.14.0", "2.15.1"), ("0.108.0", "0.109.0"), ("count: 6", "count: 7"))
    await workspace.commit({PRODUCTION: other}, branch=branch)
    await workspace.github("merge", number=1, who="developer-2", method="squash")
    card = await workspace.card_is("merged-differs")
    assert f"differs from what was approved in: {PRODUCTION}" in card.plain
    assert "0 of 2" in card.plain

    clicked = await workspace.click("approver-1", "change.reject", card)
    await workspace.submit("approver-1", clicked["view_id"], {"reason": "nobody asked for a seventh"})
    card = await workspace.card_is("rejected")
    assert "nobody asked for a seventh" in card.plain
    assert "the merge stays in Git" in card.plain
    assert await workspace.settle()
    assert await operations(workspace) == []
    assert (await the_pull(workspace))["statuses"]["tiphys/approval"]["state"] == "failure"


async def test_merged_by_hand_after_the_quorum(workspace: Workspace) -> None:
    """The merge waits for a sync window; somebody merges the same content meanwhile: it goes on when it may."""
    await workspace.propose()
    await workspace.argocd("window", kind="deny", minutes=30)
    await workspace.approve("approver-1", "approver-2")
    card = await workspace.card_is("waiting for checks")
    assert "opens" in card.plain
    assert not (await the_pull(workspace))["merged"]
    await workspace.github("merge", number=1, who="developer-2", method="squash")
    await workspace.thread_says("developer-2 merged the pull request by hand, with the approved content")
    await workspace.card_is("merged")
    assert await workspace.settle()
    assert await syncs_asked(workspace) == []
    await workspace.argocd("window", clear=True)
    await workspace.card_is("succeeded")
    assert await operations(workspace) == [("Succeeded", (await the_pull(workspace))["merge_commit_sha"])]


async def test_closed_by_hand(workspace: Workspace) -> None:
    await workspace.propose()
    await workspace.github("close", number=1, who="developer-2")
    card = await workspace.card_is("aborted")
    assert "closed by hand by developer-2" in card.plain
    assert await workspace.settle()
    pull = await the_pull(workspace)
    assert pull["statuses"]["tiphys/approval"]["state"] == "failure"
    assert pull["head"]["ref"] not in await branches(workspace)
    assert len(await comments(workspace, 1)) == 1


async def test_led_elsewhere_by_hand(workspace: Workspace) -> None:
    """To another base: void until Rebuild leads it back. Merged there: it is over, and Argo CD never hears of it."""
    await workspace.commit({"README.md": "Aside.\n"}, branch="aside")
    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    await workspace.github("retarget", number=1, base="aside", who="developer-2")
    card = await workspace.card_is("approvals void")
    assert "led the pull request to aside instead of main" in card.plain
    await workspace.click("developer", "change.rebuild", card)
    card = await workspace.card_is("waiting for approval")
    pull = await the_pull(workspace)
    assert (pull["base"]["ref"], pull["state"]) == ("main", "open")
    assert "0 of 2" in card.plain
    assert not [reply for reply in card.replies if "approvals stay" in reply]

    await workspace.argocd("window", kind="deny", minutes=30)
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("waiting for checks")
    await workspace.github("retarget", number=1, base="aside", who="developer-2")
    await workspace.github("merge", number=1, who="developer-2", method="squash")
    await workspace.argocd("window", clear=True)
    card = await workspace.card_is("aborted")
    assert "developer-2 merged the pull request into aside" in card.plain
    assert await workspace.settle()
    assert await syncs_asked(workspace) == []
