"""What Argo CD really does decides: who syncs, when it may, what it left behind, and when a change has succeeded."""

from pathlib import Path
from typing import Any

from tests.scenarios.conftest import Start
from tests.scenarios.guide import (
    API,
    BASE,
    STAGING,
    branches,
    card_shows,
    configured,
    monitoring_runs,
    seeded,
    syncs_asked,
)
from tests.scenarios.workspace import Workspace

PRODUCTION = "apm-stack-production"


async def operations(workspace: Workspace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await workspace.application(PRODUCTION))["operations"]
    return found


async def the_merge(workspace: Workspace) -> str:
    return str((await workspace.pulls())[-1]["merge_commit_sha"])


async def merged_behind_a_window(workspace: Workspace) -> None:
    """Approved and merged, and a sync window closes in the moment between merge and sync."""
    await workspace.propose()
    fault = await workspace.fault("github", "slow", method="PUT", path="/merge$", seconds=1.5, times=1)
    await workspace.approve("approver-1", "approver-2")

    async def begun() -> bool:
        faults = (await workspace.call("GET", "/api/faults"))["faults"]
        return any(f["id"] == fault and f["left"] == 0 for f in faults)

    await workspace.until(begun, wants="the merge is under way")
    await workspace.argocd("window", kind="deny", minutes=45)
    card = await card_shows(workspace, "opens")
    assert card.state == "merged"
    await workspace.settle()
    assert await syncs_asked(workspace) == []


async def test_auto_sync_in_production(workspace: Workspace) -> None:
    """How it ships is part of what is approved: switched on, it asks again, with the truth on the card. No revision can
    be pinned then: approval gates the merge, and Argo CD's own operation is followed."""
    card = await workspace.propose()
    assert "Argo CD will ship this" not in card.plain
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    await workspace.argocd("autosync", enabled=True)
    await workspace.thread_says("the live Application changed: the Application's sync settings")
    card = await card_shows(workspace, "Argo CD will ship this at the merge")
    card = await card_shows(workspace, "0 of 2")
    assert await workspace.settle()
    assert await operations(workspace) == [], "nothing ships before the approval"
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("succeeded")
    [operation] = await operations(workspace)
    assert (operation["phase"], operation["revision"]) == ("Succeeded", await the_merge(workspace))
    assert await syncs_asked(workspace) == []


async def test_a_window_closes_between_merge_and_sync(workspace: Workspace) -> None:
    await merged_behind_a_window(workspace)
    await workspace.argocd("window", clear=True)
    await workspace.card_is("succeeded")
    [operation] = await operations(workspace)
    assert operation["revision"] == await the_merge(workspace)
    [asked] = await syncs_asked(workspace)
    assert asked["status"] == 200
    assert (asked["body"]["revision"], asked["body"]["prune"]) == (operation["revision"], False)
    assert "syncOptions" not in asked["body"]


async def test_a_merge_that_was_taken_off_the_branch_is_never_synced(workspace: Workspace) -> None:
    """Argo CD deploys any commit that it is given; that it is the merged one is proved by Git before it is asked."""
    before = (await branches(workspace))["main"]
    await merged_behind_a_window(workspace)
    merged = await the_merge(workspace)
    files: dict[str, str | None] = {"README.md": "As if nothing had been merged.\n"}
    await workspace.commit(files, who="admin", force=True, **{"from": before})
    await workspace.argocd("window", clear=True)
    card = await workspace.card_is("failed")
    assert f"the merged commit {merged[:7]} is no longer on main" in card.plain
    assert await workspace.settle()
    assert await syncs_asked(workspace) == []


async def test_auto_sync_is_switched_on_between_merge_and_sync(workspace: Workspace) -> None:
    await merged_behind_a_window(workspace)
    await workspace.argocd("autosync", enabled=True)
    await workspace.argocd("window", clear=True)
    await workspace.card_is("succeeded")
    [operation] = await operations(workspace)
    assert (operation["revision"], operation["by"]) != (await the_merge(workspace), "tiphys")
    assert operation["revision"] == await the_merge(workspace)
    assert await syncs_asked(workspace) == []


async def test_the_branch_moves_on_during_sync_and_soak(start: Start, tmp_path: Path) -> None:
    config = configured(tmp_path, ("    prune: false\n    soak: 1s", "    prune: false\n    soak: 4s"))
    workspace = await start("--speed", "5", "--config", str(config))
    await workspace.propose()
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("syncing")
    await workspace.commit({API: seeded(API, ("kind: Deployment", "kind: Deployment # during the sync"))})
    await workspace.card_is("verifying")
    await workspace.commit({"README.md": "During the soak.\n"})
    card = await workspace.card_is("succeeded")
    assert "Git has moved on by 2 commits" in card.plain
    [operation] = await operations(workspace)
    assert (operation["phase"], operation["revision"]) == ("Succeeded", await the_merge(workspace))


