"""`bot.ports.Git` for one repository: a kept bare partial mirror, plumbing only."""

import asyncio
import functools
import re
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from bot.credentials import Credential, as_credential
from bot.domain.identity import Revision, is_revision
from bot.integrations.git.branches import PushAnswer, checked_branch, is_protection, push_answer
from bot.integrations.git.cat_file import CatFile
from bot.integrations.git.commands import GitCommands
from bot.integrations.git.differences import Changed, changed_files, diff_text
from bot.integrations.git.environment import GitEnvironment, GitTimeouts
from bot.integrations.git.failures import SYSTEM, Corrupt, network_failure
from bot.integrations.git.folder import MirrorFolder
from bot.integrations.git.inspection import may_push
from bot.integrations.git.merging import merge_trees
from bot.integrations.git.objects import Objects
from bot.integrations.git.remote import HEAD_REF, fetch_branches, list_refs
from bot.integrations.git.trees import blob_id_of, known_blob_id, tree_with_files
from bot.integrations.git.upkeep import repack
from bot.integrations.git.wanted import Wanted
from bot.meter import SILENT, Meter
from bot.ports import Commit, LeaseLost, MergeConflict, NotFound, Refused, Signature, TreeEntry, Unavailable
from bot.tasks import TaskSet

P = ParamSpec("P")
R = TypeVar("R")


