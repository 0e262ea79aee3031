"""The world's bare repositories: refs as files tell them, compare-and-swap, and who is told."""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from threading import Event

import pytest

from bot.sandbox.github.plumbing import Plumbing, person
from bot.sandbox.repositories import BranchMoved, GitFailed, Repositories
from bot.tasks import TaskSet

NAME = "example/shop"


async def commits(repositories: Repositories, count: int) -> list[str]:
    """That many commits, each on the one before."""
    plumbing, made = Plumbing(repositories, NAME), list[str]()
    for number in range(count):
        tree = await plumbing.tree(None, {"file": str(number).encode()})
        by = person("developer")
        made.append(await plumbing.commit(tree, made[-1:], f"{number}\n", by, by))
    return made


@pytest.fixture
async def repositories(tmp_path: Path) -> Repositories:
    made = Repositories(tmp_path)
    made.base_url = "http://127.0.0.1:7"
    await made.create(NAME, default_branch="develop")
    return made


async def test_names_and_addresses(repositories: Repositories) -> None:
    await repositories.create("example/another")
    assert repositories.names() == ["example/another", NAME]
    assert repositories.clone_url(NAME) == f"http://127.0.0.1:7/{NAME}.git"
    assert repositories.named_by(f"http://127.0.0.1:99/{NAME}") == NAME
    assert repositories.named_by("http://127.0.0.1:99/example/nothing.git") is None
    assert repositories.default_branch(NAME) == "develop"


async def test_creating_again_keeps_what_is_there(repositories: Repositories) -> None:
    [sha] = await commits(repositories, 1)
    await repositories.move_branch(NAME, "develop", sha, expected=None)
    await repositories.create(NAME)
    assert repositories.tips(NAME) == {"develop": sha}
    assert repositories.default_branch(NAME) == "develop"


async def test_branches_move_by_compare_and_swap(repositories: Repositories) -> None:
    told: list[tuple[str, str, str | None]] = []
    repositories.on_push.append(lambda *push: told.append(push))
    one, two = await commits(repositories, 2)
    await repositories.move_branch(NAME, "a/b", one, expected=None)
    for new, expected in ((two, None), (two, two), (None, two)):
        with pytest.raises(BranchMoved):
            await repositories.move_branch(NAME, "a/b", new, expected=expected)
    await repositories.move_branch(NAME, "a/b", two, expected=one)
    await repositories.move_branch(NAME, "a/b", None, expected=two)
    assert told == [(NAME, "a/b", one), (NAME, "a/b", two), (NAME, "a/b", None)]


async def test_of_many_at_once_one_wins(repositories: Repositories) -> None:
    made = await commits(repositories, 5)
    moves = [repositories.move_branch(NAME, "develop", sha, expected=None) for sha in made]
    results = await asyncio.gather(*moves, return_exceptions=True)
    assert sum(result is None for result in results) == 1


async def test_tips_are_the_branches_loose_and_packed(repositories: Repositories) -> None:
    assert repositories.tips(NAME) == {} == await repositories.branches(NAME)
    one, two = await commits(repositories, 2)
    for branch in ("develop", "team/x", "team/y"):
        await repositories.move_branch(NAME, branch, one, expected=None)
    await repositories.git(NAME, "pack-refs", "--all")
    await repositories.git(NAME, "tag", "v1", one)
    await repositories.move_branch(NAME, "team/x", two, expected=one)
    await repositories.move_branch(NAME, "team/y", None, expected=one)
    assert repositories.tips(NAME) == {"develop": one, "team/x": two} == await repositories.branches(NAME)


async def test_tips_can_be_read_while_branches_and_their_folders_come_and_go(repositories: Repositories) -> None:
    [one] = await commits(repositories, 1)
    folder = repositories.path(NAME) / "refs" / "heads" / "team" / "deep" / "er"
    over = Event()

    def come_and_go() -> None:
        while not over.is_set():
            folder.mkdir(parents=True)
            (folder / "x").write_text(one)
            shutil.rmtree(folder.parent.parent)

    task = TaskSet("test").start(asyncio.to_thread(come_and_go), name="come-and-go")
    try:
        await asyncio.to_thread(lambda: [repositories.tips(NAME) for _ in range(500)])
    finally:
        over.set()
    await task


async def test_a_failed_command_says_what_git_said(repositories: Repositories) -> None:
    with pytest.raises(GitFailed, match="git rev-parse: fatal"):
        await repositories.git(NAME, "rev-parse", "--verify", "nothing")
    assert await repositories.find_commit(NAME, "nothing") is None


async def test_a_cancelled_command_leaves_no_process(repositories: Repositories, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    tasks = TaskSet("test")
    tasks.start(repositories.git(NAME, "hash-object", str(pipe)), name="reads-for-ever")
    writer = await _opened_by_reader(pipe)
    await tasks.close()
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"nobody reads this")
    os.close(writer)


async def _opened_by_reader(pipe: Path) -> int:
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):  # nobody reads yet
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            await asyncio.sleep(0.01)
