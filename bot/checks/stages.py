"""A stage against the live Application and the live repository."""

from collections.abc import Mapping

from bot.checks.argocd import stage_path
from bot.checks.finding import Finding, Findings
from bot.domain.identity import short
from bot.domain.live import LiveApplication
from bot.domain.mapping import mismatches, unsupported_in
from bot.domain.pipeline import Configuration, Stage, SyncMode
from bot.ports import Argocd, Denied, Git, NotFound, OutsideError, Refused, Unsupported

REFUSED_SHAPES = "See docs/configuration.md, “Applications that are refused”"
LATER = "Try again when it answers"


def not_told(stage: Stage, evidence: str, fix: str = LATER) -> Finding:
    return Finding(slug="stage.unknown", subject=stage_path(stage), evidence=evidence, fix=fix)


async def check_stage(
    stage: Stage, configuration: Configuration, argocd: Mapping[str, Argocd], git: Mapping[str, Git]
) -> Findings:
    """Every difference; one sentence when there is none. Reads what was fetched last, and fetches nothing itself."""
    instance = argocd[stage.argocd.instance]
    repository = git.get(configuration.applications[stage.application].repository)
    try:
        live = await instance.get(stage.argocd)
    except OutsideError as error:
        return [_unseen(stage, error)]
    found = [
        _about(stage, "stage.not-supported", f"{live.name}: {slug}: {words}", REFUSED_SHAPES)
        for slug, words in unsupported_in(stage, live)
    ]
    found += _auto_sync(stage, live)
    try:
        found += await _source(stage, configuration, instance)
        if repository is None:
            found.append(not_told(stage, "Git gave no answer about its branch and path"))
        else:
            found += await _in_git(stage, configuration, live, repository)
    except OutsideError as error:
        found.append(not_told(stage, f"{error.system} gives no answer: {error.reason}", _way_out(error)))
    if found:
        return found
    runs = f"runs {short(live.active)}" if live.active else "was never deployed"
    evidence = f"{live.name} follows {stage.branch}:{stage.path or '.'} and {runs} ({live.sync}, {live.health})"
    return [_about(stage, "stage.ready", evidence)]


async def _in_git(stage: Stage, configuration: Configuration, live: LiveApplication, git: Git) -> Findings:
    repository = configuration.repository_of(stage.application)
    wrong = mismatches(stage, repository, live, await git.default_branch())
    found = [
        _about(stage, "stage.mismatch", f"{stage.argocd.name}: {words}", "Change tiphys.yaml or the Application")
        for words in wrong
    ]
    tip = await git.find_tip(stage.branch)
    if tip is None:
        evidence = f"branch {stage.branch} does not exist in {repository.github}"
        return [*found, _about(stage, "stage.branch-missing", evidence, "Create it, or name another `branch`")]
    entry = await git.find_entry(tip, stage.path)
    if entry is None or entry.type != "tree":
        evidence = f"{stage.path} is no folder of {stage.branch} at {short(tip)}"
        found.append(_about(stage, "stage.path-missing", evidence, "Create it, or correct the strategy's `path`"))
    return found


async def _source(stage: Stage, configuration: Configuration, argocd: Argocd) -> Findings:
    """What the source deployed last is what would be promoted. What is wrong with it otherwise, it says itself."""
    source = configuration.find_stage(stage.application, stage.source) if stage.source else None
    if source is None:
        return []
    try:
        live = await argocd.get(source.argocd)
    except Refused:
        return []
    if live.active is not None:
        return []
    evidence = f"{live.name} has no deployment in its history: there is nothing to promote yet"
    return [_about(stage, "stage.source-not-deployed", evidence, f"Sync {live.name} in Argo CD once")]


def _auto_sync(stage: Stage, live: LiveApplication) -> Findings:
    if stage.sync is SyncMode.AUTOMATED and live.auto_sync is None:
        evidence = f"{live.name} has no automated sync policy, tiphys.yaml says `sync: automated`"
        fix = "Switch auto-sync on, or write `sync: controlled` or `manual`"
        return [_about(stage, "stage.auto-sync-off", evidence, fix)]
    if stage.sync is not SyncMode.AUTOMATED and live.auto_sync is not None:
        evidence = f"{live.name} is synced by Argo CD itself, tiphys.yaml says `sync: {stage.sync}`"
        fix = "Switch auto-sync off, or write `sync: automated`: Argo CD ships a merge without waiting for anybody"
        return [_about(stage, "stage.auto-sync-on", evidence, fix)]
    return []


def _unseen(stage: Stage, error: OutsideError) -> Finding:
    evidence = f"{stage.argocd.name}: {error.reason}"
    match error:
        case NotFound():
            return _about(stage, "stage.application-not-found", evidence, _way_out(error))
        case Denied(slug="bad-token"):
            return not_told(stage, evidence, _way_out(error))
        case Denied():
            return _about(stage, "stage.application-hidden", evidence, _way_out(error))
        case _:
            return not_told(stage, f"{error.system} gives no answer: {error.reason}", _way_out(error))


def _way_out(error: OutsideError) -> str:
    return (error.way_out if isinstance(error, Refused | Unsupported) else "") or LATER


def _about(stage: Stage, slug: str, evidence: str, fix: str = "") -> Finding:
    return Finding(slug=slug, subject=stage_path(stage), evidence=evidence, fix=fix)
