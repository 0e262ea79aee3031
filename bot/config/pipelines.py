"""Applications and the pipelines of their stages."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from bot.config.branches import environment_branches
from bot.config.documents import ApplicationDocument, BranchDocument, LaterStrategyDocument, TiphysDocument
from bot.config.effective import policy_of
from bot.config.outside import main_instance
from bot.config.problems import NOT_SUPPORTED_YET, Path, Problems, choose
from bot.config.words import PLACEHOLDER
from bot.domain.identity import ChannelId
from bot.domain.pipeline import (
    Application,
    ArgocdReference,
    EnvironmentBranches,
    KustomizeImages,
    MergeMethod,
    Repository,
    Stage,
    Strategy,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Every name that stands in a section of the file, also where its body is wrong."""

    repositories: Collection[str]
    argocd: Collection[str]
    environments: Mapping[str, tuple[str, ...]]  # with their aliases


def applications(document: TiphysDocument, names: Names, problems: Problems) -> dict[str, Application]:
    """Those whose strategy is known. What is wrong with one is a problem; it is built as far as it goes."""
    found = {}
    for name, application in (document.applications or {}).items():
        if built := _application(document, name, application, names, problems):
            found[name] = built
    return found


def look_for_collisions(
    found: Mapping[str, Application], repositories: Mapping[str, Repository], problems: Problems
) -> None:
    """Two stages must not write the same folder of the same branch, nor be the same Argo CD Application."""
    folders: dict[tuple[str, ...], list[Stage]] = defaultdict(list)
    live: dict[tuple[str, ...], list[Stage]] = defaultdict(list)
    for application in found.values():
        repository = repositories.get(application.repository)
        place = (repository.api_url.lower(), repository.github.lower()) if repository else ("", application.repository)
        for stage in application.stages.values():
            if not stage.whole_tree:
                folders[*place, stage.branch, stage.path].append(stage)
            live[stage.argocd.instance, stage.argocd.namespace, stage.argocd.name].append(stage)
    for stages in folders.values():
        _collision(
            stages,
            ("strategy", "path"),
            lambda stage: f"`{stage.path}` on branch `{stage.branch}`",
            "write",
            problems,
        )
    for stages in live.values():
        _collision(
            stages, ("argocd", "name"), lambda stage: f"the Argo CD Application `{stage.argocd.name}`", "are", problems
        )


def _collision(stages: list[Stage], key: Path, what: Callable[[Stage], str], verb: str, problems: Problems) -> None:
    """One problem for each application that meets itself or an earlier one, at its template."""
    first, told = stages[0], set()
    for stage in stages[1:]:
        if stage.application in told:
            continue
        told.add(stage.application)
        same = first.application == stage.application
        problems.add(
            ("applications", stage.application, *key),
            f"`{first.name}` and `{stage.name}` both {verb} {what(stage)}",
            f"Put `{PLACEHOLDER}` into it, so that every stage has its own"
            if same
            else f"Give `{stage.application}` and `{first.application}` different ones",
        )


def _application(
    document: TiphysDocument, name: str, application: ApplicationDocument, names: Names, problems: Problems
) -> Application | None:
    path: Path = ("applications", name)
    _known(application.repository, names.repositories, (*path, "repository"), "repository", "repositories", problems)
    strategy = _strategy(application, path, problems)
    instance = _instance(application, names, (*path, "argocd", "instance"), problems)
    order = _order(application, names, (*path, "stages"), problems)
    if strategy is None:
        problems.damaged.add(path)
        return None
    template = application.argocd.name or f"{name}-{PLACEHOLDER}"
    stages = {}
    for environment in order:
        policy = policy_of(document, name, environment)
        stage = application.stages[environment]
        stages[environment] = Stage(
            application=name,
            environment=environment,
            source=stage.from_ if stage else None,
            sync=policy.sync.value,
            argocd=ArgocdReference(
                instance=instance,
                project=application.argocd.project,
                namespace=application.argocd.namespace or "argocd",
                name=template.replace(PLACEHOLDER, environment),
            ),
            branch=strategy.branch_of(environment),
            path=strategy.path_of(environment),
            prune=policy.prune.value,
            soak=policy.soak.value,
            channel=policy.channel.value,
            approvals=policy.approvals.policy() if policy.approvals else None,
            timeouts=policy.timeouts.timeouts(),
            alerts=policy.alerts.alerts(),
            source_must_be_healthy=policy.source_must_be_healthy.value,
            supersede=policy.supersede.value,
            whole_tree=isinstance(strategy, EnvironmentBranches),
        )
    return Application(
        name=name,
        repository=application.repository,
        strategy=strategy,
        stages=stages,
        channel=ChannelId(application.channel) if application.channel else None,
    )


