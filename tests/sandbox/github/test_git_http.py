"""Git over HTTP, with the real git on the other side."""

import asyncio
import gzip
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.sandbox.github.git_http import GitHttp
from bot.sandbox.seeded import TOKENS
from bot.sandbox.traffic import Fault, LoggedRequest
from tests.sandbox.github.conftest import REPO, Forge, GitRun


async def change(forge: Forge, clone: Path, branch: str, path: str, text: str) -> str:
    (clone / path).write_text(text)
    await forge.git("checkout", "-q", "-B", branch, at=clone)
    await forge.git("add", "-A", at=clone)
    await forge.git("commit", "-q", "-m", f"write {path}", at=clone)
    return (await forge.git("rev-parse", "HEAD", at=clone)).out.strip()


async def test_clone_and_push(forge: Forge) -> None:
    clone = await forge.clone("clone")
    assert (clone / "app.yaml").read_text() == "tag: 1\n"
    sha = await change(forge, clone, "topic", "app.yaml", "tag: 2\n")
    run = await forge.git("push", "--porcelain", "origin", "topic", at=clone)
    assert run.code == 0, run.err
    assert forge.tip("topic") == sha
    assert (REPO, "topic", sha) in forge.pushes


async def test_partial_clone_fetches_blobs_when_they_are_needed(forge: Forge) -> None:
    clone = await forge.clone("partial", "--bare", "--filter=blob:none")
    missing = (await forge.git("rev-list", "--objects", "--missing=print", "main", at=clone)).out
    assert len([line for line in missing.splitlines() if line.startswith("?")]) == 2
    assert (await forge.git("cat-file", "blob", "main:app.yaml", at=clone)).out == "tag: 1\n"


async def test_any_commit_may_be_fetched_by_its_sha(forge: Forge) -> None:
    """`uploadpack.allowAnySHA1InWant`: also one that no branch has any longer."""
    lost = await forge.commit("topic", {"a": "1"})
    await forge.commit("topic", {"a": "2"}, force=True, **{"from": "main"})
    clone = await forge.clone("clone")
    assert (await forge.git("fetch", "-q", "origin", lost, at=clone)).code == 0


async def test_a_zipped_request_body_is_understood(forge: Forge) -> None:
    tip = forge.tip("main")
    want = f"0032want {tip}\n00000009done\n".encode()
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Content-Encoding": "gzip"}
    async with httpx.AsyncClient(auth=("x-access-token", TOKENS.github_tiphys)) as client:
        url = f"{forge.repositories.clone_url(REPO)}/git-upload-pack"
        answer = await client.post(url, content=gzip.compress(want), headers=headers)
    assert answer.status_code == 200
    assert b"PACK" in answer.content


async def test_a_big_push_comes_in_chunks(forge: Forge) -> None:
    clone = await forge.clone("clone")
    await forge.git("config", "http.postBuffer", "65536", at=clone)
    (clone / "big").write_bytes(bytes(range(256)) * 8192)
    await forge.git("config", "core.compression", "0", at=clone)
    sha = await change(forge, clone, "topic", "small", "x")
    run = await forge.git("push", "origin", "topic", at=clone)
    assert run.code == 0, run.err
    assert forge.tip("topic") == sha


async def test_a_lost_lease_changes_nothing(forge: Forge) -> None:
    clone = await forge.clone("clone")
    ours = await change(forge, clone, "topic", "a", "1")
    theirs = await forge.commit("topic", {"b": "2"})
    lease = "--force-with-lease=refs/heads/topic:"
    run = await forge.git("push", "--porcelain", lease, "origin", f"{ours}:refs/heads/topic", at=clone)
    assert run.code == 1
    assert "(stale info)" in run.out
    assert forge.tip("topic") == theirs
    run = await forge.git("push", "--porcelain", f"{lease}{theirs}", "origin", f"{ours}:refs/heads/topic", at=clone)
    assert run.code == 0, run.err
    assert forge.tip("topic") == ours


async def test_a_lease_on_deletion(forge: Forge) -> None:
    tip = await forge.commit("topic", {"a": "1"})
    clone = await forge.clone("clone")
    wrong = f"--force-with-lease=refs/heads/topic:{forge.tip('main')}"
    assert (await forge.git("push", "--porcelain", wrong, "origin", ":refs/heads/topic", at=clone)).code == 1
    right = f"--force-with-lease=refs/heads/topic:{tip}"
    assert (await forge.git("push", "--porcelain", right, "origin", ":refs/heads/topic", at=clone)).code == 0
    assert forge.tip("topic") is None
    assert forge.pushes[-1] == (REPO, "topic", None)


