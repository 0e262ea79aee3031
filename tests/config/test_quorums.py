import pytest

from tests.config.conftest import Reading, changed

APPROVALS = "{needed: 1, from: [role:release]}"
STAGE = "production: {from: development}"
GIVEN_TO_GROUP = "    g, S0GROUP, role:release\n"
NEEDED = "environments.production.approvals.needed"


@pytest.mark.parametrize(
    "approvals",
    [
        "{needed: 2, from: [U0ONE, U0TWO]}",
        "{needed: 2, from: [U0ONE, U0OTHER]}",
        "{needed: 9, from: [S0GROUP]}",
        "{needed: 9, from: [U0ONE, role:release]}",
        "{needed: 9, from: [role:readonly]}",
        "{from: [U0ONE]}",
    ],
)
def test_quorums_that_can_be_reached(reading: Reading, approvals: str) -> None:
    reading.good(changed((APPROVALS, approvals)))


@pytest.mark.parametrize(
    ("approvals", "path", "reason"),
    [
        ("{needed: 3, from: [U0ONE, U0TWO]}", NEEDED, "leads to 2 people (first, second)"),
        ("{needed: 2, from: [U0ONE, U0ONEB]}", NEEDED, "leads to one person (first)"),
        ("{needed: 2, from: [U0ONE, U0ONE]}", NEEDED, "leads to one person (first)"),
        ("{needed: 1, from: []}", NEEDED, "names nobody"),
        ("{needed: 1}", NEEDED, "names nobody"),
        ("{expire: 1h}", "applications.shop.stages.production.approvals", "names nobody"),
        ("{needed: 0, from: [U0ONE]}", NEEDED, "asks nobody"),
        (
            "{needed: 1, from: [role:relase]}",
            "environments.production.approvals.from[0]",
            "names the role `role:relase`",
        ),
    ],
)
def test_quorums_that_cannot(reading: Reading, approvals: str, path: str, reason: str) -> None:
    problem = reading.problem(changed((APPROVALS, approvals)))
    assert problem.path == path
    assert reason in problem.reason


def test_the_people_behind_a_role_are_counted(reading: Reading) -> None:
    held = "    g, U0ONE, role:release\n    g, U0ONEB, role:lead\n    g, role:lead, role:release\n"
    problem = reading.problem(changed((GIVEN_TO_GROUP, held), ("needed: 1", "needed: 2")))
    assert "leads to one person (first)" in problem.reason


def test_a_role_that_nobody_holds_is_nobody(reading: Reading) -> None:
    assert "leads to nobody" in reading.problem(changed((GIVEN_TO_GROUP, ""))).reason


def test_a_stage_merges_key_by_key_with_its_environment(reading: Reading) -> None:
    text = changed((STAGE, "production: {from: development, approvals: {needed: 2, valid_for: 1h}}"))
    approvals = reading.good(text).get_stage("shop", "production").approvals
    assert approvals is not None
    assert (approvals.needed, approvals.sources) == (2, ("role:release",))


def test_a_stage_may_need_nobody_where_its_environment_does(reading: Reading) -> None:
    text = changed((STAGE, "production: {from: development, approvals: {needed: 0}}"))
    assert reading.good(text).get_stage("shop", "production").approvals is None


def test_a_stage_that_needs_nobody_must_not_name_who(reading: Reading) -> None:
    text = changed((STAGE, "production: {from: development, approvals: {from: [U0ONE]}}"), ("needed: 1", "needed: 0"))
    assert "asks nobody" in reading.problem(text).reason


def test_an_impossible_quorum_of_an_environment_is_told_once(reading: Reading) -> None:
    text = changed(
        (APPROVALS, "{needed: 3, from: [U0ONE]}"),
        ("      development: {}\n", "      development: {approvals: {needed: 0}}\n"),
    )
    reading.problem(text)
