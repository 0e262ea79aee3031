"""The seeded `example/gateway`: its branches, its history, and that each of them renders."""

from pathlib import Path

import yaml

from bot.sandbox.repositories import Repositories
from bot.sandbox.seed.gateway import BRANCHES, GATEWAY, HISTORY, TREE, seed_gateway
from tests.sandbox.seed.test_seed import render


async def seeded(folder: Path) -> Repositories:
    made = Repositories(folder)
    await seed_gateway(made)
    return made


async def test_seeding_again_gives_the_same_commits_and_changes_nothing(tmp_path: Path) -> None:
    made, other = await seeded(tmp_path / "one"), await seeded(tmp_path / "other")
    before = made.tips(GATEWAY)
    await seed_gateway(made)
    assert set(before) == set(BRANCHES.values())
    assert made.tips(GATEWAY) == before == other.tips(GATEWAY)


async def test_development_is_ahead_of_staging_and_staging_of_production(tmp_path: Path) -> None:
    made = await seeded(tmp_path)
    tags = {}
    for branch in BRANCHES.values():
        text = await made.git(GATEWAY, "show", f"{branch}:kustomization.yaml")
        tags[branch] = yaml.safe_load(text)["images"][0]["newTag"]
    assert tags == {"develop": "1.9.0-rc.1", "staging": "1.8.0", "main": "1.7.0"}
    for ahead, behind in (("develop", "staging"), ("staging", "main")):
        out = await made.git(GATEWAY, "rev-list", "--no-merges", "--count", f"{behind}..{ahead}")
        assert int(out) > 0
        out = await made.git(GATEWAY, "rev-list", "--no-merges", "--count", f"{ahead}..{behind}")
        assert int(out) == 0, f"{behind} has nothing of its own"


async def test_no_approver_wrote_a_commit_and_promotions_are_merges(tmp_path: Path) -> None:
    made = await seeded(tmp_path)
    out = await made.git(GATEWAY, "log", "--format=%an <%ae>|%cn|%P", *BRANCHES.values())
    lines = [line.split("|") for line in out.decode().splitlines()]
    assert len(lines) == len(HISTORY)
    assert {line[0] for line in lines} == {
        "developer <developer@example.com>", "developer-2 <developer-2@example.com>",
    }  # fmt: skip
    assert {line[1] for line in lines} == {"developer", "developer-2"}
    assert sum(len(line[2].split()) == 2 for line in lines) == sum(bool(step.merges) for step in HISTORY)


async def test_the_tip_of_develop_is_the_tree_of_the_package(tmp_path: Path) -> None:
    made = await seeded(tmp_path)
    for file in TREE.iterdir():
        assert await made.git(GATEWAY, "show", f"develop:{file.name}") == file.read_bytes()
    names = (await made.git(GATEWAY, "ls-tree", "--name-only", "develop")).decode().split()
    assert sorted(names) == sorted(file.name for file in TREE.iterdir())


async def test_every_branch_renders(tmp_path: Path) -> None:
    made = await seeded(tmp_path / "made")
    for branch, expected in (("develop", 2), ("main", 1)):
        folder = tmp_path / branch
        folder.mkdir()
        for name in (await made.git(GATEWAY, "ls-tree", "--name-only", branch)).decode().split():
            (folder / name).write_bytes(await made.git(GATEWAY, "show", f"{branch}:{name}"))
        kinds = [obj["kind"] for obj in await render(folder)]
        assert sorted(kinds) == sorted(["Service", "Deployment", *["ConfigMap"] * expected])
