"""A stage's changes as the reconciler takes them on, over what would be seen of Git, the forge and Argo CD.

The ledger, the decisions, the approvals' judgement, the front and the inbox are the real ones over a real database and
a real directory. What would be seen is kept here as values.
"""

import asyncio
import itertools
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from bot.domain.alerts.firing import CannotTell, Firing, FiringAlerts
from bot.domain.change import Change, Merge, Proposal
from bot.domain.content_key import ContentKey
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.merging import MergeSeen, decide_merge_review, decide_merging
from bot.domain.decisions.review import Foreign, ReviewSeen, decide_review
from bot.domain.decisions.syncing import SyncSeen, decide_merged, decide_syncing
from bot.domain.decisions.verifying import decide_verifying
from bot.domain.gate import Gate
from bot.domain.identity import ChangeId, GroupId, UserId
from bot.domain.incoming import Incoming
from bot.domain.lifecycle import Event, State
from bot.domain.live import AutoSync, Deployment, Health, Operation
from bot.domain.pull_request import Merged
from bot.services import ledger
from bot.services.approvers import Approvers
from tests import examples
from tests.desk import TIPHYS_YAML, open_office

T = TypeVar("T")
KEYS = (examples.KEY, examples.OTHER_KEY, replace(examples.KEY, sync_digest="y2"))
GROUP = GroupId("S0PLATFORM")
REQUESTER, APPROVERS = UserId("U0DEV1"), ("U0APPR1", "U0APPR2", "U0APPR3")
YAML = TIPHYS_YAML.replace(
    "  developer: {slack: [U0DEV1], github: [dev-one]}\n",
    "  developer: {slack: [U0DEV1]}\n  twofold: {slack: [U0APPR1, U0APPR3]}\n",
).replace("g, U0DEV1, role:developer", "g, U0DEV1, role:release")
"""The requester could approve, were it not his own change; two of the approvers are one person."""
POLL = timedelta(seconds=15)
BLIND = CannotTell(reason="no answer")


@dataclass
class World:
    """What a look would find."""

    key: ContentKey = examples.KEY
    late: ContentKey | None = None  # where the base moves at the moment of the merge
    foreign: bool = False
    closed: bool = False
    merge: Merge | None = None
    astray: bool = False
    gate_shut: bool = False
    conflict: bool = False
    auto_sync: bool = False
    operation: Operation | None = None
    history: tuple[Deployment, ...] = examples.live().history
    health: Health = Health.HEALTHY
    alerts: Firing | None = None


