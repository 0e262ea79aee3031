"""What would be written to Git for a promotion, as its strategy plans it, and whether that could be merged."""

from bot.domain.branch_rules import Obstacle
from bot.domain.identity import short
from bot.domain.pipeline import Configuration, Stage
from bot.domain.text import readable
from bot.ports import Forge, Git
from bot.services.names import author_of
from bot.strategies import strategy_for
from bot.strategies.plan import CannotPlan, ConflictedPath, Conflicts, MergePlan, NothingToPromote, Plan, Side

MOST_TOLD = 5


async def plan_of(
    git: Git, configuration: Configuration, stage: Stage, *, source: Side, base: str
) -> Plan | MergePlan | NothingToPromote | CannotPlan:
    """The plan onto this base. A conflict is a `CannotPlan` that names the paths and who touched them last."""
    strategy = strategy_for(configuration.applications[stage.application].strategy)
    answer = await strategy.plan(git, source=source, target=Side(environment=stage.environment, treeish=base))
    return _explained(answer, source, configuration) if isinstance(answer, Conflicts) else answer


async def obstacle_of(forge: Forge, configuration: Configuration, stage: Stage) -> tuple[Obstacle, str | None] | None:
    """What the rules of the stage's branch forbid for good, and the link to them; None where there is a way."""
    rules = await forge.branch_rules(stage.branch)
    method = configuration.applications[stage.application].strategy.merge
    obstacle = rules.obstacle(method, whole_tree=stage.whole_tree)
    return None if obstacle is None else (obstacle, rules.link)


def _explained(conflicts: Conflicts, source: Side, configuration: Configuration) -> CannotPlan:
    into, out_of = conflicts.target_branch, conflicts.source_branch
    told = [_told(path, conflicts, configuration) for path in conflicts.paths[:MOST_TOLD]]
    if (hidden := conflicts.total - len(told)) > 0:
        told.append(f"{hidden} more")
    return CannotPlan(
        slug="conflict",
        reason=f"{out_of} ({short(source.treeish)}) conflicts with {into} in {'; '.join(told)}",
        way_out=f"Merge {into} into {out_of}, resolve it there, deploy that to {source.environment} and promote again",
    )


def _told(path: ConflictedPath, conflicts: Conflicts, configuration: Configuration) -> str:
    touched = tuple(
        f"last on {branch} by {author_of(commit, configuration)[:60]} in {short(commit.revision)}"
        for branch, commit in (
            (conflicts.target_branch, path.on_target), (conflicts.source_branch, path.on_source)
        )
        if commit is not None
    )  # fmt: skip
    return f"{readable(path.path)[:200]}" + (f" ({', '.join(touched)})" if touched else "")
