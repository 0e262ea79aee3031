"""What `tiphys/approval` says."""

from bot.domain.approval_status import ApprovalStatus, held_back_by, leading_elsewhere, of_foreign, of_shared
from bot.domain.gate import Gate
from bot.domain.identity import Revision
from bot.domain.pull_request import Check, CheckState, OpenPull
from tests.examples import stage


def test_only_the_forges_own_gate_does_not_hold_it_back() -> None:
    """Else a required check would wait for the merge, and the merge for the check."""
    own, window = Gate.closed("mergeable", "blocked"), Gate.closed("window", "frozen")
    assert held_back_by((own,)) is None
    assert held_back_by((own, window)) == window
    for slug in ("reviews", "required_checks", "checks", "behind", "conversations", "rules", "operation", "source"):
        assert held_back_by((own, Gate.waiting(slug, "x"))) is not None


def test_what_is_governed_is_named() -> None:
    assert of_foreign([]) == ApprovalStatus(state=CheckState.SUCCESS, description="touches no governed path")
    one = of_foreign([stage()])
    assert (one.state, one.description) == (CheckState.PENDING, "touches production of apm-stack: use /promote")
    more = of_foreign([stage(environment="staging"), stage(), stage(application="apm-gateway")])
    assert more.description == (
        "touches staging and production of apm-stack and production of apm-gateway: use /promote"
    )


def leading(number: int, base: str) -> OpenPull:
    return OpenPull(number=number, head=Revision("1" * 40), head_branch="x", base_branch=base)


def test_only_another_governed_branch_is_elsewhere() -> None:
    pulls = [leading(number, base) for number, base in ((9, "main"), (7, "prod"), (5, "docs"), (3, "staging"))]
    found = leading_elsewhere(pulls, ("staging", "main", "prod"), but="staging")
    assert [pull.number for pull in found] == [7, 9]
    assert of_shared(found, 42) == ApprovalStatus(
        state=CheckState.PENDING,
        description="pull requests 7 and 9 lead this commit into prod and main too, "
        "past its approvals: to be closed (#42)",
    )


def test_it_is_one_bounded_line_and_written_once() -> None:
    long = ApprovalStatus(state=CheckState.PENDING, description="because\n" + "x" * 200)
    assert len(long.description) == 140
    assert "\n" not in long.description
    assert long.is_said_by(Check(name="tiphys/approval", state=CheckState.PENDING, description=long.description))
    assert not long.is_said_by(Check(name="tiphys/approval", state=CheckState.SUCCESS, description=long.description))
    assert not long.is_said_by(None)
