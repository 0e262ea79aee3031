"""The content key of a stage at one tree, and what of it a merge has changed."""

from bot.domain.content_key import ContentKey
from bot.domain.live import LiveApplication
from bot.domain.pipeline import Stage
from bot.ports import Git
from bot.strategies.kustomization import paths_of_key


async def content_key(git: Git, treeish: str, stage: Stage, live: LiveApplication) -> ContentKey:
    """What the application reads here at `treeish` (a commit or a tree), and what Argo CD makes of it."""
    paths, widened = await paths_of_key(git, treeish, stage.path)
    return ContentKey(
        paths=paths, widened=widened, destination=live.destination, project=live.project,
        source_digest=live.source_digest, sync_digest=live.sync_digest,
    )  # fmt: skip
