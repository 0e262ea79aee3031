"""The mirror against a real server: reading, committing, merging, pushing."""

import asyncio

import pytest
from aiohttp import web

from bot.domain.identity import Revision
from bot.integrations.git.mirror import Mirror
from bot.ports import ConflictedFile, LeaseLost, MergeConflict, NotFound, Refused, Signature, Unavailable, Unsupported
from tests.integrations.git.conftest import BY, NAME
from tests.integrations.git.forge import GitServer


async def test_reads_files_of_a_fetched_branch(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"a/b/c.yaml": "x: 1\n", "run.sh": "#!/bin/sh\n"}, modes={"run.sh": "100755"})
    await mirror.fetch()
    tip = await mirror.find_tip("main")
    assert tip is not None
    assert tip == server.tip(NAME, "main")
    assert await mirror.read_file(tip, "a/b/c.yaml") == b"x: 1\n"
    assert await mirror.read_file(tip, "a/b") is None
    assert await mirror.read_file(tip, "a/b/nothing") is None
    entry = await mirror.find_entry(tip, "run.sh")
    assert entry is not None
    assert (entry.mode, entry.type) == ("100755", "blob")
    assert [e.name for e in await mirror.list_entries(tip, "")] == ["a", "run.sh"]
    commit = await mirror.commit(tip)
    assert (await mirror.find_entry(commit.tree, "")).id == commit.tree  # type: ignore[union-attr]
    assert (commit.subject, commit.author, commit.parents) == ("change", "dev", ())
    assert await mirror.default_branch() == "main"


async def test_sees_what_was_pushed_after_it_started(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "1"})
    await mirror.fetch()
    assert await mirror.find_tip("other") is None
    second = server.commit(NAME, "other", {"g": "2"})
    assert await mirror.find_tip("other") is None
    await mirror.fetch()
    assert await mirror.find_tip("other") == second
    assert await mirror.read_file(second, "g") == b"2"
    server.git(NAME, "update-ref", "-d", "refs/heads/other")
    await mirror.fetch()
    assert await mirror.find_tip("other") is None


async def test_the_same_commit_again_has_the_same_id(server: GitServer, mirror: Mirror) -> None:
    base = Revision(server.commit(NAME, "main", {"a/run.sh": "1", "a/z": "2", "b": "3"}, modes={"a/run.sh": "100755"}))
    first = await mirror.make_commit(base, {"a/run.sh": b"new\r\n", "new/dir/file": b"x"}, "subject\n\nbody\n", BY)
    again = await mirror.make_commit(base, {"a/run.sh": b"new\r\n", "new/dir/file": b"x"}, "subject\n\nbody\n", BY)
    assert first == again
    assert (await mirror.find_entry(first, "a/run.sh")).mode == "100755"  # type: ignore[union-attr]
    assert await mirror.changed_paths(base, first) == ("a/run.sh", "new/dir/file")
    commit = await mirror.commit(first)
    assert (commit.author, commit.committed_at, commit.parents) == ("tiphys", BY.at, (base,))
    assert (commit.subject, commit.body) == ("subject", "body")
    await mirror.push("tiphys/x", first, expected=None)
    server.git(NAME, "fsck", "--strict")
    assert server.show(NAME, "tiphys/x", "a/run.sh") == b"new\r\n"
    assert server.git(NAME, "ls-tree", "tiphys/x:a").startswith("100755")


async def test_pushes_with_a_lease(server: GitServer, mirror: Mirror) -> None:
    base = Revision(server.commit(NAME, "main", {"f": "1"}))
    one = await mirror.make_commit(base, {"f": b"2"}, "one", BY)
    two = await mirror.make_commit(base, {"f": b"3"}, "two", BY)
    await mirror.push("b", one, expected=None)
    await mirror.push("b", one, expected=None)
    with pytest.raises(LeaseLost) as lost:
        await mirror.push("b", two, expected=None)
    assert lost.value.actual == one
    await mirror.push("b", two, expected=one)
    await mirror.push("b", two, expected=one)
    assert server.tip(NAME, "b") == two
    with pytest.raises(LeaseLost):
        await mirror.delete_branch("b", expected=one)
    await mirror.delete_branch("b", expected=two)
    await mirror.delete_branch("b", expected=two)
    assert server.tip(NAME, "b") is None


