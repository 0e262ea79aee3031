"""Merging two commits on a partial mirror: the names of what conflicts, and how often the remote is asked for files."""

import pytest

from bot.domain.identity import Revision
from bot.integrations.git.mirror import Mirror
from bot.ports import ConflictedFile, MergeConflict, NotFound, Unsupported
from tests.integrations.git.conftest import BY, NAME
from tests.integrations.git.forge import GitServer

Files = dict[str | bytes, bytes | str | None]
LINES = [f"line {number}\n" for number in range(30)]


def fetches(server: GitServer) -> int:
    return server.count(f"POST /{NAME}.git/git-upload-pack")


async def forked(server: GitServer, mirror: Mirror, ours: Files, theirs: Files) -> tuple[Revision, Revision]:
    """Two commits on the tip of main."""
    base = server.tip(NAME, "main")
    one = Revision(server.commit(NAME, "ours", ours, parent=base))
    other = Revision(server.commit(NAME, "theirs", theirs, parent=base))
    await mirror.fetch()
    return one, other


async def test_a_renamed_file_is_named_as_each_side_has_it(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"a": "".join(LINES), b"\xff": "".join(reversed(LINES))})
    ours: Files = {"a": "".join(["ours\n", *LINES[1:]]), b"\xff": None}
    theirs: Files = {"a": None, "b": "".join(["theirs\n", *LINES[1:]]), b"\xff": "theirs\n"}
    found = await mirror.merge_trees(*await forked(server, mirror, ours, theirs))
    odd = "\udcff"
    assert found == MergeConflict(
        files=(ConflictedFile(path="b", ours="a", theirs="b"), ConflictedFile(path=odd, ours=odd, theirs=odd))
    )
    assert found.paths == ("b", odd)


async def test_many_renamed_and_edited_files_are_fetched_together(server: GitServer, mirror: Mirror) -> None:
    """Git compares all that went with all that came, and would ask for each file by itself."""
    texts = {n: "".join(f"{n} {line}" for line in LINES) for n in range(60)}
    server.commit(NAME, "main", {f"old/{n}": text for n, text in texts.items()})
    ours: Files = {f"old/{n}": f"ours\n{text}" for n, text in texts.items()}
    gone: Files = dict.fromkeys([f"old/{n}" for n in texts])
    theirs = gone | {f"new/{n}": f"{text}theirs\n" for n, text in texts.items()}
    one, other = await forked(server, mirror, ours, theirs)
    before = fetches(server)
    tree = await mirror.merge_trees(one, other)
    assert isinstance(tree, str)
    assert fetches(server) - before <= 4
    assert await mirror.read_file(tree, "new/59") == f"ours\n{texts[59]}theirs\n".encode()
    assert await mirror.find_entry(tree, "old") is None


async def test_a_merge_that_needs_no_contents_asks_for_none(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {f"d/f{n}": str(n) for n in range(50)})
    one, other = await forked(server, mirror, {"d/f1": "ours"}, {"d/f2": "theirs"})
    before = fetches(server)
    assert isinstance(await mirror.merge_trees(one, other, attributes=True), str)
    assert fetches(server) == before


async def test_attributes_hold_only_where_they_are_wanted(server: GitServer, mirror: Mirror) -> None:
    odd = b"d\xff/.gitattributes"
    server.commit(NAME, "main", {odd: "* -merge\n", b"d\xff/f": "".join(LINES), "f": "".join(LINES)})
    ours: Files = dict.fromkeys((b"d\xff/f", "f"), "".join(["ours\n", *LINES[1:]]))
    theirs: Files = dict.fromkeys((b"d\xff/f", "f"), "".join([*LINES[:-1], "theirs\n"]))
    one, other = await forked(server, mirror, ours, theirs)
    assert isinstance(await mirror.merge_trees(one, other), str)
    found = await mirror.merge_trees(one, other, attributes=True)
    assert isinstance(found, MergeConflict)
    assert found.paths == ("d\udcff/f",)


