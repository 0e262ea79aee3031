"""Who may do what: every kind of member, the rules that no policy can change, and what cannot be verified."""

import pytest

from bot.domain.alerts.group import Tie, TiedBy
from bot.domain.identity import UserId
from bot.services.access import Action, AlertRight, Forbidden, Permitted, written
from tests.desk import Desk, Office

REQUESTER = UserId("U0DEV1")
GRANTED = {
    "U0DEV1": {Action.GET, Action.PROMOTE},
    "U0DEV2": {Action.GET},
    "U0APPR1": {Action.GET, Action.PROMOTE, Action.APPROVE, Action.REJECT, Action.ABORT, Action.SYNC},
}
KINDS = {"U0GUEST": "guest", "U0EXTERNAL": "external", "U0GONE": "deactivated", "U0ROBOT": "bot"}


async def slug(desk: Desk, user: str, action: Action, environment: str = "production", **more: UserId) -> str:
    stage = desk.source.current.get_stage("apm-stack", environment)
    permit = await desk.access.permit(UserId(user), action, stage, **more)
    return "" if isinstance(permit, Permitted) else permit.slug


@pytest.mark.parametrize("user", sorted(GRANTED))
async def test_every_action_is_granted_or_refused_by_the_policy(desk: Desk, user: str) -> None:
    for action in Action:
        expected = "" if action in GRANTED[user] else "no-permission"
        assert await slug(desk, user, action) == expected, action


async def test_nobody_but_a_member_may_do_anything(desk: Desk) -> None:
    desk.source.file.write_text(desk.source.file.read_text("utf-8").replace("role:readonly", "role:admin"), "utf-8")
    assert desk.source.reload() == []
    for action in Action:
        for user, kind in KINDS.items():
            assert await slug(desk, user, action) == f"not-a-member-{kind}", (user, action)
            assert await slug(desk, user, action, requester=UserId(user)) == f"not-a-member-{kind}", (user, action)
        assert await slug(desk, "U0DEV2", action) == "", action


async def test_who_cannot_be_looked_up_may_do_nothing(office: Office) -> None:
    office.silence("users.info")
    for action in Action:
        assert await slug(office.desk, "U0APPR1", action) == "cannot-verify", action
        assert await slug(office.desk, "U0APPR1", action, requester=UserId("U0APPR1")) == "cannot-verify", action


async def test_a_right_that_hangs_on_a_group_that_cannot_be_asked_is_no_yes(office: Office) -> None:
    office.silence("usergroups.users.list")
    for action in (Action.PROMOTE, Action.APPROVE, Action.REJECT, Action.ABORT, Action.SYNC):
        assert await slug(office.desk, "U0APPR1", action) == "cannot-verify", action
    assert await slug(office.desk, "U0APPR1", Action.GET) == ""
    assert await slug(office.desk, "U0DEV1", Action.PROMOTE) == ""  # his own line decides, whatever the group


async def test_a_plan_without_user_groups_is_told_as_that(office: Office) -> None:
    office.people.settings.plan_upgrade_required = True
    stage = office.desk.source.current.get_stage("apm-stack", "production")
    permit = await office.desk.access.permit(UserId("U0APPR1"), Action.APPROVE, stage)
    assert isinstance(permit, Forbidden)
    assert permit.slug == "cannot-verify"
    assert "this Slack plan has no user groups" in permit.text.plain


async def test_a_right_is_looked_up_at_the_moment_of_the_act(office: Office) -> None:
    assert await slug(office.desk, "U0APPR1", Action.APPROVE) == ""
    office.people.usergroups["S0PLATFORM"].users.remove("U0APPR1")
    assert await slug(office.desk, "U0APPR1", Action.APPROVE) == "no-permission"


async def test_the_requester_may_abort_his_own_change_and_nobody_elses(desk: Desk) -> None:
    assert await slug(desk, "U0DEV1", Action.ABORT, requester=REQUESTER) == ""
    assert await slug(desk, "U0DEV2", Action.ABORT, requester=REQUESTER) == "no-permission"
    assert await slug(desk, "U0DEV1", Action.ABORT, requester=UserId("U0APPR1")) == "no-permission"
    assert await slug(desk, "U0DEV1", Action.REJECT, requester=REQUESTER) == "no-permission"


async def test_the_requester_is_a_person_not_an_account(desk: Desk) -> None:
    file = desk.source.file
    file.write_text(file.read_text("utf-8").replace("slack: [U0DEV1]", "slack: [U0DEV1, U0DEV2]"), "utf-8")
    assert desk.source.reload() == []
    assert await slug(desk, "U0DEV2", Action.ABORT, requester=REQUESTER) == ""


async def test_whoever_may_approve_may_reject(desk: Desk) -> None:
    assert "changes, reject" not in desk.source.current.permissions.policy
    assert await slug(desk, "U0APPR2", Action.REJECT) == ""
    assert await slug(desk, "U0APPR2", Action.REJECT, "staging") == "no-permission"  # may not approve there


