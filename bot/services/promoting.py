"""Asking for a promotion: find what the source stage runs, and the change that is open already, or open one."""

from dataclasses import replace
from datetime import datetime

from ulid import ULID

from bot.domain.audit import AuditEntry
from bot.domain.change import Change, ChangeKind
from bot.domain.decisions.decision import Advance
from bot.domain.identity import ChangeId, ChannelId, Revision, short
from bot.domain.lifecycle import BEFORE_MERGE, Event, State
from bot.domain.live import Health, LiveApplication
from bot.domain.mapping import mismatches, unsupported_in
from bot.domain.pipeline import Configuration, Stage, SyncMode
from bot.domain.request import Answer, Request
from bot.domain.text import Code, InChannel, Link, Strong, Text
from bot.ports import Clock, ConfigurationInForce
from bot.ports_store import AlreadyOpen, Conflict, Store, Transaction
from bot.services import ledger
from bot.services.access import Access, Action, Forbidden
from bot.services.channels import Channels
from bot.services.outside import Outside
from bot.services.planning import obstacle_of, plan_of
from bot.strategies.plan import CannotPlan, NothingToPromote, Side
from bot.wake import Bells


class Promotions:
    """The use case behind `promote`."""

    def __init__(
        self, store: Store, access: Access, outside: Outside, channels: Channels, source: ConfigurationInForce,
        clock: Clock, bells: Bells,
    ) -> None:  # fmt: skip
        self._store, self._access, self._outside, self._channels = store, access, outside, channels
        self._source, self._clock, self._bells = source, clock, bells

    async def promote(self, request: Request, application: str, environment: str, *, sync: bool = False) -> Answer:
        """Open or find the promotion into this stage. The names are canonical ones that exist.

        Raises `OutsideError` when Argo CD, Git or the forge give no answer: nothing was written, ask again.
        """
        configuration = self._source.current
        stage = configuration.get_stage(application, environment)
        permit = await self._access.permit(request.user, Action.PROMOTE, stage)
        sync = sync and stage.sync is SyncMode.MANUAL  # elsewhere nobody has to ask for it
        if sync and not isinstance(permit, Forbidden):
            permit = await self._access.permit(request.user, Action.SYNC, stage)
        if isinstance(permit, Forbidden):
            return await self._conclude(request, stage, Answer.refusal(permit.slug, permit.text))
        if (answer := _cannot_be_promoted_into(stage)) is not None:
            return await self._conclude(request, stage, answer)
        channel = stage.channel or configuration.applications[application].channel or request.channel
        if channel is None:
            words = f"{stage.name} has no channel in tiphys.yaml, so ask from the channel where its card shall be."
            return await self._conclude(request, stage, Answer.refusal("no-channel", Text.of(words)))
        source = configuration.get_stage(application, stage.source or "")
        source_live = await self._outside.argocd_of(source).get(source.argocd)
        live = await self._outside.argocd_of(stage).get(stage.argocd)
        git = self._outside.git_of(configuration, application)
        await git.fetch()
        if (answer := await self._preflight(configuration, stage, source, source_live, live)) is not None:
            return await self._conclude(request, stage, answer)
        deployed = source_live.active
        if deployed is None:
            words = f"{source.environment} has never been deployed, so there is nothing to promote from it."
            return await self._conclude(request, stage, Answer.refusal("never-deployed", Text.of(words)))
        if (refusal := await self._channels.refusal(channel)) is not None:
            return await self._conclude(request, stage, refusal)
        if (answer := await self._cannot_be_merged(configuration, stage)) is not None:
            return await self._conclude(request, stage, answer)
        async with self._store.reading() as tx:
            standing = await tx.changes.find_open(application, environment)
        if standing is None or standing.source_revision != deployed:
            answer = await self._nothing_to_promote(configuration, stage, source, deployed, standing)
            if answer is not None:
                return await self._conclude(request, stage, answer)
        return await self._open(request, stage, deployed, channel, sync=sync)

    async def _preflight(
        self,
        configuration: Configuration,
        stage: Stage,
        source: Stage,
        source_live: LiveApplication,
        live: LiveApplication,
    ) -> Answer | None:
        """Refusals that are known before anything is written."""
        for of, found in ((stage, live), (source, source_live)):
            if unsupported := unsupported_in(of, found):
                slug, words = unsupported[0]
                words = f"{of.argocd.name} is of a kind that is not supported ({slug}): {words}."
                return Answer.refusal(slug, Text.of(words))
            repository = configuration.repository_of(of.application)
            default = await self._outside.git_of(configuration, of.application).default_branch()
            if wrong := mismatches(of, repository, found, default):
                words = f"{of.argocd.name} in Argo CD is not what tiphys.yaml says: {wrong[0]}."
                return Answer.refusal("mapping", Text.of(words))
        if live.is_deleting:
            return Answer.refusal("deleting", Text.of(f"{stage.argocd.name} is being deleted in Argo CD."))
        if stage.source_must_be_healthy and source_live.health is not Health.HEALTHY:
            words = f"{source.environment} is {source_live.health.value}: it must be Healthy before it is promoted."
            return Answer.refusal("source-unhealthy", Text.of(words, _because(source_live)))
        return None

    async def _cannot_be_merged(self, configuration: Configuration, stage: Stage) -> Answer | None:
        """What the branch's rules forbid for good is said before anything is written."""
        forge = self._outside.forge_of(configuration, stage.application)
        if (found := await obstacle_of(forge, configuration, stage)) is None:
            return None
        obstacle, link_to_rules = found
        words = f" cannot be promoted: {obstacle.reason}. {obstacle.way_out}."
        link = Text.of(" ", Link(link_to_rules, "rules of the branch ↗")) if link_to_rules else Text()
        return Answer.refusal(obstacle.slug, Text.of(Strong(stage.name), words, link))

    async def _nothing_to_promote(
        self, configuration: Configuration, stage: Stage, source: Stage, deployed: Revision, standing: Change | None
    ) -> Answer | None:
        git = self._outside.git_of(configuration, stage.application)
        base = await git.find_tip(stage.branch)
        if base is None:
            words = f"Branch {stage.branch} does not exist in the repository."
            return Answer.refusal("no-branch", Text.of(words))
        side = Side(environment=source.environment, treeish=deployed)
        match await plan_of(git, configuration, stage, source=side, base=base):
            case NothingToPromote() if standing is None:
                words = f" has what {source.environment} runs ({short(deployed)}) already: nothing to promote."
                return Answer.refusal("nothing-to-promote", Text.of(Strong(stage.name), words))
            case CannotPlan(slug=slug, reason=reason, way_out=way_out):
                words = f"{stage.name} cannot be promoted: {reason}."
                return Answer.refusal(slug, Text.of(words, f" {way_out[:1].upper()}{way_out[1:]}." if way_out else ""))
            case _:
                return None

    async def _open(
        self, request: Request, stage: Stage, deployed: Revision, channel: ChannelId, *, sync: bool
    ) -> Answer:
        while True:
            try:
                async with self._store.writing() as tx:
                    answer = await self._find_or_insert(tx, request, stage, deployed, channel, sync=sync)
                    await self._record(tx, request, stage, answer)
            except (Conflict, AlreadyOpen):
                continue
            self._bells.ring_all()
            return answer

    async def _find_or_insert(
        self, tx: Transaction, request: Request, stage: Stage, deployed: Revision, channel: ChannelId, *, sync: bool
    ) -> Answer:
        now = self._clock.now()
        standing = await tx.changes.find_open(stage.application, stage.environment)
        if standing is not None:
            is_newer = standing.source_revision != deployed
            # What somebody merged by hand is decided first.
            is_pending = standing.state in BEFORE_MERGE and standing.merge is None
            if not (is_newer and stage.supersede and is_pending):
                await tx.outbox.touch_card(standing.id, now=now)
                words = f"#{standing.number} is open already: {standing.title}, {standing.state.value}."
                if sync and standing.sync_asked_by is None:
                    await tx.changes.swap(replace(standing, sync_asked_by=request.user, due_at=now))
                    words += " It will be synced right after the merge."
                where = _elsewhere(request, standing.channel)
                return Answer.done(Text.of(words, where, _pull_request(standing)), standing.id)
            words = f"a newer promotion took over: {stage.source} runs {short(deployed)} now"
            await ledger.apply(tx, standing, Advance(event=Event.SUPERSEDED, reason=words), now=now, by=request.user)
        change = await tx.changes.insert(_change(request, stage, deployed, channel, now, sync=sync))
        await tx.outbox.touch_card(change.id, now=now)
        synced = ", and sync it after the merge" if sync else ""
        words = f"I read: promote {stage.application} to {stage.environment}{synced}. This is #{change.number}."
        return Answer.done(Text.of(words, _elsewhere(request, channel)), change.id)

    async def _conclude(self, request: Request, stage: Stage, answer: Answer) -> Answer:
        async with self._store.writing() as tx:
            await self._record(tx, request, stage, answer)
        self._bells.outbox.ring()
        return answer

    async def _record(self, tx: Transaction, request: Request, stage: Stage, answer: Answer) -> None:
        now = self._clock.now()
        await tx.audit.add(
            AuditEntry(
                at=now, actor=request.user, action="asked.promote", outcome="refused" if answer.refused else "done",
                change=answer.change, application=stage.application, environment=stage.environment,
                text=answer.text.plain, detail={"slug": answer.refused, "request": request.id},
            )
        )  # fmt: skip
        await tx.outbox.answer(request, answer, now=now)
        await tx.inbound.conclude(request.id)


