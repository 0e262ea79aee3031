"""The configuration against the live Argo CD and the live repositories: at start, and by `tiphys check --online`."""

import asyncio
import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

import structlog

from bot.adapters import Adapters
from bot.clock import SystemClock
from bot.config.problems import Problem
from bot.domain.mapping import mismatches
from bot.domain.pipeline import Configuration, Stage, SyncMode
from bot.domain.text import Code, Text
from bot.ports import Argocd, Clock, Git, OutsideError, Refused, Unsupported
from bot.ports_store import Store
from bot.wake import Bells

log = structlog.get_logger(__name__)

SYNCED_BY_US = (SyncMode.MANUAL, SyncMode.CONTROLLED)
MOST_TOLD = 8


async def check_live(file: Path, configuration: Configuration) -> list[Problem]:
    """Every difference between `tiphys.yaml` and the live systems. Reads only, with adapters of its own."""
    with tempfile.TemporaryDirectory(prefix="tiphys-check-") as folder:
        adapters = Adapters(Path(folder), SystemClock())
        try:
            await adapters.follow(configuration)
            return await _compare(file, configuration, adapters.argocd, adapters.git)
        finally:
            await adapters.close()


async def look_at_start(
    file: Path, configuration: Configuration, adapters: Adapters, store: Store, clock: Clock, bells: Bells
) -> None:
    """Compare once after the start; tell the log, and the admin channel once for each set of differences."""
    for stage in configuration.stages():
        await _say_rights(stage, adapters.argocd[stage.argocd.instance])
    problems = await _compare(file, configuration, adapters.argocd, adapters.git)
    for problem in problems:
        log.warning("configuration.differs", path=problem.path, reason=problem.reason, fix=problem.fix)
    channel = configuration.slack.admin_channel
    if not problems or channel is None:
        return
    told = [Text.of("\n", Code(f"{p.path}: {p.reason}. {p.fix}"[:300])) for p in problems[:MOST_TOLD]]
    rest = (
        f"\nand {len(problems) - MOST_TOLD} more; `tiphys check --online` shows all"
        if len(problems) > MOST_TOLD
        else ""
    )
    key = hashlib.sha256("\n".join(str(problem) for problem in problems).encode()).hexdigest()[:32]
    words = "tiphys.yaml and the live systems differ; the stages named here cannot be promoted into."
    async with store.writing() as tx:
        await tx.outbox.notice(f"live:{key}", channel, Text.of(words, *told, rest), now=clock.now())
    bells.outbox.ring()


async def _say_rights(stage: Stage, argocd: Argocd) -> None:
    """Whether we could sync a pinned revision where Argo CD's flag demands `override` for it."""
    if stage.sync not in SYNCED_BY_US:
        return
    try:
        may = {action: await argocd.can_i(action, stage.argocd) for action in ("sync", "override")}
    except OutsideError as error:
        log.warning("argocd.rights_unknown", application=stage.argocd.name, reason=error.reason)
        return
    log.info("argocd.rights", application=stage.argocd.name, **may)


async def _compare(
    file: Path, configuration: Configuration, argocd: Mapping[str, Argocd], git: Mapping[str, Git]
) -> list[Problem]:
    found = await asyncio.gather(
        *(
            _stage(
                file, configuration, stage, argocd[stage.argocd.instance],
                git[configuration.applications[stage.application].repository],
            )
            for stage in configuration.stages()
        )
    )  # fmt: skip
    return [problem for problems in found for problem in problems]


async def _stage(file: Path, configuration: Configuration, stage: Stage, argocd: Argocd, git: Git) -> list[Problem]:
    def problem(reason: str, fix: str) -> Problem:
        path = f"applications.{stage.application}.stages.{stage.environment}"
        return Problem(file=str(file), path=path, line=None, reason=reason, fix=fix)

    found: list[Problem] = []
    try:
        live = await argocd.get(stage.argocd)
        fix = "See docs/configuration.md, “Applications that are refused”"
        found += [problem(f"{slug}: {words}", fix) for slug, words in live.unsupported]
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
