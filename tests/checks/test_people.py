"""Every finding about people, user groups and quorums, shown by a workspace on a socket."""

import pytest

from bot.checks.people import named_in
from tests.checks.scene import Case, Scene, as_seeded, the
from tests.checks.test_slack import check, refused, silent, turn
from tests.config.conftest import WITH_ALERTS, Reading, changed

SOURCES = "from: [role:release]"
PRODUCTION = "applications.apm-stack.stages.production"


def group_of(*users: str) -> Case:
    everybody = ["U0APPR1", "U0APPR2", "U0APPR3"]
    words = "2 needed" if users else "nobody is in it"
    return Case(
        lambda s: s.change("PATCH", "/api/usergroups/platform-team", {"users": list(users)}, back={"users": everybody}),
        words,
    )


def gone(scene: Scene) -> None:
    scene.edit("U0DEV2, role:developer", "U0NOBODY, role:developer")


CASES = {
    "slack.group": Case(as_seeded, "3 people"),
    "slack.group-not-found": Case(lambda s: s.edit("g, S0PLATFORM", "g, S0NOWHERE"), "no_such_subteam"),
    "slack.group-empty": group_of(),
    "slack.group-unknown": silent("usergroups.users.list"),
    "slack.plan-without-groups": Case(lambda s: turn(s, plan_upgrade_required=True), "this Slack plan has no user gr"),
    "slack.users": Case(as_seeded, "6 of 10 are members"),
    "slack.user-not-found": Case(gone, "user_not_found"),
    "slack.user-may-not-act": Case(as_seeded, "guest is no member here (guest)"),
    "slack.users-unknown": refused("users.info", "org_login_required"),
    "approvals.reachable": Case(as_seeded, "2 needed, 3 may approve: approver-1, approver-2 and approver-3"),
    "approvals.tight": group_of("U0APPR1", "U0APPR2"),
    "approvals.unreachable": group_of("U0APPR1"),
    "approvals.unknown": Case(
        silent("usergroups.users.list").arrange, "of some people or groups nothing could be told"
    ),
}


@pytest.mark.parametrize("slug", CASES)
async def test_every_finding_is_shown(slug: str, scene: Scene) -> None:
    await CASES[slug].run(slug, scene, check)


def test_whom_alerts_ping_is_looked_up_too() -> None:
    named = named_in(Reading().with_alerts().good(changed(("who: U0ONE", "who: U0THREE"), text=WITH_ALERTS)))
    assert named.users == ("U0ONE", "U0ONEB", "U0TWO", "U0THREE")
    assert named.groups == ("S0GROUP", "S0PLATFORM")


async def test_people_who_may_not_act_do_not_count(scene: Scene) -> None:
    """Three in the group, one of them deactivated and one a guest."""
    scene.change("PATCH", "/api/users/approver-1", {"deleted": True}, back={"deleted": False})
    scene.change("PATCH", "/api/users/approver-2", {"is_restricted": True}, back={"is_restricted": False})
    finding = the("approvals.unreachable", await check(scene))
    assert finding.subject == PRODUCTION
    assert finding.evidence == "approvals: 2 needed, 1 may approve: approver-3"


async def test_two_ids_of_one_person_count_once(scene: Scene) -> None:
    scene.edit("approver-2: {slack: [U0APPR2]", "gone-2: {slack: [U0TIPHYS]")
    scene.edit("approver-1: {slack: [U0APPR1]", "approver-1: {slack: [U0APPR1, U0APPR2, U0APPR3]")
    scene.edit("  approver-3: {slack: [U0APPR3]", "  gone-3: {slack: [U0ADMIN]")
    scene.edit("  admin: {slack: [U0ADMIN]", "  gone-4: {slack: [U0NOTHERE]")
    assert the("approvals.unreachable", await check(scene)).evidence.endswith("1 may approve: approver-1")


async def test_a_right_that_is_denied_does_not_count(scene: Scene) -> None:
    scene.edit("    g, U0DEV1,", "    p, U0APPR1, changes, approve, */production, deny\n    g, U0DEV1,")
    assert "approver-2 and approver-3" in the("approvals.tight", await check(scene)).evidence


async def test_an_approver_who_cannot_promote_needs_no_stand_in(scene: Scene) -> None:
    """Two of two are enough where neither can be the one who asked."""
    scene.change(
        "PATCH", "/api/usergroups/platform-team", {"users": ["U0APPR1", "U0APPR2"]},
        back={"users": ["U0APPR1", "U0APPR2", "U0APPR3"]},
    )  # fmt: skip
    scene.edit("    p, role:release, changes, promote, */*, allow\n", "")
    the("approvals.reachable", await check(scene))


async def test_a_role_named_to_approve_and_people_by_id_are_both_followed(scene: Scene) -> None:
    scene.edit(SOURCES, "from: [U0DEV1, U0DEV2, U0APPR1]")
    found = await check(scene)
    assert the("approvals.unreachable", found).evidence == "approvals: 2 needed, 1 may approve: approver-1"


async def test_a_rate_limit_is_no_answer(scene: Scene) -> None:
    scene.slack.bend(
        "/api/users.info", status=429, headers={"Retry-After": "30"}, document={"ok": False, "error": "ratelimited"}
    )
    found = await check(scene)
    assert "rate limited for 30 s" in the("slack.users-unknown", found).evidence
    the("approvals.unknown", found)


async def test_a_plan_without_groups_is_told_once(scene: Scene) -> None:
    turn(scene, plan_upgrade_required=True)
    scene.edit("    g, S0PLATFORM, role:release", "    g, S0PLATFORM, role:release\n    g, S0OTHER, role:release")
    found = await check(scene)
    assert [finding.subject for finding in found if finding.slug == "slack.plan-without-groups"] == ["slack.groups"]
    assert "Name people by id" in the("slack.plan-without-groups", found).fix
    the("approvals.unreachable", found)
