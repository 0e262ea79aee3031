"""The permissions policy, held against the file that it stands in."""

import pytest

from bot.config.policy import warnings_of
from bot.domain.text import listed
from tests.config.conftest import Reading, changed

LINE = "    p, role:release, changes, approve, */*, allow\n"


def with_policy(*lines: str) -> str:
    return changed((LINE, LINE + "".join(f"    {line}\n" for line in lines)))


def test_a_mistake_is_told_with_its_line_in_the_file_and_in_the_policy(reading: Reading) -> None:
    text = with_policy("p, role:release, changes, promot, */*, allow")
    [problem] = reading.problems(text)
    assert problem.path == "permissions.policy"
    assert problem.reason == "line 2, column 27 of the policy: the action `promot` is not known"
    assert problem.fix == "Did you mean `promote`?"
    assert problem.line is not None
    assert "promot," in text.splitlines()[problem.line - 1]


@pytest.mark.parametrize(
    ("stage", "reason", "fix"),
    [
        ("*/prod", "`prod` is a second name of an environment, permissions need the first", "Write `*/production`"),
        ("shop/dev", "`dev` is a second name of an environment", "Write `shop/development`"),
        ("*/productoin", "the environment `productoin` is not known", "Did you mean `production`?"),
        ("shopp/*", "the application `shopp` is not known", "Did you mean `shop`?"),
    ],
)
def test_a_stage_that_does_not_exist_is_a_mistake(reading: Reading, stage: str, reason: str, fix: str) -> None:
    [problem] = reading.problems(with_policy(f"p, role:release, changes, sync, {stage}, deny"))
    assert problem.reason.startswith(f"line 2 of the policy: {reason}")
    assert problem.fix == fix


def test_a_policy_on_one_line_has_the_line_of_its_key(reading: Reading) -> None:
    text = changed(
        (
            "  policy: |\n" + LINE + "    g, S0GROUP, role:release\n",
            '  policy: "p, role:release, changes, x, */*, allow"\n',
        )
    )
    problems = [problem for problem in reading.problems(text) if "column" in problem.reason]
    assert [text.splitlines()[problem.line - 1].strip()[:7] for problem in problems if problem.line] == ["policy:"]


def test_what_is_said_in_vain_is_a_warning(reading: Reading) -> None:
    configuration = reading.good(
        with_policy(
            "p, role:release, changes, approve, */*, allow",
            "p, role:release, changes, approve, */*, deny",
            "p, role:relase, changes, sync, */*, allow",
            "p, role:release, changes, abort, zz*/*, allow",
            "g, U0ONE, role:lonely",
            "g, U0ONE, role:lonely",
            "p, role:release, alerts, get, */*, allow",
            "p, role:release, changes, get, */*, allow",
            "p, role:release, alerts, get, */*, allow",
        )
    )
    assert [str(remark) for remark in warnings_of(configuration)] == [
        "permissions.policy, line 2: this says the same as line 1. Remove one of them",
        "permissions.policy, line 3: line 1 says the opposite. Remove one of them; the deny wins",
        "permissions.policy, line 4: nobody has `role:relase`. Did you mean `role:release`?",
        "permissions.policy, line 5: `zz*/*` matches no stage. Remove the line, or correct it",
        "permissions.policy, line 6: `role:lonely` may do nothing. Add a `p` line for `role:lonely`",
        "permissions.policy, line 7: this says the same as line 6. Remove one of them",
        "permissions.policy, line 10: this says the same as line 8. Remove one of them",
    ]


def test_two_spellings_of_a_role_are_brought_together(reading: Reading) -> None:
    configuration = reading.good(
        with_policy("p, role:developer, changes, sync, */*, allow", "g, U0ONE, role:developers")
    )
    said = listed(tuple(remark.fix for remark in warnings_of(configuration)))
    assert said == "Did you mean `role:developers`? and Did you mean `role:developer`?"


def test_a_good_policy_has_neither(reading: Reading) -> None:
    assert warnings_of(reading.good(changed())) == ()