def _strategy(application: ApplicationDocument, path: Path, problems: Problems) -> Strategy | None:
    written = application.strategy
    if isinstance(written, BranchDocument):
        return environment_branches(written, application, path, problems)
    path = (*path, "strategy")
    if isinstance(written, LaterStrategyDocument):
        problems.add(
            (*path, "type"),
            f"the strategy `{written.type}` is not supported yet",
            "Use `kustomize-images` (one branch, an overlay for each environment) or `branch` (a branch for each)",
            slug=NOT_SUPPORTED_YET,
        )
        return None
    return KustomizeImages(
        branch=written.branch,
        path=written.path,
        merge=MergeMethod(written.merge or "squash"),
        fields=tuple(written.fields or ()),
    )


def _instance(application: ApplicationDocument, names: Names, path: Path, problems: Problems) -> str:
    named = application.argocd.instance
    if named is not None:
        _known(named, names.argocd, path, "instance", "argocd", problems)
        return named
    main = main_instance(names.argocd)
    if main is None:
        _known("main", names.argocd, path, "instance", "argocd", problems)
    return main or "main"


def _order(application: ApplicationDocument, names: Names, path: Path, problems: Problems) -> list[str]:
    """The stages in the order of promotion."""
    stages = application.stages
    for environment, stage in stages.items():
        _environment(environment, names, (*path, environment), problems)
        if stage and stage.branch is not None and application.strategy.type != "branch":
            problems.add(
                (*path, environment, "branch"),
                f"with the strategy `{application.strategy.type}` a stage has no branch of its own",
                "Remove it, or use the strategy `branch`",
            )
        if stage and stage.from_ is not None:
            _source(environment, stage.from_, application, names, (*path, environment, "from"), problems)
    sources = {name: stage.from_ if stage else None for name, stage in stages.items()}
    order: list[str] = []
    waiting = list(stages)
    while ready := [name for name in waiting if sources[name] is None or sources[name] not in waiting]:
        order += ready
        waiting = [name for name in waiting if name not in ready]
    circle = [name for name in waiting if sources[name] != name]
    if circle:
        problems.add(
            (*path, circle[0], "from"),
            f"these stages promote from each other in a circle: {', '.join(f'`{name}`' for name in circle)}",
            "Let the first stage stand without `from`",
        )
    return order + waiting


def _environment(name: str, names: Names, path: Path, problems: Problems) -> None:
    if name in names.environments:
        return
    for canonical, aliases in names.environments.items():
        if name in aliases:
            problems.add(path, f"`{name}` is an alias", f"Use the environment's own name here: `{canonical}`")
            return
    problems.add(
        path,
        f"there is no environment `{name}` in `environments:`",
        choose(name, names.environments, nothing="declare it there"),
    )


def _source(
    stage: str, source: str, application: ApplicationDocument, names: Names, path: Path, problems: Problems
) -> None:
    if source == stage:
        problems.add(
            path, "the stage promotes from itself", "Name the stage before it, or remove `from` in a first stage"
        )
    elif source not in application.stages:
        canonical = next((name for name, aliases in names.environments.items() if source in aliases), None)
        if canonical and canonical in application.stages:
            problems.add(path, f"`{source}` is an alias", f"Use the environment's own name here: `{canonical}`")
            return
        others = [name for name in application.stages if name != stage]
        problems.add(
            path,
            f"`{source}` is no stage of this application",
            choose(source, others, nothing="there is no other stage"),
        )


def _known(name: str, known: Collection[str], path: Path, what: str, section: str, problems: Problems) -> None:
    if name not in known:
        problems.add(
            path, f"there is no {what} `{name}` in `{section}:`", choose(name, known, nothing="declare it there")
        )
