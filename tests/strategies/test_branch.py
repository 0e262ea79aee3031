"""Strategy `branch`, over real repositories and a partial mirror: what is merged, what is refused, in which words."""

from datetime import UTC, datetime

import pytest

from bot.domain.change import ValueChange
from bot.domain.identity import Revision, short
from bot.domain.pipeline import EnvironmentBranches
from bot.ports import Signature
from bot.strategies import CannotPlan, NothingToPromote, Side
from bot.strategies.branch import BranchStrategy
from bot.strategies.plan import Conflicts, MergePlan, PlanAnswer
from tests.strategies.conftest import NAME, Repository

STRATEGY = BranchStrategy(EnvironmentBranches(branches={"staging": "staging", "production": "main"}))
BY = Signature(name="Tiphys", email="tiphys@example.com", at=datetime(2026, 3, 4, tzinfo=UTC))
LINES = [f"line {number}\n" for number in range(30)]
Files = dict[str | bytes, bytes | str | None]
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12\n"


@pytest.fixture(autouse=True)
def _start(repository: Repository) -> None:
    """Both branches stand at one commit."""
    repository.commit({"kept": "kept\n", "text": "".join(LINES)})
    repository.fork("staging")


async def planned(repository: Repository, deployed: Revision | None = None) -> PlanAnswer:
    """The plan from what staging runs (default: the tip of its branch) onto the tip of main."""
    await repository.git.fetch()
    base, tip = await repository.git.find_tip("main"), await repository.git.find_tip("staging")
    assert base is not None
    source = Side(environment="staging", treeish=deployed or tip or "")
    return await STRATEGY.plan(repository.git, source=source, target=Side(environment="production", treeish=base))


async def merged(repository: Repository, deployed: Revision | None = None) -> MergePlan:
    plan = await planned(repository, deployed)
    assert isinstance(plan, MergePlan), plan
    return plan


async def refused(repository: Repository, deployed: Revision | None = None) -> CannotPlan:
    plan = await planned(repository, deployed)
    assert isinstance(plan, CannotPlan), plan
    return plan


async def pushed(repository: Repository, plan: MergePlan) -> str:
    """The promotion commit on a branch of the server."""
    base = await repository.git.find_tip("main")
    assert base is not None
    commit = await repository.git.make_merge_commit(base, plan.merged, plan.tree, "promote\n", BY)
    again = await repository.git.make_merge_commit(base, plan.merged, plan.tree, "promote\n", BY)
    assert commit == again
    await repository.git.push("tiphys/x", commit, expected=None)
    assert repository.server.git(NAME, "rev-parse", f"{commit}^1", f"{commit}^2").split() == [base, plan.merged]
    repository.server.git(NAME, "fsck", "--strict")
    return commit


async def test_what_staging_runs_is_merged_into_main(repository: Repository) -> None:
    hotfix = repository.commit({"hotfix": "1\n"})
    feature = repository.commit({"feature": "1\n"}, branch="staging")
    plan = await merged(repository)
    assert plan.merged == feature
    assert await repository.git.changed_paths(hotfix, plan.tree) == ("feature",)
    assert await repository.git.changed_paths(feature, plan.tree) == ("hotfix",)
    await pushed(repository, plan)


async def test_the_commit_that_runs_counts_not_the_tip_of_its_branch(repository: Repository) -> None:
    deployed = repository.commit({"feature": "1\n"}, branch="staging")
    repository.commit({"later": "1\n"}, branch="staging")
    plan = await merged(repository, deployed)
    assert plan.merged == deployed
    assert await repository.git.find_entry(plan.tree, "later") is None


async def test_what_main_has_already_is_nothing_to_promote(repository: Repository) -> None:
    assert await planned(repository) == NothingToPromote()
    deployed = repository.commit({"feature": "1\n"}, branch="staging")
    repository.merge("main", deployed)
    repository.commit({"hotfix": "1\n"})
    assert await planned(repository) == NothingToPromote()
    assert (
        await planned(repository, Revision(repository.server.git(NAME, "rev-parse", "staging^"))) == NothingToPromote()
    )


async def test_the_same_content_by_other_commits_is_nothing_to_promote(repository: Repository) -> None:
    repository.commit({"feature": "1\n"}, branch="staging")
    repository.commit({"feature": "1\n"})
    assert await planned(repository) == NothingToPromote(notes=("main has the same content by other commits",))


async def test_a_hotfix_on_main_is_kept_and_named(repository: Repository) -> None:
    repository.commit({"older": "1\n"}, message="older hotfix")
    hotfix = repository.commit({"text": "".join(["hot\n", *LINES[1:]])}, message="stop the leak")
    repository.commit({"text": "".join([*LINES[:-1], "feature\n"])}, branch="staging")
    plan = await merged(repository)
    assert plan.notes == (f"2 commits on main are not on staging and stay: {short(hotfix)} stop the leak and 1 more",)
    assert await repository.git.read_file(plan.tree, "text") == "".join(["hot\n", *LINES[1:-1], "feature\n"]).encode()


