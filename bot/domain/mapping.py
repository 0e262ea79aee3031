"""Whether the live Application is the one that the configuration means."""

from bot.domain.identity import is_revision
from bot.domain.live import LiveApplication
from bot.domain.pipeline import Repository, Stage
from bot.domain.repository_url import same_repository


def mismatches(stage: Stage, repository: Repository, live: LiveApplication, default_branch: str) -> tuple[str, ...]:
    """Every difference, each with both values; empty when they agree. `HEAD` and empty mean the default branch."""
    found = []
    if live.project != stage.argocd.project:
        found.append(f"project is {live.project!r}, tiphys.yaml says {stage.argocd.project!r}")
    source = live.source
    if source is None:
        return tuple(found)
    if not same_repository(source.repo_url, repository.clone_url):
        found.append(f"repoURL is {source.repo_url!r}, tiphys.yaml means {repository.clone_url!r}")
    if _folder(source.path) != stage.path:
        found.append(f"path is {source.path!r}, tiphys.yaml says {stage.path or 'the top of the repository'!r}")
    target = source.target_revision
    if is_revision(target) or target.startswith("refs/tags/"):
        found.append(
            f"targetRevision is {target!r}: a tag or a SHA cannot be promoted into, name the branch {stage.branch!r}"
        )
    elif (target if target not in ("", "HEAD") else default_branch) != stage.branch:
        found.append(f"targetRevision is {target or 'empty'!r}, tiphys.yaml promotes into branch {stage.branch!r}")
    return tuple(found)


def _folder(path: str) -> str:
    """A path as Argo CD has it: the top of the repository may be written `.`, or `./`."""
    return "/".join(step for step in path.split("/") if step not in ("", "."))


def unsupported_in(stage: Stage, live: LiveApplication) -> tuple[tuple[str, str], ...]:
    """Every reason, by slug and sentence, why an Application of this kind cannot be this stage.

    What it may read beyond its folder is one where people approve what that folder reads: they would approve less than
    what ships. Not so where they approve the whole tree, or where nothing is promoted into the stage.
    """
    binds_to_folder = stage.source is not None and not stage.whole_tree
    return (*live.unsupported, *live.beyond) if binds_to_folder else live.unsupported


def not_as_configured(stage: Stage, live: LiveApplication, wrong: tuple[str, ...]) -> str:
    """Why nothing may be promoted into the live Application, as a sentence without its end; empty when all is well."""
    if unsupported := unsupported_in(stage, live):
        slug, words = unsupported[0]
        return f"{live.name} is of a kind that is not supported ({slug}): {words}"
    return f"the live Application differs from tiphys.yaml: {wrong[0]}" if wrong else ""