async def test_merges_trees(server: GitServer, mirror: Mirror) -> None:
    base = Revision(server.commit(NAME, "main", {"f": "1\n", "g": "1\n"}))
    ours = await mirror.make_commit(base, {"f": b"2\n"}, "ours", BY)
    theirs = Revision(server.commit(NAME, "main", {"g": "2\n"}))
    tree = await mirror.merge_trees(theirs, ours)
    assert isinstance(tree, str)
    assert await mirror.read_file(tree, "f") == b"2\n"
    assert await mirror.read_file(tree, "g") == b"2\n"
    clash = Revision(server.commit(NAME, "main", {"f": "3\n"}))
    file = ConflictedFile(path="f", ours="f", theirs="f")
    assert await mirror.merge_trees(clash, ours) == MergeConflict(files=(file,))
    with pytest.raises(NotFound):
        await mirror.merge_trees(clash, Revision("1" * 40))


async def test_tells_history_and_differences(server: GitServer, mirror: Mirror) -> None:
    first = Revision(server.commit(NAME, "main", {"base/a": "1\n", "b": "1\n"}, "first"))
    server.commit(NAME, "main", {"base/a": "2\n"}, "second\n\nwith a body")
    last = Revision(server.commit(NAME, "main", {"b": "2\n"}, "third"))
    commits, count = await mirror.log(first, last)
    assert ([c.subject for c in commits], count) == (["third", "second"], 2)
    commits, count = await mirror.log(None, last, paths=("base",), limit=1)
    assert ([c.subject for c in commits], count) == (["second"], 2)
    assert await mirror.is_ancestor(first, last)
    assert not await mirror.is_ancestor(last, first)
    assert await mirror.changed_paths(first, last, paths=("base",)) == ("base/a",)
    text = await mirror.diff(first, last, paths=("base",))
    assert "-1\n+2\n" in text
    short = await mirror.diff(first, last, limit=60)
    assert short.endswith("… cut here; 2 files differ\n")
    assert len(short) <= 60
    assert await mirror.diff(first, first) == ""


async def test_files_read_together_are_fetched_together(server: GitServer, mirror: Mirror) -> None:
    files: dict[str | bytes, bytes | str | None] = {f"d{n}/f{n}": str(n) for n in range(20)}
    tip = server.commit(NAME, "main", files)
    await mirror.fetch()
    before = server.count("POST /example/apm.git/git-upload-pack")
    found = await asyncio.gather(*(mirror.read_file(tip, str(path)) for path in files))
    assert found == [str(n).encode() for n in range(20)]
    assert server.count("POST /example/apm.git/git-upload-pack") == before + 1
    assert await mirror.read_file(tip, "d3/f3") == b"3"
    assert server.count("POST /example/apm.git/git-upload-pack") == before + 1


async def test_one_unknown_revision_does_not_spoil_its_neighbours(server: GitServer, mirror: Mirror) -> None:
    tip = server.commit(NAME, "main", {"f": "1"})
    await mirror.fetch()
    answers = await asyncio.gather(
        mirror.read_file(tip, "f"), mirror.commit(Revision("1" * 40)), return_exceptions=True
    )
    assert answers[0] == b"1"
    assert isinstance(answers[1], NotFound)


async def test_a_revision_that_was_not_fetched_yet_is_found(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "1"})
    await mirror.fetch()
    later = Revision(server.commit(NAME, "main", {"f": "2"}, "later"))
    assert (await mirror.commit(later)).subject == "later"
    assert await mirror.read_file(later, "f") == b"2"