async def test_attributes_are_those_of_our_side(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "".join(LINES)})
    ours: Files = {"f": "".join(["ours\n", *LINES[1:]])}
    theirs: Files = {"f": "".join([*LINES[:-1], "theirs\n"]), ".gitattributes": "f -merge\n"}
    one, other = await forked(server, mirror, ours, theirs)
    assert isinstance(await mirror.merge_trees(one, other, attributes=True), str)
    assert isinstance(await mirror.merge_trees(other, one, attributes=True), MergeConflict)


async def test_attributes_that_no_work_tree_could_hold_are_refused(server: GitServer, mirror: Mirror) -> None:
    long = "d" * 300
    server.commit(NAME, "main", {f"{long}/.gitattributes": "f -merge\n", f"{long}/f": "1\n"})
    one, other = await forked(server, mirror, {f"{long}/f": "2\n"}, {f"{long}/f": "3\n"})
    with pytest.raises(Unsupported, match="name too long") as raised:
        await mirror.merge_trees(one, other, attributes=True)
    assert raised.value.slug == "git-attributes"


async def test_histories_that_have_nothing_in_common_are_not_merged(server: GitServer, mirror: Mirror) -> None:
    one = Revision(server.commit(NAME, "main", {"f": "1\n"}))
    other = Revision(server.commit(NAME, "other", {"f": "1\n"}))
    with pytest.raises(Unsupported) as raised:
        await mirror.merge_trees(one, other)
    assert raised.value.slug == "git-unrelated-histories"
    assert raised.value.way_out


async def test_a_merge_commit_has_both_parents_and_the_same_id_every_time(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "1\n"})
    one, other = await forked(server, mirror, {"a": "1\n"}, {"b": "1\n"})
    tree = await mirror.merge_trees(one, other)
    assert isinstance(tree, str)
    made = await mirror.make_merge_commit(one, other, tree, "m\n", BY)
    assert made == await mirror.make_merge_commit(one, other, tree, "m\n", BY)
    commit = await mirror.commit(made)
    assert (commit.parents, commit.tree, commit.author) == ((one, other), tree, "tiphys")
    await mirror.push("x", made, expected=None)
    server.git(NAME, "fsck", "--strict")
    for base, merged, of in ((one, other, "1" * 40), (Revision("1" * 40), other, tree), (one, Revision("x"), tree)):
        with pytest.raises(NotFound):
            await mirror.make_merge_commit(base, merged, of, "m\n", BY)


async def test_submodules_that_differ_are_found_wherever_they_are(server: GitServer, mirror: Mirror) -> None:
    def modes(*paths: str) -> dict[str | bytes, str]:
        return dict.fromkeys(paths, "160000")

    first: Files = {"same": "1" * 40, "moved": "1" * 40, "gone": "1" * 40, "f": "1\n"}
    old = server.commit(NAME, "main", first, modes=modes("same", "moved", "gone"))
    second: Files = {"moved": "2" * 40, "gone": None, "d/new": "1" * 40, "f": "2\n"}
    new = server.commit(NAME, "main", second, modes=modes("moved", "d/new"))
    await mirror.fetch()
    assert await mirror.changed_submodules(old, new) == ("d/new", "gone", "moved")
    assert await mirror.changed_submodules(new, new) == ()


async def test_the_history_can_leave_merges_out(server: GitServer, mirror: Mirror) -> None:
    base = Revision(server.commit(NAME, "main", {"f": "1\n"}))
    one, other = await forked(server, mirror, {"a": "1\n"}, {"b": "1\n"})
    merged = Revision(server.merge(NAME, "ours", other))
    await mirror.fetch()
    commits, total = await mirror.log(base, merged)
    assert (commits[0].revision, total) == (merged, 3)
    commits, total = await mirror.log(base, merged, merges=False)
    assert ({commit.revision for commit in commits}, total) == ({one, other}, 2)
