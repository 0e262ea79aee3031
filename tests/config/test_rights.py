import pytest

from tests.config.conftest import Reading, changed

LINE = "    p, role:release, changes, approve, */*, allow\n"


def test_a_line_that_cannot_be_read_is_told_with_its_line_in_the_file_and_nothing_follows_from_it(
    reading: Reading,
) -> None:
    problem = reading.problem(changed((LINE, "    # a comment\n\n    p, role:release, changes, aprove, */*, allow\n")))
    assert (problem.path, problem.line) == ("permissions.policy", 27)
    assert "`aprove`" in problem.reason


def test_a_line_may_speak_of_an_application_whose_body_is_wrong(reading: Reading) -> None:
    line = "    p, role:release, changes, sync, shop/production, allow\n"
    for old, new in (("    repository: shop\n", ""), ("kustomize-images", "directory")):
        assert reading.problem(changed((old, new), (LINE, LINE + line))).path.startswith("applications.shop.")


def test_the_default_role_is_one_that_the_policy_names(reading: Reading) -> None:
    problem = reading.problem(changed(("permissions:\n", "permissions:\n  default: role:relaese\n")))
    assert (problem.path, problem.fix) == ("permissions.default", "Did you mean `role:release`?")


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("    p, role:release, changes, promote, */*, allow\n", "only nobody may have `changes, approve`"),
        ("    p, role:release, changes, approve, */development, allow\n", "on shop/production"),
        ("    p, role:release, changes, approve, */*, deny\n", "only nobody"),
        ("    p, role:release, alerts, *, */*, allow\n", "only nobody"),
        (
            "    p, U0ONE, changes, *, */*, allow\n    p, U0ONEB, changes, approve, */*, allow\n",
            "only one person (first)",
        ),
    ],
)
def test_a_quorum_of_people_who_may_not_approve_is_never_reached(reading: Reading, policy: str, reason: str) -> None:
    text = changed((LINE, f"{policy}    p, role:release, changes, get, */*, allow\n"), ("needed: 1", "needed: 2"))
    problem = reading.problem(text)
    assert problem.path == "environments.production.approvals.needed"
    assert reason in problem.reason
    assert "p, role:release, changes, approve, shop/production, allow" in problem.fix


def test_whoever_holds_the_admin_role_may_approve(reading: Reading) -> None:
    policy = "    p, role:release, changes, get, */*, allow\n    g, S0GROUP, role:admin\n"
    reading.good(changed((LINE, policy)))