@pytest.mark.parametrize("treeish", ["", "main", "HEAD", "-x", "--all", "1" * 39, "1" * 40, "refs/heads/main", "a\nb"])
async def test_what_is_not_a_revision_is_not_found(server: GitServer, mirror: Mirror, treeish: str) -> None:
    tip = Revision(server.commit(NAME, "main", {"f": "1"}))
    bad = Revision(treeish)
    for attempt in (
        mirror.read_file(treeish, "f"), mirror.commit(bad), mirror.diff(treeish, tip), mirror.log(bad or None, bad),
        mirror.is_ancestor(bad, tip), mirror.merge_trees(tip, bad), mirror.make_commit(bad, {}, "m", BY),
        mirror.push("b", bad, expected=None),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await attempt


@pytest.mark.parametrize(
    "branch", ["", "-x", "--all", "a..b", "a@{1}", "a b", "a:b", "x.lock", "/a", "a/", "a\nb", "*"]
)
async def test_bad_branch_names_are_refused(server: GitServer, mirror: Mirror, branch: str) -> None:
    tip = Revision(server.commit(NAME, "main", {"f": "1"}))
    for attempt in (
        mirror.find_tip(branch), mirror.push(branch, tip, expected=None), mirror.delete_branch(branch, expected=tip)
    ):  # fmt: skip
        with pytest.raises(Refused) as raised:
            await attempt
        assert raised.value.slug == "git-bad-branch"


@pytest.mark.parametrize("path", ["../x", "a/../x", "/x", "a//b", "", ".git/config", "a/.GIT/x", "a\0b", "."])
async def test_paths_that_leave_the_repository_are_refused(server: GitServer, mirror: Mirror, path: str) -> None:
    tip = Revision(server.commit(NAME, "main", {"f": "1"}))
    with pytest.raises(Refused):
        await mirror.make_commit(tip, {path: b"x"}, "m", BY)


async def test_paths_that_look_like_options_or_patterns_are_paths(server: GitServer, mirror: Mirror) -> None:
    first = Revision(server.commit(NAME, "main", {"--output=x": "1", "*": "1", ":(top)f": "1", "f": "1"}))
    last = Revision(server.commit(NAME, "main", {"--output=x": "2", "*": "2", ":(top)f": "2", "f": "2"}))
    for path in ("--output=x", "*", ":(top)f"):
        assert await mirror.changed_paths(first, last, paths=(path,)) == (path,)
        assert (await mirror.diff(first, last, paths=(path,))).count("diff --git") == 1
        assert (await mirror.log(first, last, paths=(path,)))[1] == 1
        assert await mirror.read_file(last, path) == b"2"


async def test_names_that_are_not_utf8_keep_their_bytes(server: GitServer, mirror: Mirror) -> None:
    first = Revision(server.commit(NAME, "main", {b"d\xff/\xe9": "1", "f": "1"}))
    odd = b"d\xff/\xe9".decode("utf-8", "surrogateescape")
    assert [entry.name for entry in await mirror.list_entries(first, "")] == [odd.split("/")[0], "f"]
    assert await mirror.read_file(first, odd) == b"1"
    second = await mirror.make_commit(first, {odd: b"2"}, "m", BY)
    assert await mirror.changed_paths(first, second, paths=(odd.split("/")[0],)) == (odd,)
    await mirror.push("b", second, expected=None)
    assert server.git(NAME, "cat-file", "blob", b"b:d\xff/\xe9") == "2"


async def test_only_regular_files_are_files(server: GitServer, mirror: Mirror) -> None:
    first = server.commit(NAME, "main", {"f": "1"})
    modes: dict[str | bytes, str] = {"link": "120000", "sub": "160000", "run": "100755"}
    tip = Revision(server.commit(NAME, "main", {"link": "f", "sub": first, "run": "x", "d/f": "y"}, modes=modes))
    assert await mirror.read_file(tip, "link") is None
    assert await mirror.read_file(tip, "sub") is None
    assert await mirror.list_entries(tip, "f") == ()
    assert {e.name: (e.mode, e.type) for e in await mirror.list_entries(tip, "")} == {
        "d": ("040000", "tree"), "f": ("100644", "blob"), "link": ("120000", "blob"),
        "run": ("100755", "blob"), "sub": ("160000", "commit"),
    }  # fmt: skip
    for path in ("link", "sub", "d", "f/x", "link/x"):
        with pytest.raises(Unsupported):
            await mirror.make_commit(tip, {path: b"x"}, "m", BY)
    made = await mirror.make_commit(tip, {"run": b"y", "d-1": b"z", "d/g": b"z"}, "m", BY)
    assert await mirror.changed_paths(tip, made) == ("d-1", "d/g", "run")
    await mirror.push("b", made, expected=None)
    server.git(NAME, "fsck", "--strict")


async def test_a_file_that_is_too_large_is_said_so(server: GitServer, mirror: Mirror) -> None:
    tip = server.commit(NAME, "main", {"big": b"x" * 1_048_577, "fits": b"x" * 1_048_576})
    with pytest.raises(Unsupported, match="1048577 bytes"):
        await mirror.read_file(tip, "big")
    assert len(await mirror.read_file(tip, "fits") or b"") == 1_048_576


async def test_odd_names_and_messages_make_a_commit(server: GitServer, mirror: Mirror) -> None:
    tip = Revision(server.commit(NAME, "main", {"f": "1"}))
    by = Signature(name="<\n>\0", email="", at=BY.at)
    made = await mirror.make_commit(tip, {"f": b"2"}, "zero \0 and # hash\n\n# body\n", by)
    commit = await mirror.commit(made)
    assert (commit.author, commit.author_email) == ("unknown", "unknown")
    assert (commit.subject, commit.body) == ("zero \ufffd and # hash", "# body")


async def test_a_file_becoming_a_directory_is_a_conflict(server: GitServer, mirror: Mirror) -> None:
    base = Revision(server.commit(NAME, "main", {"f": "1\n", "g": "1\n", "h": "1\n"}))
    ours = await mirror.make_commit(base, {"f": b"ours\n", "g": b"ours\n"}, "ours", BY)
    theirs = Revision(server.commit(NAME, "main", {"f": None, "g": "theirs\n"}))
    found = await mirror.merge_trees(theirs, ours)
    assert isinstance(found, MergeConflict)
    assert set(found.paths) == {"f", "g"}


async def test_lines_apart_merge_although_the_blobs_are_elsewhere(server: GitServer, mirror: Mirror) -> None:
    lines = [f"line {n}\n" for n in range(30)]
    base = Revision(server.commit(NAME, "main", {"f": "".join(lines)}))
    ours = await mirror.make_commit(base, {"f": "".join(["ours\n", *lines[1:]]).encode()}, "ours", BY)
    theirs = Revision(server.commit(NAME, "main", {"f": "".join([*lines[:-1], "theirs\n"])}))
    tree = await mirror.merge_trees(theirs, ours)
    assert isinstance(tree, str)
    assert await mirror.read_file(tree, "f") == "".join(["ours\n", *lines[1:-1], "theirs\n"]).encode()


async def test_a_remote_whose_head_leads_nowhere_still_has_branches(server: GitServer, mirror: Mirror) -> None:
    tip = server.commit(NAME, "develop", {"f": "1"})
    await mirror.fetch()
    assert await mirror.find_tip("develop") == tip
    with pytest.raises(NotFound):
        await mirror.default_branch()


async def test_fetches_at_the_same_time_all_succeed(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "0"})
    for number in range(3):
        tip = server.commit(NAME, "main", {"f": str(number + 1)})
        await asyncio.gather(*(mirror.fetch() for _ in range(4)))
        assert await mirror.find_tip("main") == tip