async def test_without_a_good_token_there_is_nothing(forge: Forge) -> None:
    url = forge.repositories.clone_url(REPO)
    assert "terminal prompts disabled" in (await forge.git("ls-remote", url, token=None)).err
    assert (await forge.git("ls-remote", url, token="ghp_wrong")).code == 128
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/info/refs?service=git-upload-pack")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="GitHub"'
        bearer = {"Authorization": f"Bearer {TOKENS.github_tiphys}"}
        assert (await client.get(f"{url}/info/refs?service=git-upload-pack", headers=bearer)).status_code == 200


async def test_an_unknown_repository_is_not_found(forge: Forge) -> None:
    run = await forge.git("ls-remote", f"{forge.repositories.base_url}/example/nothing.git")
    assert run.code == 128
    assert "not found" in run.err


async def test_the_forge_keeps_its_own_refs_to_itself(forge: Forge) -> None:
    pull = await forge.open("topic")
    clone = await forge.clone("clone")
    seen = (await forge.git("ls-remote", "origin", at=clone)).out
    assert f"{pull['head']['sha']}\trefs/pull/1/head" in seen
    run = await forge.git("push", "--porcelain", "origin", "HEAD:refs/pull/1/head", at=clone)
    assert "deny updating a hidden ref" in run.out


async def test_pushes_are_logged_as_git_with_their_updates_and_no_secret(forge: Forge) -> None:
    clone = await forge.clone("clone")
    sha = await change(forge, clone, "topic", "a", "1")
    await forge.git("push", "origin", "topic", at=clone)
    logged, _ = forge.traffic.requests(service="git")
    push = logged[-1]
    assert push.path == f"/{REPO}.git/git-receive-pack"
    assert push.body == {"updates": [{"ref": "refs/heads/topic", "old": None, "new": sha}]}
    assert (push.status, push.applied) == (200, True)
    assert {entry.service for entry in logged} == {"git"}
    assert TOKENS.github_tiphys not in str([entry.as_json() for entry in logged])


async def test_a_refused_push_is_logged_as_not_applied(forge: Forge) -> None:
    assert (await forge.deed("protect", branch="main", reviews=1)).status_code == 200
    clone = await forge.clone("clone")
    await change(forge, clone, "main", "a", "1")
    await forge.git("push", "origin", "main", at=clone)
    push = forge.traffic.requests(service="git")[0][-1]
    assert (push.status, push.applied) == (200, False)


async def test_two_quick_pushes_to_a_branch_are_both_told_of(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one comes when git has made the first, and before the forge has looked at what git made."""
    opened = await forge.open("topic")
    clone = await forge.clone("clone")
    await forge.git("checkout", "-q", "-b", "topic", "origin/topic", at=clone)
    one, two = await change(forge, clone, "topic", "one", "1"), await change(forge, clone, "topic", "two", "2")
    backend = GitHttp._backend

    def pushes() -> list[LoggedRequest]:
        return [r for r in forge.traffic.requests(service="git")[0] if r.path.endswith("git-receive-pack")]

    async def slow_to_look(self: GitHttp, *arguments: Any) -> web.StreamResponse:
        response = await backend(self, *arguments)
        if arguments[2] == "git-receive-pack" and forge.tip("topic") == one:
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    while len(pushes()) == 1:  # noqa: ASYNC110  # by another connection
                        await asyncio.sleep(0.01)
                async with asyncio.timeout(1):
                    while forge.tip("topic") == one:  # noqa: ASYNC110  # by another process
                        await asyncio.sleep(0.01)
        return response

    monkeypatch.setattr(GitHttp, "_backend", slow_to_look)

    async def push_again() -> GitRun:
        async with asyncio.timeout(10):
            while forge.tip("topic") != one:  # noqa: ASYNC110  # by another process
                await asyncio.sleep(0.01)
        return await forge.git("push", "origin", f"{two}:refs/heads/topic", at=clone)

    first, second = await asyncio.gather(forge.git("push", "origin", f"{one}:refs/heads/topic", at=clone), push_again())
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert [push for push in forge.pushes if push[1] == "topic"][-2:] == [(REPO, "topic", one), (REPO, "topic", two)]
    assert (await forge.pull(opened["number"]))["head"]["sha"] == two
    assert [entry.applied for entry in pushes()] == [True, True]


async def test_a_push_that_is_applied_but_not_answered(forge: Forge) -> None:
    """The fault `apply_then_reset`: git fails, the branch has moved all the same; repeating it is a success."""
    clone = await forge.clone("clone")
    sha = await change(forge, clone, "topic", "a", "1")
    fault = Fault(id="", service="git", do="apply_then_reset", path=_receive_pack(), method="POST", left=1)
    forge.traffic.add_fault(fault)
    run = await forge.git("push", "--porcelain", "origin", "topic", at=clone)
    assert run.code != 0
    assert forge.tip("topic") == sha
    again = await forge.git("push", "--porcelain", "origin", "topic", at=clone)
    assert again.code == 0
    assert "[up to date]" in again.out


def _receive_pack() -> re.Pattern[str]:
    return re.compile("git-receive-pack$")
