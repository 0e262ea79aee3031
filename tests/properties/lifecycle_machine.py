"""One stage's changes under everything that people, Git and Argo CD may do, in any order, and the laws.

The ledger, the decisions, the approvals' judgement, the front and the inbox are the real ones over a real database and
a real directory. What would be seen of Git, the forge and Argo CD is kept here as values.
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

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.alerts.firing import CannotTell, Firing, FiringAlerts
from bot.domain.change import Change, Merge, Proposal
from bot.domain.content_key import ContentKey
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.merging import MergeSeen, decide_merge_review, decide_merging
from bot.domain.decisions.review import Foreign, ReviewSeen, decide_review
from bot.domain.decisions.syncing import SyncSeen, decide_merged, decide_syncing, decide_verifying
from bot.domain.gate import Gate
from bot.domain.identity import ChangeId, GroupId, UserId
from bot.domain.incoming import Incoming
from bot.domain.lifecycle import BEFORE_MERGE, TERMINAL, TRANSITIONS, Event, State, allows
from bot.domain.live import AutoSync, Health, Operation, Phase
from bot.domain.pull_request import Merged
from bot.services import ledger
from bot.services.approvers import Approvers
from tests import examples
from tests.alert_examples import fires
from tests.desk import TIPHYS_YAML, open_office

T = TypeVar("T")
KEYS = (examples.KEY, examples.OTHER_KEY, replace(examples.KEY, sync_digest="y2"))
GROUP = GroupId("S0PLATFORM")
REQUESTER, APPROVERS = UserId("U0DEV1"), ("U0APPR1", "U0APPR2", "U0APPR3")
PEOPLE = ("U0DEV1", "U0APPR1", "U0APPR2", "U0APPR3", "U0DEV2", "U0GUEST")
YAML = TIPHYS_YAML.replace(
    "  developer: {slack: [U0DEV1], github: [dev-one]}\n",
    "  developer: {slack: [U0DEV1]}\n  twofold: {slack: [U0APPR1, U0APPR3]}\n",
).replace("g, U0DEV1, role:developer", "g, U0DEV1, role:release")
"""The requester could approve, were it not his own change; two of the approvers are one person."""
SHIPPING = frozenset({State.SYNCING, State.VERIFYING, State.SUCCEEDED})
POLL = timedelta(seconds=15)
BLIND = CannotTell(reason="no answer")
TURNS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    *(("turn", ("key", key)) for key in KEYS),
    *(("turn", (name, to)) for name in ("gate_shut", "conflict", "auto_sync", "foreign") for to in (True, False)),
    *(("turn", ("health", health)) for health in (Health.HEALTHY, Health.PROGRESSING, Health.DEGRADED)),
    *(("turn", ("alerts", alerts)) for alerts in (None, FiringAlerts(), FiringAlerts(alerts=(fires(),)), BLIND)),
    *(("argocd_works", (phase,)) for phase in (None, Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED)),
    *(("pass_time", (minutes,)) for minutes in (1, 10, 60, 245, 490)),
    *(("join_or_leave_the_group", (user,)) for user in APPROVERS),
    *(("by_hand", (key, "merged")) for key in KEYS),
    *(("by_hand", (KEYS[0], how)) for how in ("closed", "astray")),
    *(("end", (user, action)) for user in ("U0DEV1", "U0DEV2") for action in ("abort", "reject")),
)


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
    health: Health = Health.HEALTHY
    alerts: Firing | None = None


class Lifecycle(RuleBasedStateMachine):
    """Each run has a workspace, a database and an event loop of its own."""

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

    @initialize()
    def asked(self) -> None:
        self.ask_anew()

    @precondition(lambda self: self.change.is_over)
    @rule()
    def ask_anew(self) -> None:
        """The next promotion of the same stage."""
        number = next(self.numbers)
        self.world, self.seen_keys = World(), [examples.KEY.fingerprint]
        self.alarmed_until: datetime | None = None  # when alerts were last seen to hold its soak
        fresh = examples.change(
            State.PROPOSING, id=ChangeId(f"01HZX3K6Q4T8V2M5N7P9{number:06d}"), proposal=None, ready_at=None,
            requested_by=REQUESTER, requested_at=self.now, state_since=self.now, due_at=self.now,
        )  # fmt: skip
        self.change = self.run(self.desk.put(fresh))

    @property
    def now(self) -> Any:
        return self.desk.clock.at

    # What people do

    @rule(user=st.sampled_from(PEOPLE), seen=st.sampled_from(["now", "now", "now", "old", "garbage", "begun"]))
    def approve(self, user: str, seen: str) -> None:
        """A yes counts only when it names what there is to approve now."""
        current = self.change.fingerprint or ""
        fingerprint = {"now": current, "old": self.seen_keys[0], "garbage": "0" * 64, "begun": current[:6]}[seen]
        before = self.run(self.given())
        self.act(self.desk.click(user, "change.approve", self.change, value=f"{self.change.id}|{fingerprint}"))
        if not fingerprint or not current.startswith(fingerprint):
            assert self.run(self.given()) == before

    def approve_by_two(self, first: str, second: str) -> None:
        self.approve(first, "now")
        self.approve(second, "now")

    @rule(user=st.sampled_from(PEOPLE), action=st.sampled_from(["hold", "sync", "rebuild"]))
    def press(self, user: str, action: str) -> None:
        self.act(self.desk.click(user, f"change.{action}", self.change))

    def end(self, user: str, action: str) -> None:
        self.act(self.desk.submission(user, f"change.{action}", self.change, fields={"reason": "too risky"}))

    @precondition(lambda self: self.last is not None)
    @rule()
    def deliver_again(self) -> None:
        """A repeated delivery changes nothing at all."""
        assert self.last is not None
        before = self.run(self.desk.counts()), self.run(self.desk.get(self.change.id))
        self.act(self.last)
        assert (self.run(self.desk.counts()), self.run(self.desk.get(self.change.id))) == before
        self.last = None

    def act(self, incoming: Incoming) -> None:
        self.run(self.desk.take(incoming))
        self.run(self.desk.work())
        self.last = incoming
        self.refreshed()

    def join_or_leave_the_group(self, user: str) -> None:
        members = self.office.people.usergroups[GROUP].users
        if user in members:
            members.remove(user)
        else:
            members.append(user)
        self.pass_time(2)  # longer than a standing is remembered

    def pass_time(self, minutes: int) -> None:
        self.desk.clock.at += timedelta(minutes=minutes)

    # What happens outside

    @rule(turn=st.sampled_from(TURNS))
    def the_world_turns(self, turn: tuple[str, tuple[Any, ...]]) -> None:
        method, values = turn
        getattr(self, method)(*values)

    def turn(self, what: str, to: Any) -> None:
        setattr(self.world, what, to)

    def nothing_stands_in_the_way(self) -> None:
        self.world.gate_shut = self.world.conflict = self.world.foreign = False
        self.world.alerts = None

    def by_hand(self, key: ContentKey, how: str) -> None:
        if self.change.proposal is None or self.change.state not in BEFORE_MERGE or self.world.closed:
            return
        self.world.closed = True
        if how != "closed":
            self.world.merge, self.world.astray = self.merged(key, by_hand=True), how == "astray"
            self.world.key = key

    def argocd_works(self, phase: Phase | None) -> None:
        """On our sync if it was asked for, else on one of its own or of somebody."""
        ours = self.change.sync is not None and self.change.sync.operation is not None
        infos = (("tiphys-change", self.change.id),) if ours else ()
        self.world.operation = Operation(phase=phase, revision=examples.MERGED, infos=infos) if phase else None

    @rule(far=st.integers(1, 5))
    def a_good_day(self, far: int) -> None:
        """What leads to success, up to some point of it: other rules go on from there."""
        self.nothing_stands_in_the_way()
        self.office.people.usergroups[GROUP].users[:] = list(APPROVERS)
        self.look(1)
        if far > 1:
            self.approve_by_two("U0APPR1", "U0APPR2")
        if far > 2:
            self.look(2)
        if far > 3:
            self.look(2)
        if far > 4:
            self.argocd_works(Phase.SUCCEEDED)
            self.world.health = Health.HEALTHY
            self.look(2)
            self.pass_time(10)
            self.look(1)

    # What goes wrong at the worst moment: rare if every part of it had to come by chance

    @precondition(lambda self: self.change.state in (State.WAITING_FOR_APPROVAL, State.WAITING_FOR_CHECKS))
    @rule()
    def somebody_pushes_and_it_is_rebuilt(self) -> None:
        self.world.foreign = True
        self.look(1)
        self.press("U0APPR1", "rebuild")
        self.look(3)

    @precondition(lambda self: self.change.state in (State.WAITING_FOR_APPROVAL, State.WAITING_FOR_CHECKS))
    @rule(minutes=st.sampled_from([60, 245]))
    def a_gate_stays_shut_for_long(self, minutes: int) -> None:
        self.world.gate_shut = True
        self.look(2)
        self.pass_time(minutes)
        self.world.gate_shut = False
        self.look(2)

    @precondition(lambda self: self.change.state in BEFORE_MERGE)
    @rule(key=st.sampled_from(KEYS))
    def the_base_moves_at_the_last_moment(self, key: ContentKey) -> None:
        """After our last look and before the merge: the forge guards only the head."""
        self.a_good_day(3)
        self.world.late = key
        self.look(2)

    @precondition(lambda self: self.change.state in BEFORE_MERGE)
    @rule(alerts=st.sampled_from([FiringAlerts(alerts=(fires(),)), BLIND]), minutes=st.sampled_from([9, 20, 130]))
    def an_alarm_in_the_soak(self, alerts: Firing, minutes: int) -> None:
        self.a_good_day(4)
        self.argocd_works(Phase.SUCCEEDED)
        self.world.health = Health.HEALTHY
        self.look(2)
        was = self.change.state
        self.world.alerts = alerts
        self.look(1)
        self.pass_time(minutes)
        self.look(2)
        assert self.change.state is not State.SUCCEEDED or was is State.SUCCEEDED
        self.world.alerts = FiringAlerts()
        self.look(2)

    # What the reconciler does

    @rule(times=st.integers(1, 3))
    def look(self, times: int) -> None:
        for _ in range(times):
            if not self.change.is_over:
                self.run(self.step())
        self.refreshed()

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
                return decide_merging(change, MergeSeen(attempt=Merged(revision=merge.revision), merge=merge))
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
        operation = world.operation
        shipped = operation is not None and operation.phase is Phase.SUCCEEDED
        live = examples.live(
            operation=operation, health=world.health,
            auto_sync=AutoSync(prune=False, self_heal=False) if world.auto_sync else None,
        )  # fmt: skip
        gate = Gate.closed("window", "shut") if world.gate_shut else Gate.open("window", "open")
        return SyncSeen(
            live=live, gates=(gate,), operation=operation, shipped=shipped, key=self.as_read(merge.key),
            alerts=world.alerts,
        )  # fmt: skip

    # The laws

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

    def refreshed(self) -> None:
        self.change = self.run(self.desk.get(self.change.id))

    @invariant()
    def an_end_is_an_end(self) -> None:
        if self.change.is_over:
            assert self.ends.setdefault(self.change.id, self.change.state) is self.change.state

    @precondition(lambda self: self.moved())
    @invariant()
    def every_move_is_in_the_table_and_in_the_audit(self) -> None:
        entries = [entry for entry in self.run(self.audit()) if entry.action.startswith("change.")]
        at = State.PROPOSING
        for entry in entries:
            event = next(event for event in Event if entry.action == f"change.{event.value.replace(' ', '-')}")
            assert entry.detail["from"] == at.value
            assert allows(at, event)
            at = TRANSITIONS[(at, event)]
            assert entry.detail["to"] == at.value
        assert at is self.change.state

    @invariant()
    def nothing_ships_but_what_a_quorum_approved(self) -> None:
        """Whoever counted when it was let go is on the change, and has approved exactly what was merged."""
        change = self.change
        if change.state not in SHIPPING:
            return
        assert change.merge is not None
        assert len({self.desk.source.current.person_key(user) for user in change.approved_by}) >= 2
        given = self.run(self.given())
        named = {approval.user for approval in given if approval.fingerprint == change.merge.key.fingerprint}
        assert set(change.approved_by) <= named
        assert REQUESTER not in change.approved_by

    @invariant()
    def an_open_change_is_looked_at_again(self) -> None:
        if self.change.state not in TERMINAL:
            assert self.change.due_at is not None

    def moved(self) -> bool:
        """Whether the change has moved since the last look at its audit: the look costs more than the step."""
        looked, self.looked_at = self.looked_at, (self.change.id, self.change.version)
        return looked != self.looked_at

    async def audit(self) -> Any:
        async with self.desk.store.reading() as tx:
            return await tx.audit.list(change=self.change.id)

    async def given(self) -> Any:
        async with self.desk.store.reading() as tx:
            return await tx.approvals.list(self.change.id)