async def test_a_diff_of_many_files_is_bounded(server: GitServer, mirror: Mirror) -> None:
    first = server.commit(NAME, "main", {f"f{n}": "1\n" for n in range(150)})
    last = server.commit(NAME, "main", {f"f{n}": "2\n" for n in range(150)})
    text = await mirror.diff(first, last, limit=100_000)
    assert text.endswith("… cut here; 150 files differ\n")
    assert text.count("diff --git") == 100


async def test_a_file_renamed_on_the_other_side_takes_our_edit_along(server: GitServer, mirror: Mirror) -> None:
    lines = [f"line {n}\n" for n in range(30)]
    files: dict[str | bytes, bytes | str | None] = {"old/f": "".join(lines), "old/g": "".join(reversed(lines))}
    base = Revision(server.commit(NAME, "main", files))
    ours = await mirror.make_commit(base, {"old/f": "".join(["ours\n", *lines[1:]]).encode()}, "ours", BY)
    renamed = "".join([*lines[:-1], "theirs\n"])
    theirs = Revision(server.commit(NAME, "main", {"old/f": None, "new/f": renamed}))
    tree = await mirror.merge_trees(theirs, ours)
    assert isinstance(tree, str)
    assert await mirror.read_file(tree, "old/f") is None
    assert await mirror.read_file(tree, "new/f") == "".join(["ours\n", *lines[1:-1], "theirs\n"]).encode()


async def test_a_promotion_talks_to_the_remote_twice(server: GitServer, mirror: Mirror) -> None:
    base = Revision(server.commit(NAME, "main", {"a/f": "1", "a/g": "1", "b": "1"}))
    await mirror.fetch()
    base = Revision(server.commit(NAME, "main", {"b": "2"}))
    server.requests.clear()
    await mirror.fetch()
    assert await mirror.find_tip("main") == base
    ours = await mirror.make_commit(base, {"a/f": b"2"}, "m", BY)
    await mirror.push("b", ours, expected=None)
    assert isinstance(await mirror.merge_trees(base, ours), str)
    assert await mirror.changed_paths(base, ours) == ("a/f",)
    assert [line.split("git/")[1] for line in server.requests] == [
        "info/refs?service=git-upload-pack", "git-upload-pack", "git-upload-pack",
        "info/refs?service=git-receive-pack", "git-receive-pack",
    ]  # fmt: skip


