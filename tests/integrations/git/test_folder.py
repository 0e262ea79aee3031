"""The mirror's folder: crashes, damage, other processes, a changed address."""

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.identity import Revision
from bot.integrations.git.environment import GitTimeouts
from bot.integrations.git.mirror import Mirror
from bot.ports import NotFound, Unavailable
from tests.integrations.git.conftest import NAME, TOKEN
from tests.integrations.git.faults import answering, silent
from tests.integrations.git.forge import GitServer


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "mirror.git"


async def test_a_mirror_is_kept_between_processes(server: GitServer, open_mirror: Callable[..., Mirror]) -> None:
    tip = server.commit(NAME, "main", {"f": "1"})
    first = open_mirror()
    await first.fetch()
    assert await first.read_file(tip, "f") == b"1"
    await first.close()
    server.faults.append(answering(500))
    again = open_mirror()
    assert await again.find_tip("main") == tip
    assert await again.read_file(tip, "f") == b"1"


async def test_a_first_fetch_that_fails_leaves_no_mirror(server: GitServer, mirror: Mirror, kept: Path) -> None:
    tip = server.commit(NAME, "main", {"f": "1"})
    server.faults.append(answering(500, on="git-upload-pack"))
    with pytest.raises(Unavailable):
        await mirror.find_tip("main")
    assert not kept.exists()
    server.faults.clear()
    assert await mirror.find_tip("main") == tip


async def test_stale_locks_of_a_killed_writer_are_removed(
    server: GitServer, open_mirror: Callable[..., Mirror], kept: Path
) -> None:
    server.commit(NAME, "main", {"f": "1"})
    first = open_mirror()
    await first.fetch()
    await first.close()
    for name in ("refs/remotes/origin/main.lock", "packed-refs.lock", "config.lock"):
        (kept / name).touch()
    old, fresh = kept / "objects/pack/tmp_pack_old", kept / "objects/pack/tmp_pack_fresh"
    old.touch()
    fresh.touch()
    os.utime(old, (0, 0))
    tip = server.commit(NAME, "main", {"f": "2"})
    again = open_mirror()
    await again.fetch()
    assert await again.find_tip("main") == tip
    assert not list(kept.rglob("*.lock"))
    assert (old.exists(), fresh.exists()) == (False, True)


async def test_a_lock_left_by_our_own_interrupted_fetch_is_removed(
    server: GitServer, open_mirror: Callable[..., Mirror], kept: Path
) -> None:
    server.commit(NAME, "main", {"f": "1"})
    mirror = open_mirror(timeouts=GitTimeouts(network=0.5))
    await mirror.fetch()
    server.faults.append(silent())
    with pytest.raises(Unavailable):
        await mirror.fetch()
    (kept / "refs/remotes/origin/main.lock").touch()
    server.faults.clear()
    tip = server.commit(NAME, "main", {"f": "2"})
    await mirror.fetch()
    assert await mirror.find_tip("main") == tip


@pytest.mark.parametrize("damage", ["config", "HEAD", "objects", "packs", "loose", "ref", "everything"])
async def test_a_damaged_mirror_is_fetched_anew(
    server: GitServer, open_mirror: Callable[..., Mirror], kept: Path, damage: str
) -> None:
    tip = server.commit(NAME, "main", {"a/f": "1"})
    first = open_mirror()
    await first.fetch()
    assert await first.read_file(tip, "a/f") == b"1"
    await first.close()
    spoil(kept, damage)
    again = open_mirror()
    await again.fetch()
    assert await again.find_tip("main") == tip
    assert await again.read_file(tip, "a/f") == b"1"


def spoil(kept: Path, damage: str) -> None:
    files = [file for file in kept.rglob("*") if file.is_file()]
    match damage:
        case "config" | "HEAD":
            (kept / damage).unlink()
        case "objects":
            for file in files:
                if "objects" in file.parts:
                    file.unlink()
        case "packs":
            for file in files:
                if file.suffix == ".pack":
                    file.chmod(0o600)
                    file.write_bytes(file.read_bytes()[:-30])
        case "loose":
            for file in files:
                if "objects" in file.parts:
                    file.chmod(0o600)
                    file.write_bytes(b"")
        case "ref":
            (kept / "refs/remotes/origin/main").write_text("f" * 40 + "\n")
        case _:
            for file in files:
                file.chmod(0o600)
                file.write_bytes(b"\0")


async def test_a_mirror_damaged_while_it_is_in_use_is_fetched_anew_once(
    server: GitServer, mirror: Mirror, kept: Path
) -> None:
    tip = Revision(server.commit(NAME, "main", {"a/f": "1"}))
    await mirror.fetch()
    spoil(kept, "everything")
    found = await asyncio.gather(*(mirror.changed_paths(tip, tip) for _ in range(4)))
    assert found == [()] * 4
    assert mirror.generation == 2


