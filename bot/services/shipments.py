"""Everything that a sync will ship: the difference between what runs and the result, not only the promoted values."""

from bot.domain.change import Change, CommitLine, Shipment, ValueChange
from bot.domain.identity import Revision
from bot.domain.live import LiveApplication, SyncStatus
from bot.domain.pipeline import Configuration, Stage
from bot.domain.text import readable, shortened
from bot.ports import Commit, Git, NotFound
from bot.services.keys import paths_read
from bot.services.messages import COMMITTER_EMAIL
from bot.strategies import strategy_for
from bot.strategies.plan import CannotPlan, MergePlan, Plan, Side

MOST_COMMITS, MOST_FILES = 5, 20
LONGEST_SUBJECT, LONGEST_NAME = 120, 60


async def shipment_of(
    git: Git,
    change: Change,
    stage: Stage,
    configuration: Configuration,
    live: LiveApplication,
    base: Revision,
    plan: Plan | MergePlan,
) -> Shipment:
    """What runs is the live Application's active revision; the result is `plan` on `base`."""
    read, widened = await paths_read(git, base, stage)
    paths = () if widened else tuple(sorted(read))
    also, also_total, also_paths = await _also(git, live.active, base, paths, stage)
    ahead = await _source_ahead(git, change, configuration, stage, base)
    files: tuple[str, ...] = ()
    if isinstance(plan, MergePlan):
        files = await git.changed_paths(base, plan.tree)
        carried, carried_total = await _merged(git, base, plan.merged)
    else:
        carried, carried_total = await _carried(git, change, configuration, live.active)
    drifted = await _drifted(git, configuration, stage, live.active, base)
    return Shipment(
        values=plan.values, drifted=drifted, also=also, also_total=also_total, also_paths=also_paths,
        source_ahead=ahead,
        carried=carried, carried_total=carried_total, files=tuple(map(readable, files[:MOST_FILES])),
        files_total=len(files), prunes=_prunes(live), notes=plan.notes,
    )  # fmt: skip


async def _drifted(
    git: Git, configuration: Configuration, stage: Stage, active: Revision | None, base: Revision
) -> tuple[ValueChange, ...]:
    """Values in the target's own files that changed since what runs without a sync: they ship too."""
    if active is None or active == base:
        return ()
    try:
        found = await strategy_for(configuration.applications[stage.application].strategy).active_differences(
            git,
            active=Side(environment=stage.environment, treeish=active),
            result=Side(environment=stage.environment, treeish=base),
        )
    except NotFound:
        return ()
    return () if isinstance(found, CannotPlan) else found


async def _also(
    git: Git, active: Revision | None, base: Revision, paths: tuple[str, ...], stage: Stage
) -> tuple[tuple[CommitLine, ...], int, tuple[str, ...]]:
    """Commits on what the application reads that came after what runs and are not promotions of ours."""
    if active is None or active == base:
        return (), 0, ()
    try:
        commits, total = await git.log(active, base, paths=paths, limit=50, merges=not stage.whole_tree)
        touched = await git.changed_paths(active, base, paths=paths)
    except NotFound:  # the active revision is no longer in the repository
        return (), 0, ()
    foreign = [commit for commit in commits if commit.committer_email != COMMITTER_EMAIL and not _is_promotion(commit)]
    total -= len(commits) - len(foreign)
    return tuple(_line(commit) for commit in foreign[:MOST_COMMITS]), total, _folders(touched) if foreign else ()


async def _source_ahead(git: Git, change: Change, configuration: Configuration, stage: Stage, base: Revision) -> int:
    """How many commits the source stage's Git has on its paths that it has not deployed."""
    if change.source_environment is None or change.source_revision is None:
        return 0
    source = configuration.get_stage(change.application, change.source_environment)
    tip = await git.find_tip(source.branch) or base
    read, widened = await paths_read(git, tip, source)
    paths = () if widened else tuple(sorted(read))
    _, total = await git.log(change.source_revision, tip, paths=paths, limit=1, merges=not source.whole_tree)
    return total


async def _merged(git: Git, base: Revision, merged: Revision) -> tuple[tuple[CommitLine, ...], int]:
    """The commits that a merge brings; the merges among them, also our own of an earlier stage, bring nothing new."""
    commits, total = await git.log(base, merged, limit=MOST_COMMITS, merges=False)
    return tuple(_line(commit) for commit in commits), total


async def _carried(
    git: Git, change: Change, configuration: Configuration, active: Revision | None
) -> tuple[tuple[CommitLine, ...], int]:
    """The commits on the source stage's own folder since what runs here: where the promoted values came from."""
    if change.source_environment is None or change.source_revision is None:
        return (), 0
    source = configuration.get_stage(change.application, change.source_environment)
    try:
        commits, total = await git.log(active, change.source_revision, paths=(source.path,), limit=MOST_COMMITS)
    except NotFound:
        return (), 0
    return tuple(_line(commit) for commit in commits), total


def _prunes(live: LiveApplication) -> tuple[str, ...]:
    return tuple(str(r.key) for r in live.resources if r.requires_pruning and r.sync is SyncStatus.OUT_OF_SYNC)


def _line(commit: Commit) -> CommitLine:
    subject, author = shortened(commit.subject, LONGEST_SUBJECT), shortened(commit.author, LONGEST_NAME)
    return CommitLine(revision=commit.revision, subject=subject, author=author)


def _is_promotion(commit: Commit) -> bool:
    return any(line.startswith("Tiphys-Change: ") for line in commit.body.splitlines())


def _folders(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The folders that hold these files, each once."""
    return tuple(dict.fromkeys(readable(path.rpartition("/")[0]) + "/" for path in paths))
