"""The Git part of one promotion (fetch, plan, commit, push) against bare plumbing, in the same run.

Goal: at most 1.3 times the plumbing, with 100 files, 10,000 and 50,000.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.pipeline import KustomizeImages
from bot.integrations.git.mirror import Mirror
from bot.integrations.git.process import run_git
from bot.ports import Signature
from bot.strategies import Plan, Side, strategy_for
from tests.bench.measuring import Measured, milliseconds, show, timed, times
from tests.integrations.git.forge import GitServer

GOAL = 1.3
NAME = "example/apm"
ROUNDS = 9
BY = Signature(name="tiphys", email="tiphys@example.com", at=datetime(2024, 1, 1, tzinfo=UTC))
STAGING, PRODUCTION = "overlays/staging/kustomization.yaml", "overlays/production/kustomization.yaml"
FETCH = ("fetch", "-q", "--no-tags", "--prune", "--no-write-fetch-head", "--filter=blob:none", "origin")


def overlay(version: int) -> str:
    return "resources:\n- ../../base\nimages:\n" + "".join(
        f'- name: part-{n}\n  newTag: "{version}.{n}"\n' for n in range(5)
    )


@pytest.mark.bench
@pytest.mark.parametrize("files", [100, 10_000, 50_000])
async def test_git_part_of_a_promotion(tmp_path: Path, files: int) -> None:
    server = GitServer(tmp_path / "served")
    await server.start()
    fill(server, files)
    mirror = Mirror(tmp_path / "mirror.git", server.url(NAME), "")
    plumbing = await Plumbing.open(tmp_path / "floor.git", server.url(NAME))
    await mirror.fetch()
    floor, ours = Measured(), Measured()
    for number in range(ROUNDS):
        server.commit(NAME, "main", {STAGING: overlay(2 * number + 2), PRODUCTION: overlay(2 * number + 1)})
        floor.add([await timed(plumbing.promote(f"floor-{number}", overlay(2 * number + 2).encode()))])
        ours.add([await timed(promote(mirror, f"ours-{number}"))])
        same = server.git(NAME, "rev-parse", f"floor-{number}^{{tree}}", f"ours-{number}^{{tree}}").split()
        assert same[0] == same[1]
        server.git(NAME, "update-ref", "-d", f"refs/heads/floor-{number}")
        server.git(NAME, "update-ref", "-d", f"refs/heads/ours-{number}")
    await mirror.close()
    await server.stop()
    show(
        f"Git part of a promotion, {files} files",
        ("", "p50", "p50 to floor"),
        [
            [name, milliseconds(taken.percentile(0.5)), times(taken.ratio(floor, 0.5))]
            for name, taken in {"bare plumbing": floor, "Tiphys": ours}.items()
        ],
        f"goal: at most {times(GOAL)} the bare plumbing; {ROUNDS} rounds in turn",
    )


async def promote(mirror: Mirror, branch: str) -> None:
    await mirror.fetch()
    tip = await mirror.find_tip("main")
    assert tip is not None
    plan = await strategy_for(KustomizeImages(branch="main", path="overlays/{environment}")).plan(
        mirror, source=Side(environment="staging", treeish=tip), target=Side(environment="production", treeish=tip)
    )
    assert isinstance(plan, Plan)
    made = await mirror.make_commit(tip, plan.files, "Promote\n", BY)
    await mirror.push(branch, made, expected=None)


class Plumbing:
    """The same by one git command after another, on a kept partial mirror, as little as does the job."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    @classmethod
    async def open(cls, folder: Path, url: str) -> "Plumbing":
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "GIT_DIR": str(folder), "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
        }  # fmt: skip
        made = cls(environment)
        await made.git("init", "-q", "--bare")
        for key, value in {
            "url": url, "fetch": "+refs/heads/*:refs/remotes/origin/*", "promisor": "true",
            "partialclonefilter": "blob:none",
        }.items():  # fmt: skip
            await made.git("config", f"remote.origin.{key}", value)
        await made.git(*FETCH)
        return made

    async def git(self, *arguments: str, stdin: bytes = b"") -> str:
        ended = await run_git(*arguments, environment=self._environment, timeout=60, stdin=stdin)
        assert ended.code == 0, ended.err
        return ended.out.decode().strip()

    async def promote(self, branch: str, content: bytes) -> None:
        await self.git(*FETCH)
        base = await self.git("rev-parse", "refs/remotes/origin/main")
        for path in (STAGING, PRODUCTION):
            await self.git("cat-file", "blob", f"{base}:{path}")
        made = await self.git("hash-object", "-w", "--stdin", stdin=content)
        entry = f"100644 blob {made}"
        directory, name = os.path.split(PRODUCTION)
        while True:
            listed = await self.git("ls-tree", "-z", f"{base}:{directory}")
            lines = [f"{entry}\t{name}" if line.endswith(f"\t{name}") else line for line in listed.split("\0") if line]
            made = await self.git("mktree", "-z", "--missing", stdin=("\0".join(lines) + "\0").encode())
            if not directory:
                break
            entry = f"040000 tree {made}"
            directory, name = os.path.split(directory)
        commit = await self.git("commit-tree", "-p", base, "-m", "Promote", made)
        ref = f"refs/heads/{branch}"
        await self.git("push", "-q", "--porcelain", f"--force-with-lease={ref}:", "origin", f"{commit}:{ref}")


def fill(server: GitServer, files: int) -> None:
    """A repository with that many files, two overlays and their base."""
    server.create(NAME)
    content = {f"d{n // 100}/f{n}.yaml": f"x: {n}\n" for n in range(files)}
    content |= {STAGING: overlay(2), PRODUCTION: overlay(1), "base/kustomization.yaml": "resources: []\n"}
    stream = b"commit refs/heads/main\ncommitter dev <dev@example.com> 1700000000 +0000\ndata 1\nx\n"
    stream += b"".join(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n".encode() for path, text in content.items())
    server.git(NAME, "fast-import", "--quiet", stdin=stream)
    server.git(NAME, "repack", "-adq")