def _change(
    request: Request, stage: Stage, deployed: Revision, channel: ChannelId, now: datetime, *, sync: bool
) -> Change:
    return Change(
        id=ChangeId(str(ULID.from_datetime(now))), number=0, kind=ChangeKind.PROMOTION, application=stage.application,
        environment=stage.environment, source_environment=stage.source, source_revision=deployed,
        sync_mode=stage.sync, requested_by=request.user, requested_at=now.replace(microsecond=0), channel=channel,
        asked_in=request.channel or channel, state=State.PROPOSING, state_since=now, due_at=now,
        reason="writing the promotion to Git", sync_asked_by=request.user if sync else None,
    )  # fmt: skip


def _cannot_be_promoted_into(stage: Stage) -> Answer | None:
    if stage.source is not None:
        return None
    if stage.sync is SyncMode.AUTOMATED:
        return Answer.refusal(
            "follows-branch",
            Text.of(
                Strong(stage.name), " follows branch ", Code(stage.branch), " by itself: push there, Argo CD syncs it."
            ),
        )
    words = f" is the first stage: there is nothing to promote into it from. It follows branch {stage.branch}."
    return Answer.refusal("first-stage", Text.of(Strong(stage.name), words))


def _because(live: LiveApplication) -> str:
    bad = next((r for r in live.resources if r.health not in (None, Health.HEALTHY)), None)
    if bad is None or bad.health is None:
        return ""
    return f" {bad.key} is {bad.health.value}" + (f" ({bad.message})." if bad.message else ".")


def _elsewhere(request: Request, channel: ChannelId) -> Text:
    """Where its card is, when that is not where he asked."""
    return Text() if request.channel == channel else Text.of(" Its card is in ", InChannel(channel), ".")


def _pull_request(change: Change) -> Text:
    if change.proposal is None:
        return Text()
    return Text.of(" ", Link(change.proposal.link, f"PR #{change.proposal.pull_request} ↗"))