async def test_without_a_stage_a_right_anywhere_is_enough(desk: Desk) -> None:
    async def anywhere(user: str, action: Action) -> bool:
        return isinstance(await desk.access.permit(UserId(user), action, None), Permitted)

    assert await anywhere("U0DEV1", Action.SYNC)
    assert await anywhere("U0APPR1", Action.APPROVE)
    assert not await anywhere("U0DEV1", Action.APPROVE)


async def test_a_refusal_says_what_is_needed_and_who_has_it(desk: Desk) -> None:
    stage = desk.source.current.get_stage("apm-stack", "production")
    permit = await desk.access.permit(UserId("U0DEV2"), Action.APPROVE, stage)
    assert isinstance(permit, Forbidden)
    assert permit.text.plain == (
        "You may not do that: it needs changes, approve, apm-stack/production. It is granted to role:release."
    )


async def test_an_approval_counts_from_one_of_those_named_with_the_right(office: Office) -> None:
    desk, stage = office.desk, office.desk.source.current.get_stage("apm-stack", "production")
    assert (await desk.access.may_approve(UserId("U0APPR1"), stage)).may_approve
    without = await desk.access.may_approve(UserId("U0DEV2"), stage)
    assert (without.may_approve, without.unverified) == (False, False)
    guest = await desk.access.may_approve(UserId("U0GUEST"), stage)
    assert (guest.may_approve, guest.reason) == (False, "is not a member here (guest)")


async def test_a_right_alone_is_not_enough_to_be_counted(desk: Desk) -> None:
    """Also not for administrators, who may everything."""
    file = desk.source.file
    file.write_text(file.read_text("utf-8") + "    g, U0ADMIN, role:admin\n", "utf-8")
    assert desk.source.reload() == []
    stage = desk.source.current.get_stage("apm-stack", "production")
    assert await slug(desk, "U0ADMIN", Action.APPROVE) == ""
    standing = await desk.access.may_approve(UserId("U0ADMIN"), stage)
    assert (standing.may_approve, standing.unverified) == (False, False)
    assert "role:release" in standing.reason


async def test_being_named_alone_is_not_enough_either(desk: Desk) -> None:
    file = desk.source.file
    file.write_text(file.read_text("utf-8").replace("from: [role:release]", "from: [role:release, U0DEV2]"), "utf-8")
    assert desk.source.reload() == []
    stage = desk.source.current.get_stage("apm-stack", "production")
    assert not (await desk.access.may_approve(UserId("U0DEV2"), stage)).may_approve


async def test_an_approver_who_cannot_be_verified_is_said_to_be_so(office: Office) -> None:
    stage = office.desk.source.current.get_stage("apm-stack", "production")
    office.silence("usergroups.users.list")
    standing = await office.desk.access.may_approve(UserId("U0APPR1"), stage)
    assert (standing.may_approve, standing.unverified) == (False, True)


async def test_a_user_group_may_be_named_as_the_source(office: Office) -> None:
    desk, file = office.desk, office.desk.source.file
    file.write_text(file.read_text("utf-8").replace("from: [role:release]", "from: [S0PLATFORM]"), "utf-8")
    assert desk.source.reload() == []
    stage = desk.source.current.get_stage("apm-stack", "production")
    assert (await desk.access.may_approve(UserId("U0APPR1"), stage)).may_approve
    office.people.usergroups["S0PLATFORM"].users.remove("U0APPR1")
    assert not (await desk.access.may_approve(UserId("U0APPR1"), stage)).may_approve


async def test_a_reload_is_the_policy_that_counts(desk: Desk) -> None:
    assert await slug(desk, "U0DEV2", Action.PROMOTE) == "no-permission"
    file = desk.source.file
    file.write_text(file.read_text("utf-8") + "    g, U0DEV2, role:developer\n", "utf-8")
    assert desk.source.reload() == []
    assert await slug(desk, "U0DEV2", Action.PROMOTE) == ""


async def test_describe_tells_what_is_known(office: Office) -> None:
    known = await office.desk.access.describe(UserId("U0APPR1"))
    assert (known.groups, known.unverified) == (("S0PLATFORM",), "")
    assert set(known.roles) == {"role:readonly", "role:release"}
    office.people.settings.plan_upgrade_required = True
    unsure = await office.desk.access.describe(UserId("U0APPR1"))
    assert unsure.groups == ()
    assert "no user groups" in unsure.unverified


# --- alerts ---

PRODUCTION = Tie(application="apm-stack", environment="production", by=TiedBy.LABELS)
SOMEWHERE = Tie(application="apm-stack", environment=None, by=TiedBy.MATCHERS)
ELSEWHERE = Tie(application="apm-stack", environment="qa", by=TiedBy.LABELS)
GONE = Tie(application="gone", environment="production", by=TiedBy.LABELS)
GUESS = Tie(application="apm-stack", environment="production", by=TiedBy.GUESS)
TIES = (PRODUCTION, SOMEWHERE, ELSEWHERE, GONE, GUESS, None)


def grant(desk: Desk, *lines: str) -> None:
    file = desk.source.file
    file.write_text(file.read_text("utf-8") + "".join(f"    {line}\n" for line in lines), "utf-8")
    assert desk.source.reload() == []


