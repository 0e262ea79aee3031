"""`tiphys check --online`: the configuration against the live Argo CD and the live repositories."""

import asyncio
import tempfile
from pathlib import Path

from bot.adapters import Adapters
from bot.clock import SystemClock
from bot.config.problems import Problem
from bot.domain.mapping import mismatches
from bot.domain.pipeline import Configuration, Stage, SyncMode
from bot.ports import OutsideError, Refused, Unsupported
from bot.settings import Settings

SYNCED_BY_US = (SyncMode.MANUAL, SyncMode.CONTROLLED)


async def check_live(settings: Settings, configuration: Configuration) -> list[Problem]:
    """Every difference between what `tiphys.yaml` says and what the systems say. Reads only."""
    with tempfile.TemporaryDirectory(prefix="tiphys-check-") as folder:
        adapters = Adapters(Path(folder), SystemClock())
        try:
            await adapters.follow(configuration)
            found = await asyncio.gather(
                *(_stage(settings, configuration, adapters, stage) for stage in configuration.stages())
            )
        finally:
            await adapters.close()
    return [problem for problems in found for problem in problems]


async def _stage(settings: Settings, configuration: Configuration, adapters: Adapters, stage: Stage) -> list[Problem]:
    application = configuration.applications[stage.application]
    git, argocd = adapters.git[application.repository], adapters.argocd[stage.argocd.instance]

    def problem(reason: str, fix: str) -> Problem:
        path = f"applications.{stage.application}.stages.{stage.environment}"
        return Problem(file=str(settings.tiphys_config), path=path, line=None, reason=reason, fix=fix)

    found: list[Problem] = []
    try:
        live = await argocd.get(stage.argocd)
        found += [
            problem(f"{slug}: {words}", "See docs/configuration.md, “Applications”") for slug, words in live.unsupported
        ]
        await git.fetch()
        wrong = mismatches(stage, configuration.repository_of(stage.application), live, await git.default_branch())
        found += [problem(f"{stage.argocd.name}: {words}", "Change tiphys.yaml or the Application") for words in wrong]
        if await git.find_tip(stage.branch) is None:
            found.append(problem(f"branch {stage.branch} does not exist", "Create it, or name another `branch`"))
        if stage.sync in SYNCED_BY_US and not await argocd.can_i("sync", stage.argocd):
            line = f"p, <our account>, applications, sync, {stage.argocd.project}/{stage.argocd.name}, allow"
            found.append(problem(f"we may not sync {stage.argocd.name}", f"Add `{line}` to argocd-rbac-cm"))
    except OutsideError as error:
        way_out = error.way_out if isinstance(error, Refused | Unsupported) else ""
        found.append(problem(f"{error.system} gives no answer: {error.reason}", way_out or "Try again when it does"))
    return found
