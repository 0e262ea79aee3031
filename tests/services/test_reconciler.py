"""One step at a time, whatever stands in the rows."""

import asyncio

from bot.domain.identity import ChangeId
from bot.domain.lifecycle import State
from bot.meter import SILENT, Meter
from bot.services.alerts.firing import FiringNow
from bot.services.approvers import Approvers
from bot.services.closing import Closing
from bot.services.merging import Merging
from bot.services.names import Names
from bot.services.proposing import Proposing
from bot.services.reconciler import Reconciler, Steps
from bot.services.reviewing import Reviewing
from bot.services.statuses import Statuses
from bot.services.syncing import Syncing
from bot.store.store import SqlStore
from bot.tasks import TaskSet
from tests import examples
from tests.desk import Desk, HeldStore
from tests.examples import MINUTE, NOW


class Lags(Meter):
    def __init__(self) -> None:
        self.told: list[float] = []

    def begun(self, lag: float) -> None:
        self.told.append(lag)


def reconciler_of(desk: Desk, store: SqlStore | None = None, meter: Meter = SILENT) -> Reconciler:
    names, approvers = Names(desk.outside.directory), Approvers(desk.store, desk.access, desk.clock)
    firing = FiringNow(desk.store, {}, desk.clock)
    reviewing, statuses = Reviewing(desk.outside, approvers, firing, desk.clock), Statuses(desk.outside, names)
    steps = Steps(
        proposing=Proposing(desk.outside, names, desk.clock), reviewing=reviewing, statuses=statuses,
        merging=Merging(desk.outside, reviewing, statuses, names, desk.clock),
        syncing=Syncing(desk.outside, names, firing, desk.clock), closing=Closing(desk.outside, names),
        approvers=approvers, clock=desk.clock,
    )  # fmt: skip
    return Reconciler(store or desk.store, steps, desk.source, desk.clock, desk.bells, meter=meter)


async def test_a_void_change_that_was_never_proposed_waits_for_a_person(desk: Desk) -> None:
    """Somebody was on its branch before it ever was: there is no pull request to look at."""
    reason = "approvals no longer count: somebody pushed to the promotion branch"
    change = await desk.put(examples.change(State.APPROVALS_VOID, proposal=None, due_at=NOW, reason=reason))
    assert await reconciler_of(desk).step(change) is None
    found = await desk.get()
    assert (found.state, found.reason) == (State.APPROVALS_VOID, reason)
    assert found.due_at == NOW + desk.source.current.polling.changes


async def test_a_stage_that_is_gone_is_waited_for(desk: Desk) -> None:
    change = await desk.put(examples.change(environment="nowhere", due_at=NOW))
    assert await reconciler_of(desk).step(change) is None
    assert (await desk.get()).reason.startswith("this stage is no longer in tiphys.yaml: put it back")


async def test_what_gives_no_answer_is_waited_for_with_the_state_as_it_is(desk: Desk) -> None:
    change = await desk.put(examples.merged_change(due_at=NOW))
    assert await reconciler_of(desk).step(change) is None
    found = await desk.get()
    assert (found.state, found.trouble_since) == (State.MERGED, NOW)
    assert found.reason.startswith("waiting for Argo CD: ")
    assert found.due_at is not None
    assert found.due_at > NOW


async def test_at_rest_the_step_under_way_ends_and_no_other_begins(desk: Desk) -> None:
    under_way = await desk.put(examples.change(environment="nowhere", due_at=NOW - MINUTE))
    store, meter, tasks = HeldStore(desk.url), Lags(), TaskSet("test")
    reconciler = reconciler_of(desk, store, meter)
    try:
        run = tasks.start(reconciler.run(), name="run")
        await store.is_held.wait()
        assert not await reconciler.rest(0.01)
        later = await desk.put(examples.change(environment="never", id=ChangeId("0" * 26), due_at=NOW - MINUTE))
        await reconciler.sweep()
        store.go_on.set()
        assert await reconciler.rest(10)
        async with asyncio.timeout(10):
            await run
    finally:
        await reconciler.close()
        await tasks.close()
        await store.close()
    assert (await desk.get(under_way.id)).reason.startswith("this stage is no longer in tiphys.yaml")
    assert await desk.get(later.id) == later
    assert meter.told == [60.0]