async def test_the_merges_of_earlier_promotions_are_no_hotfixes(repository: Repository) -> None:
    repository.merge("main", repository.commit({"one": "1\n"}, branch="staging"))
    repository.commit({"two": "1\n"}, branch="staging")
    assert (await merged(repository)).notes == ()


async def test_what_was_reverted_on_main_does_not_come_back(repository: Repository) -> None:
    repository.merge("main", repository.commit({"feature": "1\n"}, branch="staging"))
    repository.commit({"feature": None}, message="revert")
    assert await planned(repository) == NothingToPromote()
    repository.commit({"other": "1\n"}, branch="staging")
    assert await repository.git.find_entry((await merged(repository)).tree, "feature") is None


async def test_a_conflict_names_the_path_and_who_touched_it_last(repository: Repository) -> None:
    repository.commit({"text": "first\n"}, author="early")
    ours = repository.commit({"text": "ours\n"}, author="developer")
    repository.commit({"elsewhere": "1\n"}, author="early")
    theirs = repository.commit({"text": "theirs\n"}, branch="staging", author="developer-2")
    found = await planned(repository)
    assert isinstance(found, Conflicts)
    assert (found.source_branch, found.target_branch, found.total) == ("staging", "main", 1)
    [path] = found.paths
    assert path.path == "text"
    assert path.on_target is not None
    assert path.on_source is not None
    assert (path.on_target.revision, path.on_target.author) == (ours, "developer")
    assert (path.on_source.revision, path.on_source.author) == (theirs, "developer-2")


async def test_a_file_that_one_side_renamed_is_followed(repository: Repository) -> None:
    ours = repository.commit({"text": "".join(["ours\n", *LINES[1:]])}, author="developer")
    renamed: Files = {"text": None, "renamed": "".join(["theirs\n", *LINES[1:]])}
    theirs = repository.commit(renamed, branch="staging", author="developer-2")
    found = await planned(repository)
    assert isinstance(found, Conflicts)
    [path] = found.paths
    assert path.path == "renamed"
    assert path.on_target is not None
    assert path.on_source is not None
    assert (path.on_target.revision, path.on_source.revision) == (ours, theirs)


async def test_a_file_that_one_side_deleted_names_who_did(repository: Repository) -> None:
    ours = repository.commit({"text": None}, author="developer")
    theirs = repository.commit({"text": "theirs\n"}, branch="staging")
    found = await planned(repository)
    assert isinstance(found, Conflicts)
    [path] = found.paths
    assert path.on_target is not None
    assert path.on_source is not None
    assert (path.path, path.on_target.revision, path.on_source.revision) == ("text", ours, theirs)


async def test_of_many_conflicts_all_are_counted(repository: Repository) -> None:
    names = [f"f{number:02}" for number in range(25)]
    repository.commit(dict.fromkeys(names, "ours\n"))
    repository.commit(dict.fromkeys(names, "theirs\n"), branch="staging")
    found = await planned(repository)
    assert isinstance(found, Conflicts)
    assert found.total == 25
    assert [path.path for path in found.paths] == names[:10]


async def test_bytes_survive(repository: Repository) -> None:
    """CRLF, binary, names and contents that are not UTF-8, links, executables and LFS pointers, merged or carried."""
    odd = b"d\xff/\xe9"
    crlf = [f"line {number}\r\n" for number in range(30)]
    pointer = LFS.format("0" * 64)
    both: Files = {"crlf": "".join(crlf), "run": "".join(LINES), "link": "kept", "big.bin": pointer}
    repository.commit(both, modes={"link": "120000", "run": "100755"})
    repository.fork("staging")
    repository.commit({"crlf": "".join(["ours\r\n", *crlf[1:]]), "run": "".join(["ours\n", *LINES[1:]])},
                      modes={"run": "100755"})  # fmt: skip
    theirs: Files = {
        "crlf": "".join([*crlf[:-1], "theirs\r\n"]), "run": "".join([*LINES[:-1], "theirs\n"]), "link": "text",
        "big.bin": LFS.format("1" * 64), odd: b"\xfe\x00\xff", "new/link": "../kept", "new/run": "#!\n",
    }  # fmt: skip
    modes: dict[str | bytes, str] = {"run": "100755", "link": "120000", "new/link": "120000", "new/run": "100755"}
    repository.commit(theirs, branch="staging", modes=modes)
    commit = await pushed(repository, await merged(repository))

    def blob(path: str | bytes) -> bytes:
        return repository.server.show(NAME, commit, path)

    assert blob("crlf") == "".join(["ours\r\n", *crlf[1:-1], "theirs\r\n"]).encode()
    assert blob("run") == "".join(["ours\n", *LINES[1:-1], "theirs\n"]).encode()
    assert blob(odd) == b"\xfe\x00\xff"
    assert blob("big.bin") == LFS.format("1" * 64).encode()
    entries = {e.name: e.mode for e in await repository.git.list_entries(commit, "")}
    assert (entries["run"], entries["link"]) == ("100755", "120000")
    assert {e.name: e.mode for e in await repository.git.list_entries(commit, "new")} == {
        "link": "120000", "run": "100755",
    }  # fmt: skip


