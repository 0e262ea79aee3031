"""The base moves under a promotion: the same content stays approved, everything else voids the approvals."""

from pathlib import Path

from tests.scenarios.conftest import Start
from tests.scenarios.evidence import audit
from tests.scenarios.guide import API, OVERLAYS, PRODUCTION, card_shows, configured, seeded, syncs_asked
from tests.scenarios.workspace import Workspace

README: dict[str, str | None] = {"README.md": "Another introduction.\n"}
MORE_REPLICAS: dict[str, str | None] = {API: seeded(API, ("kind: Deployment", "kind: Deployment # changed"))}


async def the_merge(workspace: Workspace) -> str:
    """The revision of the one merge."""
    [pull] = await workspace.pulls()
    assert pull["merged"]
    return str(pull["merge_commit_sha"])


async def assert_shipped(workspace: Workspace) -> None:
    """One operation, at exactly what was merged; the request said no more than it must."""
    merged = await the_merge(workspace)
    production = await workspace.application("apm-stack-production")
    assert [(o["phase"], o["revision"]) for o in production["operations"]] == [("Succeeded", merged)]
    [asked] = await syncs_asked(workspace)
    assert asked["body"]["revision"] == merged
    assert "syncOptions" not in asked["body"]


async def assert_merged_on(workspace: Workspace, base: str) -> None:
    """The audit names both bases: what was approved, and what it was merged on."""
    [merged] = [entry for entry in await audit(workspace) if entry.action == "change.merged"]
    approved_on = merged.detail["base"]
    assert merged.detail["merged_on"] == base != approved_on
    assert f"on {base[:7]}, approved on {approved_on[:7]}: same content" in merged.text


async def test_what_the_application_reads_moves_and_approvals_are_void(workspace: Workspace) -> None:
    """First `base/`, then the overlay itself; each time it is rebuilt by itself and asks again."""
    first = await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    await workspace.commit(MORE_REPLICAS)
    told = await workspace.thread_says("no longer count")
    assert f"main moved and changed {API}" in told
    card = await workspace.card_is("waiting for approval")
    assert "earlier approvals no longer count" in card.plain
    assert "0 of 2" in card.plain
    assert "also ships: 1 commit to deployments/k8s/base/apps/ that is not part of this promotion" in card.plain

    old = next(b for b in first.data["buttons"] if b["action_id"] == "change.approve")
    await workspace.click("approver-2", "change.approve", card, value=old["value"])
    await workspace.told("approver-2", "changed since you saw it")
    assert "0 of 2" in (await workspace.card()).plain

    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    limits = f"{OVERLAYS}/production/resources.yaml"
    await workspace.commit({limits: seeded(limits, ("2Gi", "3Gi"))})
    await workspace.thread_says(f"changed {limits}")
    await workspace.settle()  # the card said so before, too: of what it was then
    await workspace.card_is("waiting for approval")
    await workspace.approve("approver-1", "approver-2")
    card = await workspace.card_is("succeeded")
    assert len(await workspace.pulls()) == 1
    await assert_shipped(workspace)


async def test_other_files_move_and_approvals_stay(workspace: Workspace) -> None:
    await workspace.propose()
    await workspace.approve("approver-1")
    moved_to = await workspace.commit(README)
    await workspace.approve("approver-2")
    card = await workspace.card_is("succeeded")
    assert not [reply for reply in card.replies if "no longer count" in reply]
    await assert_merged_on(workspace, moved_to)
    await assert_shipped(workspace)


async def to_the_gap(workspace: Workspace) -> None:
    """Everything is looked at, and the merge is under way: GitHub takes its time with the status before it."""
    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    await workspace.settle()
    fault = await workspace.fault("github", "slow", method="POST", path="/statuses/", seconds=2, times=1)
    await workspace.approve("approver-2")

    async def begun() -> bool:
        faults = (await workspace.call("GET", "/api/faults"))["faults"]
        return any(f["id"] == fault and f["left"] == 0 for f in faults)

    await workspace.until(begun, wants="the last look is over")


async def test_other_files_move_between_the_last_look_and_the_merge(workspace: Workspace) -> None:
    await to_the_gap(workspace)
    moved_to = await workspace.commit(README)
    card = await workspace.card_is("succeeded")
    assert not [reply for reply in card.replies if "no longer count" in reply]
    await assert_merged_on(workspace, moved_to)
    await assert_shipped(workspace)


async def test_base_moves_between_the_last_look_and_the_merge(workspace: Workspace) -> None:
    """What was merged is not what was approved: it is not synced until a quorum approves what was merged."""
    await to_the_gap(workspace)
    await workspace.commit(MORE_REPLICAS)
    card = await workspace.card_is("merged-differs")
    assert f"differs from what was approved in: {API}" in card.plain
    labels = {button["action_id"]: button["label"] for button in card.data["buttons"]}
    assert labels["change.approve"] == "Approve what was merged"
    await workspace.thread_says("Tiphys does not sync it before it is approved")
    await workspace.settle()
    assert await syncs_asked(workspace) == []

    await workspace.approve("approver-2")
    await workspace.thread_says("(1 of 2)")
    assert (await workspace.card()).state == "merged-differs"
    await workspace.approve("approver-3")
    card = await workspace.card_is("succeeded")
    assert "approver-3" in card.plain
    assert "approver-1" not in card.plain
    await assert_shipped(workspace)


async def test_a_promotion_that_conflicts_is_rebuilt_five_times(start: Start, tmp_path: Path) -> None:
    """Somebody writes the same lines: ours are written again on the newest base; the same result stays approved."""
    config = configured(tmp_path, ("polling: {changes: 3s}", "polling: {changes: 1s}"))
    workspace = await start("--speed", "20", "--config", str(config))
    await workspace.propose()
    await workspace.approve("approver-1")
    [pull] = await workspace.pulls()
    head = pull["head"]["sha"]
    for rebuild in range(5):
        base = await workspace.commit({PRODUCTION: seeded(PRODUCTION, ("2.14.0", f"2.14.{rebuild + 1}"))})

        async def rebuilt(before: str = head) -> str | None:
            [now] = await workspace.pulls()
            return str(now["head"]["sha"]) if now["head"]["sha"] != before else None

        head = await workspace.until(rebuilt, wants=f"rebuild {rebuild + 1}")
        await workspace.thread_says(f"Rebuilt on {base[:7]}")
        await workspace.card_is("waiting for approval")
    card = await card_shows(workspace, "1 of 2")
    assert any("same content, approvals stay" in reply for reply in card.replies)
    await workspace.commit({PRODUCTION: seeded(PRODUCTION, ("2.14.0", "2.14.9"))})
    card = await workspace.card_is("errored")
    assert "conflicts with the base again after 5 rebuilds" in card.plain
    assert "nothing was merged" in card.plain
    assert await workspace.settle()
    [pull] = await workspace.pulls()
    assert (pull["state"], pull["merged"]) == ("closed", False)
