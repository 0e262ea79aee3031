"""Gate `mergeable`."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.branch_rules import RequiredCheck
from bot.domain.gate import GateState
from bot.domain.pull_request import Check, CheckState, Mergeability
from bot.gates import mergeable
from bot.gates.case import GateCase
from tests.examples import pull_request
from tests.gates.branches import branch, ours

Case = Callable[..., GateCase]

EXPECTED = {
    Mergeability.CLEAN: GateState.OPEN,
    Mergeability.UNSTABLE: GateState.OPEN,  # only checks that are not required are red: gate `checks` tells them
    Mergeability.UNKNOWN: GateState.WAITING,
    Mergeability.CONFLICT: GateState.WAITING,
    Mergeability.BEHIND: GateState.WAITING,
    Mergeability.BLOCKED: GateState.CLOSED,
    Mergeability.DRAFT: GateState.CLOSED,
}


@pytest.mark.parametrize("mergeability", list(Mergeability))
def test_only_what_can_be_merged_now_opens_it(case: Case, mergeability: Mergeability) -> None:
    gate = mergeable.evaluate(case(pull_request=pull_request(mergeability)))
    assert gate is not None
    assert gate.state is EXPECTED[mergeability]
    assert gate.reason


def test_it_is_silent_without_a_pull_request(case: Case) -> None:
    assert mergeable.evaluate(case(pull_request=None)) is None


BLOCKED = pull_request(Mergeability.BLOCKED)
WANTS_OURS = (RequiredCheck(name="tiphys/approval"),)


@pytest.mark.parametrize(
    "facts",
    [
        {"reviews": 1},
        {"checks": (RequiredCheck(name="ci"),)},
        {"queue": True},
        {"conversations": True, "unresolved": 1},
    ],
)
def test_it_leaves_a_rule_that_another_gate_names_to_that_one(case: Case, facts: dict[str, Any]) -> None:
    assert mergeable.evaluate(case(pull_request=BLOCKED, branch=branch(**facts))) is None
    behind = case(pull_request=pull_request(Mergeability.BEHIND), branch=branch(behind=True))
    assert mergeable.evaluate(behind) is None


@pytest.mark.parametrize(
    ("facts", "checks", "state", "words"),
    [
        ({"checks": WANTS_OURS}, (), GateState.WAITING, "waits for tiphys/approval, which follows the other gates"),
        ({"checks": WANTS_OURS}, (ours(CheckState.PENDING),), GateState.WAITING, "waits for tiphys/approval"),
        ({"checks": WANTS_OURS}, (ours(CheckState.SUCCESS),), GateState.CLOSED, "a rule of the branch is unmet"),
        (
            {"checks": (RequiredCheck(name="tiphys/approval", app=7),)},
            (ours(CheckState.SUCCESS),),
            GateState.CLOSED,
            "the rule takes it from the App 7 alone",
        ),
        ({"others": ("workflows",)}, (), GateState.CLOSED, "a rule of its own: workflows"),
        ({"reviews_of_owners": True}, (), GateState.CLOSED, "the review of a code owner"),
        (
            {"hidden": "its rulesets are hidden from our token"},
            (),
            GateState.CLOSED,
            "unmet on GitHub; its rulesets are",
        ),
        ({}, (), GateState.CLOSED, "a rule of the branch is unmet on GitHub"),
    ],
)
def test_what_no_other_gate_names_it_names_as_far_as_it_can(
    case: Case, facts: dict[str, Any], checks: tuple[Check, ...], state: GateState, words: str
) -> None:
    gate = mergeable.evaluate(case(pull_request=BLOCKED, branch=branch(**facts), checks=checks))
    assert gate is not None
    assert gate.state is state
    assert words in gate.reason
