"""The stages against the live systems once after a start: told to the log and to the admin channel."""

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping

import structlog

from bot.adapters import Adapters
from bot.checks.argocd import SYNCED_BY_US, Instance, check_rights
from bot.checks.catalogue import Severity
from bot.checks.finding import Findings
from bot.checks.stages import check_stage
from bot.domain.pipeline import Configuration, Stage
from bot.domain.text import Code, Text
from bot.ports import Argocd, Clock, Git, OutsideError
from bot.ports_store import Store
from bot.wake import Bells

log = structlog.get_logger(__name__)

MOST_TOLD = 8
TOLD_TOO = ("stage.unknown", "stage.rights-unknown")
"""Warnings that keep a stage from being promoted into, at least for now."""


async def look_at_start(
    configuration: Configuration, adapters: Adapters, store: Store, clock: Clock, bells: Bells
) -> None:
    """Compare once; tell the log, and the admin channel once for each set of differences."""
    for stage in configuration.stages():
        await _say_rights(stage, adapters.argocd[stage.argocd.instance])
    found = await _compare(configuration, adapters.argocd, adapters.git)
    for finding in found:
        log.warning(
            "configuration.differs", path=finding.subject, reason=finding.evidence, fix=finding.fix, slug=finding.slug
        )
    channel = configuration.slack.admin_channel
    if not found or channel is None:
        return
    told = [Text.of("\n", Code(f"{f.subject}: {f.evidence}. {f.fix}"[:300])) for f in found[:MOST_TOLD]]
    rest = f"\nand {len(found) - MOST_TOLD} more; `tiphys check --online` shows all" if len(found) > MOST_TOLD else ""
    key = hashlib.sha256("\n".join(str(finding) for finding in found).encode()).hexdigest()[:32]
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


async def _compare(configuration: Configuration, argocd: Mapping[str, Argocd], git: Mapping[str, Git]) -> Findings:
    """What keeps stages from being promoted into."""
    await asyncio.gather(*(_fetch(repository) for repository in git.values()))
    us = Instance(usable=True)
    found = await asyncio.gather(
        *(check_stage(stage, configuration, argocd, git) for stage in configuration.stages()),
        *(
            check_rights(name, argocd[name], [s for s in configuration.stages() if s.argocd.instance == name], us)
            for name in configuration.argocd
        ),
    )
    return [
        finding for findings in found for finding in findings
        if finding.severity is Severity.ERROR or finding.slug in TOLD_TOO
    ]  # fmt: skip


async def _fetch(repository: Git) -> None:
    """Without an answer the stages say so themselves: what is read then asks again."""
    with contextlib.suppress(OutsideError):
        await repository.fetch()
