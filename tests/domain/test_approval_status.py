"""What `tiphys/approval` says."""

from bot.domain.approval_status import ApprovalStatus, held_back_by, of_foreign
from bot.domain.gate import Gate
from bot.domain.pull_request import Check, CheckState
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


def test_it_is_one_bounded_line_and_written_once() -> None:
    long = ApprovalStatus(state=CheckState.PENDING, description="because\n" + "x" * 200)
    assert len(long.description) == 140
    assert "\n" not in long.description
    assert long.is_said_by(Check(name="tiphys/approval", state=CheckState.PENDING, description=long.description))
    assert not long.is_said_by(Check(name="tiphys/approval", state=CheckState.SUCCESS, description=long.description))
    assert not long.is_said_by(None)
