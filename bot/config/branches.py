"""The strategy `branch`: which branch each stage has, and that no other stage has it too."""

from collections import defaultdict
from collections.abc import Mapping

from bot.config.documents import ApplicationDocument, BranchDocument
from bot.config.problems import Path, Problems
from bot.domain.pipeline import Application, EnvironmentBranches, MergeMethod, Repository, Stage


def environment_branches(
    written: BranchDocument, application: ApplicationDocument, path: Path, problems: Problems
) -> EnvironmentBranches:
    """What the document means; `path` is the application's. A stage without a branch is a problem."""
    if written.merge == "squash":
        problems.add(
            (*path, "strategy", "merge"),
            "`squash` cuts the ancestry: Git would not know what was promoted, and the next promotion would merge "
            "everything again",
            "Use `merge` or `fast-forward`, or leave it out",
        )
    branches = {}
    for environment, stage in application.stages.items():
        here: Path = (*path, "stages", environment)
        branches[environment] = (stage.branch if stage else None) or ""
        if not branches[environment] and not problems.is_damaged((*here, "branch")):
            problems.add(
                here,
                "with the strategy `branch` every stage needs a branch of its own",
                "Add `branch:`, the branch that Argo CD follows there",
            )
    return EnvironmentBranches(
        branches=branches, path=written.path or "", merge=MergeMethod(written.merge or MergeMethod.MERGE)
    )


def look_for_shared_branches(
    found: Mapping[str, Application], repositories: Mapping[str, Repository], problems: Problems
) -> None:
    """A branch that is promoted as a whole belongs to one stage: what another one has on it would ship too, and nobody
    would have been asked for it."""
    by_branch: dict[tuple[str, ...], list[Stage]] = defaultdict(list)
    for application in found.values():
        repository = repositories.get(application.repository)
        place = (repository.api_url.lower(), repository.github.lower()) if repository else ("", application.repository)
        for stage in application.stages.values():
            if stage.branch:
                by_branch[*place, stage.branch].append(stage)
    for (*_, branch), stages in by_branch.items():
        if any(stage.whole_tree for stage in stages):
            _shared(branch, stages, problems)


def _shared(branch: str, stages: list[Stage], problems: Problems) -> None:
    """One problem for each stage that meets an earlier one, where its branch is written."""
    first = stages[0]
    for stage in stages[1:]:
        same = first.application == stage.application
        key = ("stages", stage.environment, "branch") if stage.whole_tree else ("strategy", "branch")
        problems.add(
            ("applications", stage.application, *key),
            f"`{first.name}` and `{stage.name}` share the branch `{branch}`, which is promoted as a whole",
            "Give each stage a branch of its own"
            if same
            else "Give them different branches, or different repositories",
        )