class Played(RuleBasedStateMachine):
    """Each run has a workspace, a database and an event loop of its own."""

    change: Change
    world: World
    seen_keys: list[str]
    alarmed_until: datetime | None  # when alerts were last seen to hold its soak

    def __init__(self) -> None:
        super().__init__()
        self._closing = ExitStack()
        self._runner = self._closing.enter_context(asyncio.Runner())
        home = Path(self._closing.enter_context(TemporaryDirectory()))
        opened = open_office(home, YAML)
        self.office = self._runner.run(opened.__aenter__())
        self._closing.callback(lambda: self._runner.run(opened.__aexit__(None, None, None)))
        self.desk = self.office.desk
        self.approvers = Approvers(self.desk.store, self.desk.access, self.desk.clock)
        self.numbers = itertools.count(1)
        self.last: Incoming | None = None
        self.ends: dict[ChangeId, State] = {}
        self.looked_at: tuple[ChangeId, int] | None = None

    def teardown(self) -> None:
        self._closing.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @property
    def now(self) -> Any:
        return self.desk.clock.at

    def refreshed(self) -> None:
        self.change = self.run(self.desk.get(self.change.id))

    async def step(self) -> None:
        change = await self.desk.get(self.change.id)
        decided = await self.decide(change)
        had_quorum = await self.has_quorum(change, change.fingerprint)
        async with self.desk.store.writing() as tx:
            if not isinstance(decided, Advance):
                kept = await ledger.settle(tx, change, decided, now=self.now)
                if kept.state is State.VERIFYING and kept.alerting_since is not None:
                    self.alarmed_until = self.now
                return
            moved = await ledger.apply(tx, change, decided, now=self.now)
        self.change = moved
        if decided.event is Event.GATES_OPEN:
            assert had_quorum, "merging without a quorum on what would be merged"
            assert moved.proposal is not None
            assert moved.proposal.key.fingerprint == self.world.key.fingerprint
        if decided.event is Event.SOAKED:
            assert self.world.history[-1].revision == examples.MERGED, "something else has soaked"
            alerts = self.world.alerts
            assert alerts is None or (isinstance(alerts, FiringAlerts) and not alerts.counting), "soaked in an alarm"
            assert moved.healthy_since is not None
            assert moved.healthy_since >= (self.alarmed_until or moved.healthy_since), "a soak that was set back counts"
        if moved.state is State.MERGED and change.state is not State.SYNCING:
            assert moved.merge is not None
            assert await self.has_quorum(moved, moved.merge.key.fingerprint), "merged goes on without a quorum"

    async def decide(self, change: Change) -> Decision:
        source = self.desk.source.current
        stage, world = source.get_stage("apm-stack", "production"), self.world
        match change.state:
            case State.PROPOSING:
                return self.propose()
            case State.WAITING_FOR_APPROVAL | State.MERGED_DIFFERS if change.merge is not None:
                merge = replace(change.merge, key=self.as_read(change.merge.key))
                approvals = await self.approvers.judge(change, stage, source, merge.key.fingerprint)
                return decide_merge_review(change, merge, approvals, stage, self.now, POLL)
            case State.APPROVALS_VOID if change.proposal is None:
                return Wait(reason=change.reason, look_again=POLL)
            case State.WAITING_FOR_APPROVAL | State.HELD | State.WAITING_FOR_CHECKS | State.APPROVALS_VOID:
                return decide_review(change, await self.review(change), stage, self.now, POLL)
            case State.MERGING:
                seen = await self.review(change)
                if seen.merge is None and (seen.approvals is None or not seen.approvals.passed or world.gate_shut):
                    return Advance(event=Event.MERGE_REFUSED, reason="not any longer")
                world.key, world.late = world.late or world.key, None
                merge = seen.merge or self.merged(world.key)
                world.merge, world.closed = merge, True
                return decide_merging(
                    change, MergeSeen(attempt=Merged(revision=merge.revision), merge=merge), stage, self.now
                )
            case State.SYNCING:
                return decide_syncing(change, self.sync_seen(change), stage, self.now)
            case State.VERIFYING:
                return decide_verifying(change, self.sync_seen(change), stage, self.now)
            case _:
                return decide_merged(change, self.sync_seen(change), stage, self.now)

    def propose(self) -> Decision:
        if self.world.foreign and self.change.proposal is None:
            return Advance(event=Event.VOIDED, reason="somebody was here before", facts={"void_because": "somebody"})
        self.world.foreign = self.world.conflict = False
        self.seen_keys.append(self.world.key.fingerprint)
        proposal = examples.proposal(key=self.world.key)
        return Advance(event=Event.PROPOSED, reason="asks", facts={"proposal": proposal, "ready_at": self.now})

    async def review(self, change: Change) -> ReviewSeen:
        world, source = self.world, self.desk.source.current
        stage = source.get_stage("apm-stack", "production")
        key = world.merge.key if world.merge else None if world.conflict else world.key
        approvals = await self.approvers.judge(change, stage, source, key.fingerprint if key else "")
        gate = Gate.closed("window", "shut") if world.gate_shut else Gate.open("window", "open")
        pull = examples.pull_request(is_open=not world.closed, merged=world.merge is not None)
        return ReviewSeen(
            pull_request=pull, base=examples.BASE, key=key, approvals=approvals, gates=(gate,), merge=world.merge,
            foreign=Foreign(who="somebody", what="pushed") if world.foreign and not world.closed else None,
            astray="release" if world.astray else "",
        )  # fmt: skip

    def merged(self, key: ContentKey, *, by_hand: bool = False) -> Merge:
        proposal: Proposal | None = self.change.proposal
        differences = proposal.key.differences(key) if proposal else ()
        return examples.merge(key=key, by_hand=by_hand, at=self.now, differences=differences)

    def as_read(self, key: ContentKey) -> ContentKey:
        """The key of what was merged, with the live Application's settings as they are now."""
        return replace(key, sync_digest=self.world.key.sync_digest)

    def sync_seen(self, change: Change) -> SyncSeen:
        world, merge = self.world, change.merge
        assert merge is not None
        operation, shipped = world.operation, world.history[-1].revision == merge.revision
        live = examples.live(
            operation=operation, health=world.health, history=world.history,
            auto_sync=AutoSync(prune=False, self_heal=False) if world.auto_sync else None,
        )  # fmt: skip
        gate = Gate.closed("window", "shut") if world.gate_shut else Gate.open("window", "open")
        return SyncSeen(
            live=live, gates=(gate,), operation=operation, shipped=shipped, key=self.as_read(merge.key),
            alerts=world.alerts,
        )  # fmt: skip

    async def has_quorum(self, change: Change, fingerprint: str | None) -> bool:
        """Counted by hand: people, not clicks, other than the requester, in the group now, young enough, not void."""
        source = self.desk.source.current
        valid_for = timedelta(hours=4)
        async with self.desk.store.reading() as tx:
            given = await tx.approvals.list(change.id)
        people = {
            source.person_key(approval.user)
            for approval in given
            if approval.fingerprint == fingerprint
            and self.now < approval.at + valid_for
            and (change.voided_at is None or approval.at > change.voided_at)
            and approval.user in self.office.people.usergroups[GROUP].users
        }
        return len(people - {source.person_key(REQUESTER)}) >= 2

    async def audit(self) -> Any:
        async with self.desk.store.reading() as tx:
            return await tx.audit.list(change=self.change.id)

    async def given(self) -> Any:
        async with self.desk.store.reading() as tx:
            return await tx.approvals.list(self.change.id)
