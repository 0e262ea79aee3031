"""The content key of a stage at one tree, and whether another commit brings what was merged."""

from collections.abc import Mapping

from bot.domain.change import Merge
from bot.domain.content_key import ContentKey
from bot.domain.identity import Revision, is_revision
from bot.domain.live import LiveApplication
from bot.domain.pipeline import Stage
from bot.ports import Git, NotFound
from bot.strategies.kustomization import paths_of_key


async def content_key(git: Git, treeish: str, stage: Stage, live: LiveApplication) -> ContentKey:
    """What the application reads here at `treeish` (a commit or a tree), and what Argo CD makes of it."""
    paths, widened = await paths_read(git, treeish, stage)
    return ContentKey(
        paths=paths, widened=widened, destination=live.destination, project=live.project,
        source_digest=live.source_digest, sync_digest=live.sync_digest,
    )  # fmt: skip


async def ships(git: Git, merge: Merge, stage: Stage, live: LiveApplication, revision: str) -> bool:
    """Whether `revision` is the merged commit, or a descendant in which the application reads the same."""
    if not is_revision(revision):
        return False
    if revision == merge.revision:
        return True
    try:
        if not await git.is_ancestor(merge.revision, Revision(revision)):
            return False
    except NotFound:
        return False
    return not merge.key.differences(await content_key(git, revision, stage, live))


async def paths_read(git: Git, treeish: str, stage: Stage) -> tuple[Mapping[str, str], str | None]:
    """The paths that count for a stage with their object ids; and, where that had to be the whole tree, why."""
    if stage.whole_tree:
        root = await git.find_entry(treeish, "")
        return {"": root.id if root else "-"}, None
    return await paths_of_key(git, treeish, stage.path)
