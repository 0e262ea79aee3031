"""`apm-gateway` by branches: develop → staging → main, each promotion a merge of what the stage before has deployed."""

from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.seed.gateway import GATEWAY, TREE
from tests.scenarios.conftest import Start
from tests.scenarios.evidence import GIT_PUSH, effects, refused
from tests.scenarios.guide import branches, card_shows, configured, on_github
from tests.scenarios.workspace import Message, Workspace

LIMITS = "limits.yaml"
FAST_FORWARD = ("strategy: {type: branch, merge: merge}", "strategy: {type: branch, merge: fast-forward}")


async def commit_on(workspace: Workspace, branch: str, files: dict[str, str | None], who: str = "developer-2") -> str:
    return await workspace.commit(files, branch=branch, who=who, repository=GATEWAY)


async def staging_runs(workspace: Workspace, sha: str) -> None:
    await workspace.argocd("sync", application="apm-gateway-staging")

    async def runs() -> bool:
        staging = await workspace.application("apm-gateway-staging")
        return bool(staging["deployed_revision"] == sha and staging["health"] == "Healthy")

    await workspace.until(runs, wants=f"staging runs {sha}")


async def propose(workspace: Workspace) -> Message:
    await workspace.say("developer", "/promote apm-gateway prod")
    return await workspace.card_is("waiting for approval")


async def parents_and_tree(workspace: Workspace, sha: str) -> tuple[list[str], str]:
    found = await on_github(workspace, f"commits/{sha}", repository=GATEWAY)
    return [parent["sha"] for parent in found["parents"]], found["commit"]["tree"]["sha"]


async def test_from_develop_to_production_with_one_approval(workspace: Workspace) -> None:
    before = await branches(workspace, GATEWAY)
    await workspace.say("developer", "/promote apm-gateway staging", channel="staging")
    card = await workspace.card_is("waiting for sync", channel="staging")
    await workspace.click("developer", "change.sync", card)
    await workspace.card_is("succeeded", channel="staging")

    card = await propose(workspace)
    assert "example/gateway  1.7.0 → 1.9.0-rc.1" in card.plain
    assert "3 commits by 2 people from staging" in card.plain
    assert "changes 2 files: kustomization.yaml, limits.yaml" in card.plain
    await workspace.approve("approver-1")
    await workspace.card_is("succeeded")

    first, second = await workspace.pulls()
    after = await branches(workspace, GATEWAY)
    assert after == {
        "develop": before["develop"],
        "staging": first["merge_commit_sha"],
        "main": second["merge_commit_sha"],
    }
    for pull, base, source in (
        (first, before["staging"], before["develop"]), (second, before["main"], after["staging"])
    ):  # fmt: skip
        head = pull["head"]["sha"]
        parents, tree = await parents_and_tree(workspace, head)
        assert parents == [base, source]
        assert await parents_and_tree(workspace, pull["merge_commit_sha"]) == ([base, head], tree)
    production = await workspace.application("apm-gateway-production")
    assert production["deployed_revision"] == after["main"]
    assert production["images"] == ["example/gateway:1.9.0-rc.1"]
    async with refused(workspace, "developer", "nothing-to-promote", "has what staging runs", "nothing to promote"):
        await workspace.say("developer", "/promote apm-gateway prod")


async def test_a_conflict_is_named_before_anything_is_pushed(workspace: Workspace) -> None:
    """Also one that comes up later, when somebody has moved the base."""
    await propose(workspace)
    ours = await commit_on(workspace, "main", {LIMITS: "requests-per-minute: 60\n"}, who="developer-2")
    card = await workspace.card_is("errored")
    for words in ("staging", "conflicts with main in limits.yaml", f"last on main by developer-2 in {ours[:7]}",
                  "last on staging by developer in "):  # fmt: skip
        assert words in card.plain
    await workspace.thread_says("Merge main into staging, resolve it there, deploy that to staging and promote again.")

    async def tidied() -> bool:
        [pull] = await workspace.pulls()
        return pull["state"] == "closed" and len(await branches(workspace, GATEWAY)) == 3

    await workspace.until(tidied, wants="the pull request closed and its branch gone")
    async with refused(
        workspace, "developer", "conflict", "limits.yaml", f"developer-2 in {ours[:7]}", "Merge main into staging"
    ):
        await workspace.say("developer", "/promote apm-gateway prod")
    assert set(await branches(workspace, GATEWAY)) == {"develop", "staging", "main"}


