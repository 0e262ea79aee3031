"""Whether a change has its quorum: what counts, and how fresh the standing of each approver is."""

from datetime import timedelta

from bot.domain.approval import RuleResult
from bot.domain.change import Change
from bot.domain.lifecycle import State
from bot.services.approvers import REMEMBERED_FOR, Approvers
from tests import examples
from tests.desk import Desk, Office
from tests.examples import APPROVER, APPROVER_2, HOUR, KEY, NOW, OTHER_KEY, approval


async def given(desk: Desk, change: Change, *approvals: object) -> Change:
    stored = await desk.put(change)
    async with desk.store.writing() as tx:
        for each in approvals:
            assert await tx.approvals.add(each, after=NOW - HOUR)  # type: ignore[arg-type]
    return stored


async def judge(desk: Desk, approvers: Approvers, change: Change, environment: str = "production") -> RuleResult | None:
    configuration = desk.source.current
    stage = configuration.get_stage("apm-stack", environment)
    return await approvers.judge(change, stage, configuration, change.fingerprint or "")


def approvers_of(desk: Desk) -> Approvers:
    return Approvers(desk.store, desk.access, desk.clock)


async def test_two_who_may_are_a_quorum(desk: Desk) -> None:
    change = await given(desk, examples.change(), approval(), approval(APPROVER_2))
    result = await judge(desk, approvers_of(desk), change)
    assert result is not None
    assert (result.passed, result.who) == (True, (APPROVER, APPROVER_2))


async def test_where_none_are_needed_there_is_nothing_to_judge(desk: Desk) -> None:
    change = await given(desk, examples.change(environment="staging"))
    assert await judge(desk, approvers_of(desk), change, "staging") is None


async def test_approvals_of_other_content_are_left_aside(desk: Desk) -> None:
    other = approval(fingerprint=OTHER_KEY.fingerprint)
    change = await given(desk, examples.change(), other, approval(APPROVER_2))
    result = await judge(desk, approvers_of(desk), change)
    assert result is not None
    assert (result.passed, result.who) == (False, (APPROVER_2,))
    assert all(item.approval.fingerprint == KEY.fingerprint for item in result.counted)


async def test_approvals_from_before_a_foreign_commit_are_left_aside(desk: Desk) -> None:
    later = approval(APPROVER_2, at=NOW + timedelta(seconds=1))
    change = await given(desk, examples.change(voided_at=NOW), approval(), later)
    result = await judge(desk, approvers_of(desk), change)
    assert result is not None
    assert (result.passed, result.who) == (False, (APPROVER_2,))


async def test_watching_remembers_a_standing_for_a_minute_and_the_merge_does_not(office: Office) -> None:
    desk = office.desk
    change = await given(desk, examples.change(), approval(), approval(APPROVER_2))
    approvers = approvers_of(desk)
    assert (await judge(desk, approvers, change) or examples.result()).passed
    office.people.usergroups["S0PLATFORM"].users.remove(APPROVER)
    assert (await judge(desk, approvers, change) or examples.result()).passed
    merging = examples.change(State.MERGING, number=change.number)
    assert not (await judge(desk, approvers, merging) or examples.quorum()).passed


async def test_a_standing_is_looked_up_anew_after_a_minute(office: Office) -> None:
    desk = office.desk
    change = await given(desk, examples.change(), approval(), approval(APPROVER_2))
    approvers = approvers_of(desk)
    assert (await judge(desk, approvers, change) or examples.result()).passed
    office.people.usergroups["S0PLATFORM"].users.remove(APPROVER)
    desk.clock.at += REMEMBERED_FOR
    assert not (await judge(desk, approvers, change) or examples.quorum()).passed


async def test_what_could_not_be_verified_is_asked_again_at_once(office: Office) -> None:
    desk = office.desk
    change = await given(desk, examples.change(), approval(), approval(APPROVER_2))
    approvers = approvers_of(desk)
    office.silence("users.info", left=2)
    assert not (await judge(desk, approvers, change) or examples.quorum()).passed
    assert (await judge(desk, approvers, change) or examples.result()).passed
