"""A mirror of many packs becomes one of few, and everything in it is what it was."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.domain.identity import Revision
from bot.integrations.git import upkeep
from bot.integrations.git.mirror import Mirror
from tests.integrations.git.conftest import BY, NAME
from tests.integrations.git.forge import GitServer

FETCHES = 6


def packs(tmp_path: Path) -> int:
    return len(list((tmp_path / "kept/mirror.git/objects/pack").glob("*.pack")))


async def gather(server: GitServer, mirror: Mirror) -> list[Revision]:
    """A pack for each of some fetches; answers the commits."""
    made = []
    for number in range(FETCHES):
        sha = server.commit(NAME, "main", {"a.yaml": f"a: {number}\n", f"d/{number}.yaml": "x: 1\n"})
        made.append(Revision(sha))
        await mirror.fetch()
    return made


async def test_nothing_is_packed_anew_before_much_has_gathered(
    server: GitServer, mirror: Mirror, tmp_path: Path
) -> None:
    await gather(server, mirror)
    before = packs(tmp_path)
    assert before >= FETCHES
    assert not await mirror.repack()
    assert packs(tmp_path) == before


async def test_what_is_packed_anew_is_read_written_and_fetched_as_before(
    server: GitServer, mirror: Mirror, open_mirror: Callable[..., Mirror], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Also what was made here and is not pushed yet, and files that were never fetched."""
    monkeypatch.setattr(upkeep, "MANY", FETCHES)
    first, *_, tip = await gather(server, mirror)
    assert await mirror.read_file(tip, "a.yaml") == b"a: 5\n"
    unpushed = await mirror.make_commit(tip, {"a.yaml": b"a: ours\n"}, "Ours\n", BY)
    other = open_mirror()  # as another process has it open, with a reader that runs
    assert await other.read_file(tip, "a.yaml") == b"a: 5\n"

    generations = mirror.generation, other.generation
    assert await mirror.repack()
    assert packs(tmp_path) <= 2
    assert await other.read_file(first, "a.yaml") == b"a: 0\n"
    assert await mirror.read_file(first, "d/0.yaml") == b"x: 1\n"
    await mirror.push("ours", unpushed, expected=None)
    assert server.git(NAME, "show", "ours:a.yaml") == "a: ours"
    newest = server.commit(NAME, "main", {"a.yaml": "a: newest\n"})
    await mirror.fetch()
    assert await mirror.find_tip("main") == newest
    assert await mirror.changed_paths(tip, newest) == ("a.yaml",)
    assert (mirror.generation, other.generation) == generations, "it was not taken for damaged"
    assert not await mirror.repack()