async def test_the_default_branch_is_asked_for_when_it_may_have_changed(server: GitServer, mirror: Mirror) -> None:
    server.commit(NAME, "main", {"f": "1"})
    server.commit(NAME, "develop", {"f": "2"})
    await mirror.fetch()
    assert await mirror.default_branch() == "main"
    server.commit(NAME, "main", {"f": "3"})
    await mirror.fetch()
    before = len(server.requests)
    assert await mirror.default_branch() == "main"
    assert len(server.requests) == before
    server.git(NAME, "symbolic-ref", "HEAD", "refs/heads/develop")
    await mirror.fetch()
    assert await mirror.default_branch() == "develop"


async def promotion(server: GitServer, mirror: Mirror) -> tuple[Revision, Revision]:
    """A base, and a promotion commit on it that stands on its branch."""
    base = Revision(server.commit(NAME, "main", {"f": "1"}))
    await mirror.fetch()
    ours = await mirror.make_commit(base, {"f": b"2"}, "promote", BY)
    await mirror.push("tiphys/x", ours, expected=None)
    return base, ours


async def test_a_fast_forward_moves_the_base_to_our_very_commit(server: GitServer, mirror: Mirror) -> None:
    base, ours = await promotion(server, mirror)
    for _ in range(2):  # after a lost answer it is done again
        await mirror.fast_forward("main", ours, expected=base, from_branch="tiphys/x")
    assert server.tip(NAME, "main") == server.tip(NAME, "tiphys/x") == ours


@pytest.mark.parametrize("moved", ["main", "tiphys/x"])
async def test_a_fast_forward_moves_nothing_when_either_end_has_moved(
    server: GitServer, mirror: Mirror, moved: str
) -> None:
    base, ours = await promotion(server, mirror)
    theirs = server.commit(NAME, moved, {"g": "theirs"})
    before = {branch: server.tip(NAME, branch) for branch in ("main", "tiphys/x")}
    with pytest.raises(LeaseLost) as lost:
        await mirror.fast_forward("main", ours, expected=base, from_branch="tiphys/x")
    assert (lost.value.branch, lost.value.actual) == (moved, theirs)
    assert {branch: server.tip(NAME, branch) for branch in ("main", "tiphys/x")} == before


async def test_a_fast_forward_of_a_branch_that_is_gone_moves_nothing(server: GitServer, mirror: Mirror) -> None:
    base, ours = await promotion(server, mirror)
    server.git(NAME, "update-ref", "-d", "refs/heads/tiphys/x")
    with pytest.raises(LeaseLost) as lost:
        await mirror.fast_forward("main", ours, expected=base, from_branch="tiphys/x")
    assert (lost.value.branch, lost.value.actual) == ("tiphys/x", None)
    assert server.tip(NAME, "main") == base


async def test_a_fast_forward_that_the_rules_refuse(server: GitServer, mirror: Mirror) -> None:
    base, ours = await promotion(server, mirror)
    hook = server.root / f"{NAME}.git" / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'error: GH006: Protected branch update failed for refs/heads/main.' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Refused, match=r"the rules of main refuse the push: .*GH006") as raised:
        await mirror.fast_forward("main", ours, expected=base, from_branch="tiphys/x")
    assert raised.value.slug == "protected-branch"
    assert raised.value.way_out
    assert server.tip(NAME, "main") == base


async def test_the_base_moves_while_the_push_is_on_its_way(server: GitServer, mirror: Mirror) -> None:
    """After the remote has said where its branches are: then it is the remote that compares."""
    base, ours = await promotion(server, mirror)
    theirs: list[str] = []

    async def move(request: web.Request) -> None:
        if request.method == "POST" and request.path.endswith("/git-receive-pack") and not theirs:
            theirs.append(server.commit(NAME, "main", {"g": "theirs"}))

    server.faults.append(move)
    with pytest.raises(LeaseLost) as lost:
        await mirror.fast_forward("main", ours, expected=base, from_branch="tiphys/x")
    assert (lost.value.branch, lost.value.actual) == ("main", theirs[0])
    assert server.tip(NAME, "main") == theirs[0]


async def test_a_push_that_is_held_back_for_no_visible_reason_is_tried_again(server: GitServer, mirror: Mirror) -> None:
    base, ours = await promotion(server, mirror)
    lock = server.root / f"{NAME}.git" / "refs" / "heads" / "main.lock"
    lock.touch()
    with pytest.raises(Unavailable):
        await mirror.fast_forward("main", ours, expected=base, from_branch="tiphys/x")
    lock.unlink()
    await mirror.fast_forward("main", ours, expected=base, from_branch="tiphys/x")
    assert server.tip(NAME, "main") == ours