async def test_attributes_hold_as_in_a_work_tree(repository: Repository) -> None:
    """What is binary or not to be merged conflicts, also where its lines would merge; a union takes both."""
    whole = "".join(LINES)
    names = ("d/secret.enc", "a.lock", "notes", "plain")
    attributes: Files = {".gitattributes": "*.lock -merge\nnotes merge=union\n", "d/.gitattributes": "*.enc binary\n"}
    repository.commit(attributes | dict.fromkeys(names, whole))
    repository.fork("staging")
    repository.commit(dict.fromkeys(names, "".join(["ours\n", *LINES[1:]])))
    repository.commit(dict.fromkeys(names, "".join([*LINES[:-1], "theirs\n"])), branch="staging")
    found = await planned(repository)
    assert isinstance(found, Conflicts)
    assert [path.path for path in found.paths] == ["a.lock", "d/secret.enc"]
    for name in ("a.lock", "d/secret.enc"):  # solved on staging, by whoever can
        repository.commit({name: "".join(["ours\n", *LINES[1:]])}, branch="staging")
    repository.commit({"notes": "".join(["theirs\n", *LINES[1:-1], "theirs\n"])}, branch="staging")
    plan = await merged(repository)
    assert await repository.git.read_file(plan.tree, "plain") == "".join(["ours\n", *LINES[1:-1], "theirs\n"]).encode()
    both = "".join(["ours\n", "theirs\n", *LINES[1:-1], "theirs\n"]).encode()
    assert await repository.git.read_file(plan.tree, "notes") == both


async def test_submodules_that_differ_are_refused(repository: Repository) -> None:
    one, other = "1" * 40, "2" * 40
    repository.commit({"lib/sub": one, "sub": one}, modes={"lib/sub": "160000", "sub": "160000"})
    repository.fork("staging")
    repository.commit({"feature": "1\n"}, branch="staging")
    assert isinstance(await planned(repository), MergePlan)  # the same on both sides: carried
    repository.commit({"lib/sub": other}, modes={"lib/sub": "160000"}, branch="staging")
    cannot = await refused(repository)
    assert cannot.slug == "submodules"
    assert cannot.reason.startswith("1 submodule differs between staging and main (lib/sub)")
    assert "to the same commit on both branches" in cannot.way_out
    repository.commit({"sub": None}, branch="staging")
    assert "2 submodules differ between staging and main (lib/sub and sub)" in (await refused(repository)).reason


async def test_a_commit_that_is_not_on_the_source_branch_is_refused(repository: Repository) -> None:
    repository.fork("feature", "staging")
    unmerged = repository.commit({"feature": "1\n"}, branch="feature")
    cannot = await refused(repository, unmerged)
    assert cannot.slug == "source-off-branch"
    assert cannot.reason == f"staging runs {short(unmerged)}, which is not on branch staging"
    assert "Deploy a commit of staging" in cannot.way_out
    repository.server.git(NAME, "update-ref", "-d", "refs/heads/staging")
    assert (await refused(repository, unmerged)).reason.endswith("not on branch staging, which does not exist")
    gone = Revision("1" * 40)
    assert (await refused(repository, gone)).reason == f"staging runs {short(gone)}, which is not in the repository"


async def test_histories_with_nothing_in_common_are_refused(repository: Repository) -> None:
    repository.server.git(NAME, "update-ref", "-d", "refs/heads/staging")
    repository.commit({"feature": "1\n"}, branch="staging")
    cannot = await refused(repository)
    assert cannot.slug == "git-unrelated-histories"
    assert "no commit in common" in cannot.reason
    assert "--allow-unrelated-histories" in cannot.way_out


async def test_images_of_the_kustomization_are_told(repository: Repository) -> None:
    def images(**tags: str) -> str:
        return "images:\n" + "".join(f"  - name: {name}\n    newTag: {tag}\n" for name, tag in tags.items())

    repository.commit({"kustomization.yaml": images(api="1.0", old="1.0", same="1.0")})
    repository.fork("staging")
    repository.commit({"kustomization.yaml": images(api="2.0", new="3.0", same="1.0")}, branch="staging")
    plan = await merged(repository)
    assert plan.values == (
        ValueChange(name="api", old="1.0", new="2.0", file="kustomization.yaml"),
        ValueChange(name="new", old="", new="3.0", file="kustomization.yaml"),
        ValueChange(name="old", old="1.0", new="", file="kustomization.yaml"),
    )
    base = await repository.git.find_tip("main")
    active, result = (Side(environment="production", treeish=tree) for tree in (base or "", plan.tree))
    assert await STRATEGY.active_differences(repository.git, active=active, result=result) == plan.values


async def test_what_is_no_plain_kustomization_is_merged_all_the_same(repository: Repository) -> None:
    repository.commit({"kustomization.yaml": "images: {{ templated }}\n"}, branch="staging")
    plan = await merged(repository)
    assert plan.values == ()
    assert await repository.git.read_file(plan.tree, "kustomization.yaml") == b"images: {{ templated }}\n"