async def test_a_changed_address_is_followed(server: GitServer, open_mirror: Callable[..., Mirror]) -> None:
    server.commit(NAME, "main", {"f": "1"})
    first = open_mirror()
    await first.fetch()
    await first.close()
    server.create("example/moved")
    tip = server.commit("example/moved", "main", {"g": "2"})
    moved = open_mirror(url=server.url("example/moved"))
    assert await moved.find_tip("main") == tip
    assert await moved.read_file(tip, "g") == b"2"


async def test_writers_of_two_processes_take_turns(server: GitServer, open_mirror: Callable[..., Mirror]) -> None:
    server.commit(NAME, "main", {"f": "0"})
    one, other = open_mirror(), open_mirror()
    await one.fetch()
    for number in range(3):
        tip = server.commit(NAME, "main", {"f": str(number + 1)})
        await asyncio.gather(*(mirror.fetch() for mirror in (one, other) for _ in range(3)))
        assert await one.find_tip("main") == await other.find_tip("main") == tip


async def test_a_lock_that_is_never_given_back_is_unavailable(
    server: GitServer, open_mirror: Callable[..., Mirror], kept: Path
) -> None:
    server.commit(NAME, "main", {"f": "1"})
    mirror = open_mirror(timeouts=GitTimeouts(lock=0.2))
    await mirror.fetch()
    held = os.open(f"{kept}.lock", os.O_RDWR)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="holds the mirror"):
            await mirror.fetch()
        assert await mirror.find_tip("main") is not None
    finally:
        os.close(held)
    await mirror.fetch()


async def test_what_a_killed_process_left_running_keeps_the_lock(
    server: GitServer, open_mirror: Callable[..., Mirror], kept: Path
) -> None:
    server.commit(NAME, "main", {"f": "1"})
    mirror = open_mirror(timeouts=GitTimeouts(lock=0.3))
    await mirror.fetch()
    asked = len(server.requests)
    server.faults.append(silent(until=server.release))
    doomed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _FETCHER, str(kept), server.url(NAME), TOKEN, start_new_session=True
    )
    server.asked.clear()
    await server.asked.wait()
    assert len(server.requests) > asked
    doomed.kill()
    await doomed.wait()
    with pytest.raises(Unavailable, match="holds the mirror"):
        await mirror.fetch()
    server.release.set()
    server.faults.clear()
    async with asyncio.timeout(20):
        while True:
            try:
                await mirror.fetch()
            except Unavailable:
                continue
            break


_FETCHER = """
import asyncio, pathlib, sys
from bot.integrations.git.mirror import Mirror
asyncio.run(Mirror(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]).fetch())
"""


async def test_reading_goes_on_after_git_was_killed(server: GitServer, mirror: Mirror) -> None:
    tip = server.commit(NAME, "main", {"a/f": "1", "b/f": "2"})
    await mirror.fetch()
    assert await mirror.read_file(tip, "a/f") == b"1"
    for pid in cat_file_processes():
        os.kill(pid, signal.SIGKILL)
    assert await mirror.read_file(tip, "b/f") == b"2"


async def test_an_interrupted_reading_does_not_mix_up_answers(server: GitServer, mirror: Mirror) -> None:
    files: dict[str | bytes, bytes | str | None] = {f"d{n}/f": f"{n}\n" * 20_000 for n in range(20)}
    tip = server.commit(NAME, "main", files)
    await mirror.fetch()
    await asyncio.gather(*(mirror.read_file(tip, str(path)) for path in files))
    for steps in range(1, 12):
        reading = [asyncio.ensure_future(mirror.read_file(tip, f"d{n}/f")) for n in range(3)]  # noqa: TID251
        for _ in range(steps):
            await asyncio.sleep(0)
        for one in reading:
            one.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        assert await mirror.read_file(tip, "d7/f") == b"7\n" * 20_000


async def test_closing_ends_every_process(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "1"})
    await mirror.fetch()
    await mirror.find_tip("main")
    assert cat_file_processes()
    await mirror.close()
    assert not cat_file_processes()


async def test_an_empty_repository_has_no_branches(mirror: Mirror) -> None:
    await mirror.fetch()
    assert await mirror.find_tip("main") is None
    with pytest.raises(NotFound):
        await mirror.default_branch()


def cat_file_processes() -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if words[:2] == [b"git", b"cat-file"] and int(parent) == os.getpid():
                found.append(int(folder.name))
    return found
