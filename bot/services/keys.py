"""The content key of a stage at one tree, and what of it a merge has changed."""

from collections.abc import Mapping

from bot.domain.content_key import ContentKey
from bot.domain.live import LiveApplication
from bot.domain.pipeline import Stage
from bot.ports import Git
from bot.strategies.kustomization import paths_of_key


async def paths_read(git: Git, treeish: str, stage: Stage) -> tuple[Mapping[str, str], str | None]:
    """What the stage reads at `treeish`: path → object id, or the whole tree and why."""
    return await paths_of_key(git, treeish, stage.path)


async def content_key(git: Git, treeish: str, stage: Stage, live: LiveApplication) -> ContentKey:
    """What the application reads here at `treeish` (a commit or a tree), and what Argo CD makes of it."""
    paths, widened = await paths_read(git, treeish, stage)
    return ContentKey(
        paths=paths, widened=widened, destination=live.destination, project=live.project,
        source_digest=live.source_digest, sync_digest=live.sync_digest,
    )  # fmt: skip