async def test_a_hotfix_on_main_is_neither_lost_nor_reverted(workspace: Workspace) -> None:
    """It comes while the promotion waits: what would be merged is another tree, so the promotion is made anew and asks
    again; and the promotion after it keeps it too."""
    card = await propose(workspace)
    hotfix = await commit_on(workspace, "main", {"hotfix.txt": "stop the leak\n"}, who="developer")
    await workspace.thread_says("main moved and changed hotfix.txt")
    await card_shows(workspace, f"1 commit on main is not on staging and stays: {hotfix[:7]}")
    card = await workspace.card_is("waiting for approval")
    assert "also ships: 1 commit" in card.plain
    await workspace.approve("approver-1")
    await workspace.card_is("succeeded")

    more = (TREE / LIMITS).read_text().replace("600", "900")
    later = await commit_on(workspace, "staging", {"README.md": None, LIMITS: more})
    await staging_runs(workspace, later)
    await propose(workspace)
    await workspace.approve("approver-2")
    await workspace.card_is("succeeded")

    production = await workspace.application("apm-gateway-production")
    main = (await branches(workspace, GATEWAY))["main"]
    assert production["deployed_revision"] == main
    for since, files in ((later, {"hotfix.txt"}), (hotfix, {"README.md", "kustomization.yaml", LIMITS})):
        compared = await on_github(workspace, f"compare/{since}...{main}", repository=GATEWAY)
        assert (compared["status"], {file["filename"] for file in compared["files"]}) == ("ahead", files)


async def test_a_merge_that_was_pushed_and_not_opened_is_recognized_as_ours(workspace: Workspace) -> None:
    """By making it again on its first parent: the base has moved meanwhile."""
    await workspace.fault("github", "status", method="POST", path="/pulls$", status=503)
    await workspace.say("developer", "/promote apm-gateway prod")

    async def pushed() -> str | None:
        found = await branches(workspace, GATEWAY)
        return next((tip for name, tip in found.items() if name.startswith("tiphys/")), None)

    before = await workspace.until(pushed, wants="the promotion branch on GitHub")
    moved = await commit_on(workspace, "main", {"hotfix.txt": "stop the leak\n"})
    await workspace.end_faults()

    async def made_again() -> str | None:
        """It may have been opened as it was, by a look from before the move; then it is rebuilt."""
        pulls = await workspace.pulls()
        return next((pull["head"]["sha"] for pull in pulls if pull["head"]["sha"] != before), None)

    head = await workspace.until(made_again, wants="the promotion on the moved base")
    await workspace.card_is("waiting for approval")
    assert len(await workspace.pulls()) == 1
    parents, _ = await parents_and_tree(workspace, head)
    assert parents[0] == moved


async def pushes_to(workspace: Workspace, ref: str) -> list[dict[str, Any]]:
    """What the bot pushed to that branch, in requests that took effect."""
    asked = await workspace.requests(service="git")
    made = [r for r in asked if r["bot"] and r["applied"] and r["path"].endswith(GIT_PUSH)]
    return [r for r in made if any(update["ref"] == f"refs/heads/{ref}" for update in r["body"]["updates"])]


async def test_a_fast_forward_pushes_the_merge_itself(start: Start, tmp_path: Path) -> None:
    """The commit that was approved, of base and source, is what the base then is: GitHub makes none of its own."""
    workspace = await start("--speed", "10", "--config", str(configured(tmp_path, FAST_FORWARD)))
    before = await branches(workspace, GATEWAY)
    await propose(workspace)
    [pull] = await workspace.pulls()
    head = pull["head"]["sha"]
    assert (await parents_and_tree(workspace, head))[0] == [before["main"], before["staging"]]
    await workspace.approve("approver-1")
    await workspace.card_is("succeeded")

    [merged] = await workspace.pulls()
    assert (merged["merged"], merged["head"]["sha"], merged["merge_commit_sha"]) == (True, head, head)
    assert (await branches(workspace, GATEWAY))["main"] == head
    [pushed] = await pushes_to(workspace, "main")
    assert pushed["body"]["updates"] == [{"ref": "refs/heads/main", "old": before["main"], "new": head}]
    production = await workspace.application("apm-gateway-production")
    assert (production["deployed_revision"], production["images"]) == (head, ["example/gateway:1.8.0"])
    assert not [effect for effect in await effects(workspace) if effect.endswith("/merge")]


@pytest.mark.long
async def test_the_base_moves_just_before_a_fast_forward(start: Start, tmp_path: Path) -> None:
    """The push is refused by its lease. A branch's key is the whole tree: rebuilt, it is another, and asks again."""
    workspace = await start("--speed", "10", "--config", str(configured(tmp_path, FAST_FORWARD)))
    await propose(workspace)
    fault = await workspace.fault("git", "slow", method="POST", path=f"{GIT_PUSH}$", times=1, seconds=1.5)
    await workspace.approve("approver-1")

    async def spent() -> bool:
        faults = (await workspace.call("GET", "/api/faults"))["faults"]
        return any(f["id"] == fault and f["left"] == 0 for f in faults)

    await workspace.until(spent, wants="the push is on its way")
    moved = await commit_on(workspace, "main", {"hotfix.txt": "stop the leak\n"})
    await workspace.thread_says("main moved and changed hotfix.txt")
    card = await workspace.card_is("waiting for approval")
    assert "0 of 1" in card.plain
    assert (await branches(workspace, GATEWAY))["main"] == moved
    await workspace.approve("approver-2")
    await workspace.card_is("succeeded")
    [pull] = await workspace.pulls()
    parents, _ = await parents_and_tree(workspace, pull["head"]["sha"])
    assert (parents[0], (await branches(workspace, GATEWAY))["main"]) == (moved, pull["head"]["sha"])
    assert len(await pushes_to(workspace, "main")) == 1