async def test_the_override_flag(workspace: Workspace) -> None:
    """A pinned sync needs a right of its own where the flag is on: it is named with its line, and never gone around."""
    await workspace.argocd("flag", require_override=True)
    await workspace.propose()
    await workspace.approve("approver-1", "approver-2")
    card = await card_shows(workspace, "demands the right `override`")
    assert "override, apm/apm-stack-production, allow" in card.plain
    assert card.state == "syncing"
    await workspace.argocd("flag", grant_override=True)
    await workspace.card_is("succeeded")
    merged = await the_merge(workspace)
    assert {asked["body"]["revision"] for asked in await syncs_asked(workspace)} == {merged}
    assert [operation["revision"] for operation in await operations(workspace)] == [merged]


async def test_what_is_in_the_way_before_the_merge(start: Start) -> None:
    """Merge and sync are one step: a closed window, then somebody else's operation, hold back the merge itself."""
    workspace = await start("--speed", "4")
    await monitoring_runs(workspace, "2.55.0-slow")
    await workspace.argocd("window", kind="deny", minutes=45)
    await workspace.propose()
    await workspace.approve("approver-1")
    await card_shows(workspace, "opens")
    await workspace.argocd("window", clear=True)
    await card_shows(workspace, "no sync window in the way")

    await workspace.argocd("sync", who="admin")
    await workspace.approve("approver-2")
    card = await card_shows(workspace, f"another operation is running on {PRODUCTION} (by admin)")
    assert not (await workspace.pulls())[0]["merged"]
    assert card.state in ("waiting for approval", "waiting for checks")
    await workspace.card_is("succeeded")
    assert [operation["by"] for operation in await operations(workspace)] == ["admin", "tiphys"]
    assert (await operations(workspace))[-1]["revision"] == await the_merge(workspace)


async def test_the_card_says_all_that_ships_and_what_does_not(workspace: Workspace) -> None:
    """What staging deployed travels, not what its Git says; and a source that is not healthy does not travel at all."""
    deployment = "Deployment/apm-api"
    await workspace.argocd(
        "health", application="apm-stack-staging", resource=deployment, status="Degraded", message="out of memory"
    )
    await workspace.say("developer", "/promote apm-stack prod")
    told = await workspace.told("developer", "must be Healthy")
    assert f"{deployment} is Degraded (out of memory)" in told
    assert await workspace.cards() == []
    await workspace.argocd("health", application="apm-stack-staging", resource=deployment, status=None)

    await workspace.commit({STAGING: seeded(STAGING, ("2.15.1", "2.16.0"))})
    await workspace.commit({API: seeded(API, ("kind: Deployment", "kind: Deployment # slower"))})
    card = await workspace.propose()
    assert "2.14.0 → 2.15.1" in card.plain
    assert "2.16.0" not in card.plain
    assert "2 commits in staging's Git have not been deployed; not included" in card.plain
    assert f"also ships: 1 commit to {BASE}/apps/ that is not part of this promotion" in card.plain
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("succeeded")
    images = (await workspace.application(PRODUCTION))["images"]
    assert "example/apm-api:2.15.1" in images


async def without_network_policy(workspace: Workspace) -> None:
    """Somebody takes a resource out of `base/`: production's next sync would have to delete it."""
    base = f"{BASE}/kustomization.yaml"
    await workspace.commit({base: seeded(base, ("  - ingress/network-policy.yaml\n", ""))})


async def test_what_is_no_longer_in_git_is_left_behind(workspace: Workspace) -> None:
    await without_network_policy(workspace)
    card = await workspace.propose()
    assert "left behind (pruning is off): NetworkPolicy/apm-stores" in card.plain
    await workspace.approve("approver-1", "approver-2")
    card = await workspace.card_is("succeeded")
    assert "1 resource left behind" in card.text
    assert "NetworkPolicy/apm-stores" in card.plain
    [operation] = await operations(workspace)
    assert operation["prune"] is False


async def test_what_is_no_longer_in_git_is_pruned_where_that_was_approved(start: Start, tmp_path: Path) -> None:
    config = configured(tmp_path, ("    prune: false\n", "    prune: true\n"))
    workspace = await start("--speed", "10", "--config", str(config))
    await without_network_policy(workspace)
    card = await workspace.propose()
    assert "will be pruned: NetworkPolicy/apm-stores" in card.plain
    await workspace.approve("approver-1", "approver-2")
    card = await workspace.card_is("succeeded")
    assert "left behind" not in card.plain
    [operation] = await operations(workspace)
    assert operation["prune"] is True


async def test_pruning_that_is_switched_on_after_the_card_was_shown_is_not_approved(workspace: Workspace) -> None:
    """What the card says is what is done: left behind."""
    await without_network_policy(workspace)
    await workspace.propose()
    await workspace.approve("approver-1")
    await card_shows(workspace, "1 of 2")
    config = Path((await workspace.call("GET", "/api/ready"))["paths"]["config"])
    now = config.read_text("utf-8")
    assert "    prune: false\n" in now
    changed = now.replace("    prune: false\n", "    prune: true\n").replace("needed: 2", "needed: 1")
    config.write_text(changed, "utf-8")  # and with it one approval is enough
    card = await workspace.card_is("succeeded")
    assert "left behind (pruning is off): NetworkPolicy/apm-stores" in card.plain
    assert "1 resource left behind" in card.text
    [operation] = await operations(workspace)
    assert operation["prune"] is False