async def told(desk: Desk, user: str, right: AlertRight, tie: Tie | None) -> str:
    permit = await desk.access.permit_alerts(UserId(user), right, tie)
    return "" if isinstance(permit, Permitted) else permit.slug


async def silences(desk: Desk, user: str = "U0DEV2") -> list[Tie | None]:
    """The ties whose alerts he may silence."""
    return [tie for tie in TIES if await told(desk, user, AlertRight.SILENCE, tie) == ""]


async def test_everybody_may_see_alerts_and_nobody_may_do_anything_to_them_until_named(desk: Desk) -> None:
    for tie in TIES:
        assert await told(desk, "U0DEV2", AlertRight.GET, tie) == ""
        for right in (AlertRight.ACKNOWLEDGE, AlertRight.SILENCE):
            assert await told(desk, "U0DEV2", right, tie) == "no-permission"
            assert await told(desk, "U0APPR1", right, tie) == "no-permission"  # whatever he may do to changes


@pytest.mark.parametrize(
    ("stage", "may"),
    [
        ("apm-stack/production", [PRODUCTION]),
        ("*/production", [PRODUCTION]),
        ("apm-stack/*", [PRODUCTION, SOMEWHERE, ELSEWHERE]),
        ('"apm-stack/{development,staging,production}"', [PRODUCTION]),  # all there is today, not all there may be
        ("*/*", list(TIES)),
        ("*", list(TIES)),
    ],
)
async def test_where_the_stage_is_not_sure_it_takes_the_right_wherever_it_may_be(
    desk: Desk, stage: str, may: list[Tie | None]
) -> None:
    grant(desk, f"p, U0DEV2, alerts, silence, {stage}, allow")
    assert await silences(desk) == may
    assert await told(desk, "U0DEV2", AlertRight.ACKNOWLEDGE, PRODUCTION) == "no-permission"


async def test_a_deny_on_any_stage_counts_where_the_stage_is_not_sure(desk: Desk) -> None:
    grant(
        desk, "p, U0DEV2, alerts, silence, */*, allow", "p, U0DEV2, alerts, silence, apm-stack/staging, deny",
    )  # fmt: skip
    assert await silences(desk) == [PRODUCTION]
    permit = await desk.access.permit_alerts(UserId("U0DEV2"), AlertRight.SILENCE, None)
    assert isinstance(permit, Forbidden)
    assert permit.text.plain == (
        "You may not do that: alerts, silence, apm-stack/staging is denied to you by "
        "p, U0DEV2, alerts, silence, apm-stack/staging, deny."
    )


async def test_the_refusal_names_the_right_that_is_missing(desk: Desk) -> None:
    grant(desk, "p, role:release, alerts, silence, */*, allow", "p, U0DEV2, alerts, acknowledge, apm-stack/*, allow")
    for tie, stage in ((PRODUCTION, "apm-stack/production"), (SOMEWHERE, "apm-stack/*"), (None, "*/*")):
        permit = await desk.access.permit_alerts(UserId("U0DEV2"), AlertRight.SILENCE, tie)
        assert isinstance(permit, Forbidden)
        assert permit.text.plain == (
            f"You may not do that: it needs alerts, silence, {stage}. It is granted to role:release."
        )
    assert await silences(desk, "U0APPR1") == list(TIES)


async def test_a_right_to_alerts_that_hangs_on_a_group_that_cannot_be_asked_is_no_yes(office: Office) -> None:
    grant(office.desk, "p, role:release, alerts, silence, */*, allow", "p, U0DEV2, alerts, silence, */*, allow")
    office.silence("usergroups.users.list")
    for tie in TIES:
        assert await told(office.desk, "U0APPR1", AlertRight.SILENCE, tie) == "cannot-verify"
        assert await told(office.desk, "U0DEV2", AlertRight.SILENCE, tie) == ""
    office.silence("users.info")
    assert await told(office.desk, "U0DEV2", AlertRight.SILENCE, PRODUCTION) == "cannot-verify"


async def test_nobody_but_a_member_may_do_anything_to_alerts(desk: Desk) -> None:
    grant(desk, *(f"p, {user}, alerts, *, */*, allow" for user in KINDS))
    for user, kind in KINDS.items():
        for right in AlertRight:
            assert await told(desk, user, right, PRODUCTION) == f"not-a-member-{kind}"


async def test_a_command_about_alerts_needs_its_right_on_some_stage(desk: Desk) -> None:
    async def anywhere(user: str, right: AlertRight) -> str:
        permit = await desk.access.permit(UserId(user), right, None)
        return "" if isinstance(permit, Permitted) else permit.text.plain

    grant(desk, "p, U0DEV2, alerts, silence, */staging, allow")
    assert await anywhere("U0DEV2", AlertRight.SILENCE) == ""
    assert await anywhere("U0DEV1", AlertRight.SILENCE) == "You may not do that: alerts, silence."
    assert await anywhere("U0DEV1", AlertRight.GET) == ""


def test_rights_of_one_name_are_told_apart() -> None:
    assert len({*Action, *AlertRight}) == len(Action) + len(AlertRight)
    assert (written(Action.GET), written(AlertRight.GET)) == ("changes, get", "alerts, get")
