"""One stage's changes under everything that people, Git and Argo CD may do, in any order, and the laws."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from bot.domain.alerts.firing import Firing, FiringAlerts
from bot.domain.content_key import ContentKey
from bot.domain.identity import ChangeId, Revision
from bot.domain.incoming import Incoming
from bot.domain.lifecycle import BEFORE_MERGE, TERMINAL, TRANSITIONS, Event, State, allows
from bot.domain.live import Deployment, Health, Operation, Phase
from tests import examples
from tests.alert_examples import fires
from tests.properties.lifecycle_played import APPROVERS, BLIND, GROUP, KEYS, REQUESTER, Played, World

PEOPLE = ("U0DEV1", "U0APPR1", "U0APPR2", "U0APPR3", "U0DEV2", "U0GUEST")
SHIPPING = frozenset({State.SYNCING, State.VERIFYING, State.SUCCEEDED})
TURNS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    *(("turn", ("key", key)) for key in KEYS),
    *(("turn", (name, to)) for name in ("gate_shut", "conflict", "auto_sync", "foreign") for to in (True, False)),
    *(("turn", ("health", health)) for health in (Health.HEALTHY, Health.PROGRESSING, Health.DEGRADED)),
    *(("turn", ("alerts", alerts)) for alerts in (None, FiringAlerts(), FiringAlerts(alerts=(fires(),)), BLIND)),
    *(("argocd_works", (phase,)) for phase in (None, Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED)),
    ("deployed", (examples.ACTIVE,)),
    *(("pass_time", (minutes,)) for minutes in (1, 10, 60, 245, 490)),
    *(("join_or_leave_the_group", (user,)) for user in APPROVERS),
    *(("by_hand", (key, "merged")) for key in KEYS),
    *(("by_hand", (KEYS[0], how)) for how in ("closed", "astray")),
    *(("end", (user, action)) for user in ("U0DEV1", "U0DEV2") for action in ("abort", "reject")),
)


class Lifecycle(Played):
    """What may happen to them; how each is played stands in `Played`."""

    @initialize()
    def asked(self) -> None:
        self.ask_anew()

    @precondition(lambda self: self.change.is_over)
    @rule()
    def ask_anew(self) -> None:
        """The next promotion of the same stage."""
        number = next(self.numbers)
        self.world, self.seen_keys = World(), [examples.KEY.fingerprint]
        self.alarmed_until = None
        fresh = examples.change(
            State.PROPOSING, id=ChangeId(f"01HZX3K6Q4T8V2M5N7P9{number:06d}"), proposal=None, ready_at=None,
            requested_by=REQUESTER, requested_at=self.now, state_since=self.now, due_at=self.now,
        )  # fmt: skip
        self.change = self.run(self.desk.put(fresh))

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
        if phase is Phase.SUCCEEDED:
            self.deployed(examples.MERGED)

    def deployed(self, revision: Revision) -> None:
        """What was merged, or what ran before it: somebody rolls back."""
        entry = Deployment(id=len(self.world.history) + 14, revision=revision, deployed_at=self.now)
        self.world.history = (*self.world.history, entry)

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

    # The laws

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