def _on_a_sound_mirror(
    method: Callable[Concatenate["Mirror", P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate["Mirror", P], Coroutine[Any, Any, R]]:
    """Prepare the mirror first; where it turns out to be damaged, replace it and do the work once more."""

    @functools.wraps(method)
    async def sound(self: "Mirror", /, *args: P.args, **kwargs: P.kwargs) -> R:
        await self.prepare()
        seen = self.generation
        try:
            return await method(self, *args, **kwargs)
        except Corrupt as damage:
            await self.replace(seen, str(damage))
        try:
            return await method(self, *args, **kwargs)
        except Corrupt as damage:
            raise Unavailable(SYSTEM, f"the mirror is damaged, also after it was fetched anew: {damage}") from damage

    return sound


class Mirror:
    """One repository. Construct it once per folder and process; `close` it at the end.

    Nothing happens before the first call, which makes the mirror (one fetch) when there is none. The mirror is a
    cache: it may be deleted while nobody runs. Only objects that were made here and not pushed are lost by that.
    """

    def __init__(
        self, folder: Path, url: str, credential: str | Credential, *, timeouts: GitTimeouts | None = None,
        meter: Meter = SILENT,
    ) -> None:  # fmt: skip
        """`credential` is asked before every command that talks to the remote; a plain token stays."""
        timeouts = timeouts or GitTimeouts()
        folder = folder.absolute()
        environment = GitEnvironment(folder, url, timeouts)
        self._commands = GitCommands(environment, as_credential(credential), timeouts, meter=meter)
        self._folder = MirrorFolder(folder, url, self._commands)
        self._tasks = TaskSet(f"git.{folder.name}")
        self._objects = Objects(
            CatFile(environment.local, timeouts.local),
            Wanted(self._commands, self._tasks, files=False),
            Wanted(self._commands, self._tasks, files=True),
        )
        self._default_branch: str | None = None

    async def close(self) -> None:
        await self._tasks.close()
        await self._objects.forget()
        self._folder.close()

    @property
    def generation(self) -> int:
        """How often the mirror on disk was made in this process."""
        return self._folder.generation

    async def prepare(self) -> None:
        """Make the mirror usable; does nothing after the first time."""
        await self._folder.prepare()

    async def replace(self, seen: int, because: str) -> None:
        """Throw the mirror of generation `seen` away and fetch anew."""
        await self._folder.replace(seen, because)
        await self._objects.forget()

    @_on_a_sound_mirror
    async def fetch(self) -> None:
        generation = self.generation
        async with self._folder.writing() as descriptor:
            if self.generation == generation:
                await fetch_branches(self._commands, keep_open=(descriptor,))

    @_on_a_sound_mirror
    async def default_branch(self) -> str:
        """Asked of the remote again when the branch that it named no longer stands where its `HEAD` stood at the last
        `fetch`. Raises `NotFound` for a repository without one."""
        if self._default_branch is not None:
            head = await self._objects.find_ref(HEAD_REF)
            if head is not None and head == await self.find_tip(self._default_branch):
                return self._default_branch
        for target, name in await list_refs(self._commands, "HEAD"):
            if name == "HEAD" and target.startswith("ref: refs/heads/"):
                self._default_branch = target.removeprefix("ref: refs/heads/")
                return self._default_branch
        raise NotFound(SYSTEM, "git-no-default-branch", "the remote does not name a default branch")

    @_on_a_sound_mirror
    async def find_tip(self, branch: str) -> Revision | None:
        found = await self._objects.find_ref(f"refs/remotes/origin/{checked_branch(branch)}")
        return Revision(found) if found else None

    @_on_a_sound_mirror
    async def commit(self, revision: Revision) -> Commit:
        return await self._objects.commit(revision)

    @_on_a_sound_mirror
    async def find_entry(self, treeish: str, path: str) -> TreeEntry | None:
        return await self._objects.find_entry(treeish, path.strip("/"))

    @_on_a_sound_mirror
    async def list_entries(self, treeish: str, path: str) -> tuple[TreeEntry, ...]:
        entry = await self._objects.find_entry(treeish, path.strip("/"))
        if entry is None or entry.type != "tree":
            return ()
        return tuple((await self._objects.tree(entry.id)).values())

    @_on_a_sound_mirror
    async def read_file(self, treeish: str, path: str) -> bytes | None:
        return await self._objects.find_file(treeish, path.strip("/"))

    @_on_a_sound_mirror
    async def make_commit(self, base: Revision, files: Mapping[str, bytes], message: str, by: Signature) -> Revision:
        root = (await self._objects.commit(base)).tree
        ids = {path: known_blob_id(data) for path, data in files.items()}
        tree, *_ = await asyncio.gather(
            tree_with_files(self._objects, self._commands, root, ids),
            *(blob_id_of(self._commands, data) for data in files.values()),
        )
        return await self._commit_tree(tree, (base,), message, by)

    @_on_a_sound_mirror
    async def make_merge_commit(
        self, base: Revision, merged: Revision, tree: str, message: str, by: Signature
    ) -> Revision:
        await asyncio.gather(self._objects.commit(base), self._objects.commit(merged), self._objects.tree(tree))
        return await self._commit_tree(tree, (base, merged), message, by)

    @_on_a_sound_mirror
    async def merge_trees(self, ours: Revision, theirs: Revision, *, attributes: bool = False) -> str | MergeConflict:
        await asyncio.gather(self._objects.commit(ours), self._objects.commit(theirs))
        return await merge_trees(self._objects, self._commands, ours, theirs, attributes=attributes)

    @_on_a_sound_mirror
    async def push(self, branch: str, revision: Revision, *, expected: Revision | None) -> None:
        await self._objects.commit(revision)
        await self._push_all({branch: expected}, revision)

    @_on_a_sound_mirror
    async def fast_forward(self, branch: str, revision: Revision, *, expected: Revision, from_branch: str) -> None:
        await self._objects.commit(revision)
        await self._push_all({branch: expected, from_branch: revision}, revision)

    @_on_a_sound_mirror
    async def delete_branch(self, branch: str, *, expected: Revision) -> None:
        await self._push_all({branch: expected}, None)

    @_on_a_sound_mirror
    async def log(
        self, since: Revision | None, until: Revision, *, paths: tuple[str, ...] = (), limit: int = 20,
        merges: bool = True,
    ) -> tuple[tuple[Commit, ...], int]:  # fmt: skip
        ends = [until] + ([since] if since else [])
        await asyncio.gather(*(self._objects.commit(end) for end in ends))
        out_of = ([] if merges else ["--no-merges"]) + ([f"^{since}"] if since else [])
        ended = await self._commands.local("rev-list", until, *out_of, "--", *_as_paths(paths))
        ids = ended.out.decode().split()
        commits = await asyncio.gather(*(self._objects.commit(found) for found in ids[:limit]))
        return tuple(commits), len(ids)

    @_on_a_sound_mirror
    async def is_ancestor(self, older: Revision, newer: Revision) -> bool:
        await asyncio.gather(self._objects.commit(older), self._objects.commit(newer))
        return (await self._commands.local("merge-base", "--is-ancestor", older, newer, ok=(0, 1))).code == 0

    @_on_a_sound_mirror
    async def changed_paths(self, old: str, new: str, *, paths: tuple[str, ...] = ()) -> tuple[str, ...]:
        changed = await self._changed(old, new, paths)
        return tuple(change.path.decode("utf-8", "surrogateescape") for change in changed)

    @_on_a_sound_mirror
    async def diff(self, old: str, new: str, *, paths: tuple[str, ...] = (), limit: int = 8000) -> str:
        changed = await self._changed(old, new, paths)
        return await diff_text(self._objects, self._commands, changed, old, new, limit)

    @_on_a_sound_mirror
    async def changed_submodules(self, old: str, new: str) -> tuple[str, ...]:
        changed = await self._changed(old, new, ())
        return tuple(change.path.decode("utf-8", "surrogateescape") for change in changed if change.is_submodule)

    @_on_a_sound_mirror
    async def repack(self) -> bool:
        return await repack(self._commands, self._folder.path)

    async def may_push(self) -> bool:
        """Whether the remote takes pushes of ours, found out without one. Protected branches are not asked about."""
        return await may_push(self._commands)

    async def _commit_tree(self, tree: str, parents: tuple[Revision, ...], message: str, by: Signature) -> Revision:
        when = f"{int(by.at.timestamp())} +0000"
        who = {
            f"GIT_{role}_{field}": value
            for role in ("AUTHOR", "COMMITTER")
            for field, value in (("NAME", _as_ident(by.name)), ("EMAIL", _as_ident(by.email)), ("DATE", when))
        }
        stands_on = [word for parent in parents for word in ("-p", parent)]
        ended = await self._commands.local(
            "commit-tree", *stands_on, "-F", "-", tree, stdin=_as_message(message), extra=who
        )
        return Revision(ended.out.decode().strip())

    async def _changed(self, old: str, new: str, paths: tuple[str, ...]) -> list[Changed]:
        before, after = await asyncio.gather(self._objects.tree_id(old), self._objects.tree_id(new))
        return await changed_files(self._commands, before, after, _as_paths(paths))

    async def _push_all(self, leases: Mapping[str, Revision | None], revision: Revision | None) -> None:
        """Set (None: delete) all of these branches or none, each if it is where its lease says."""
        refs = {branch: f"refs/heads/{checked_branch(branch)}" for branch in leases}
        async with self._folder.writing() as descriptor:
            ended = await self._commands.network(
                "push", "--porcelain", "--no-verify", *(["--atomic"] if len(refs) > 1 else []),
                *(f"--force-with-lease={refs[branch]}:{expected or ''}" for branch, expected in leases.items()),
                "--", "origin", *(f"{revision or ''}:{ref}" for ref in refs.values()),
                ok=(0, 1), keep_open=(descriptor,),
            )  # fmt: skip
        answers = {branch: push_answer(ended.out, ref) for branch, ref in refs.items()}
        for branch, answer in answers.items():
            if answer is not None and answer[0] is PushAnswer.REFUSED:
                raise self._refused(branch, answer[1], ended.err)
        if any(answer is None for answer in answers.values()):
            self._commands.raise_if_damaged(ended)
            raise network_failure(ended, self._commands.said(ended))
        not_done = [b for b, answer in answers.items() if answer is not None and answer[0] is not PushAnswer.DONE]
        tips = {branch: await self._remote_tip(refs[branch]) for branch in not_done}
        # Of an atomic push the remote may say only that it failed: then it is the branch that is not where it was.
        for branch, tip in tips.items():
            answer = answers[branch]
            is_moved = answer is not None and answer[0] is PushAnswer.MOVED
            if tip != revision and (is_moved or tip != leases[branch]):
                raise LeaseLost(branch, tip)
        if any(tip != revision for tip in tips.values()):
            raise Unavailable(SYSTEM, f"the remote did not take the push: {self._commands.said(ended)}")

    def _refused(self, branch: str, summary: str, stderr: str) -> Refused:
        why = self._why(stderr)
        said = f"{self._commands.environment.redact(summary)}; {why}"
        if is_protection(f"{summary}\n{stderr}"):
            way_out = "Let Tiphys' account bypass that rule on GitHub"
            reason = f"the rules of {branch} refuse the push: {said}"
            return Refused(SYSTEM, "protected-branch", reason, way_out=way_out)
        return Refused(SYSTEM, "git-push-refused", f"the remote refused the push: {said}")

    def _why(self, stderr: str) -> str:
        lines = [line.removeprefix("remote:").strip() for line in stderr.splitlines() if line.startswith("remote:")]
        return self._commands.environment.redact("; ".join(line for line in lines if line))[:300] or "no reason given"

    async def _remote_tip(self, ref: str) -> Revision | None:
        refs = await list_refs(self._commands, ref)
        return next((Revision(found) for found, name in refs if name == ref and is_revision(found)), None)


def _as_ident(text: str) -> str:
    """What Git takes as a name or address; it refuses empty ones."""
    return re.sub(r"[\x00-\x1f<>\x7f\ud800-\udfff]+", " ", text).strip() or "unknown"


def _as_message(text: str) -> bytes:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace") or b"\n"


def _as_paths(paths: tuple[str, ...]) -> tuple[bytes, ...]:
    """Literal pathspecs; the empty path means everything, and so does none."""
    if any(not path.strip("/") for path in paths):
        return ()
    return tuple(path.strip("/").encode("utf-8", "surrogateescape") for path in paths)
