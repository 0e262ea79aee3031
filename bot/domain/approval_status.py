"""What our status `tiphys/approval` says on a commit, so that it can be a required check of the branch."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.gate import Gate, first_shut
from bot.domain.pipeline import Stage
from bot.domain.pull_request import Check, CheckState, OpenPull
from bot.domain.text import listed

LONGEST = 140
THE_FORGES_OWN = "mergeable"
"""The gate that the status does not wait for: where the status is a required check, that gate waits for the status."""
ELSEWHERE = "elsewhere"
"""The gate that says first why the status is not green: whoever else sets it on that commit says the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalStatus:
    state: CheckState
    description: str

    def __post_init__(self) -> None:
        line = " ".join(self.description.split())
        object.__setattr__(self, "description", line if len(line) <= LONGEST else line[: LONGEST - 1] + "…")

    def is_said_by(self, check: Check | None) -> bool:
        """Whether the forge shows exactly this already."""
        return check is not None and (check.state, check.description) == (self.state, self.description)


def held_back_by(gates: tuple[Gate, ...]) -> Gate | None:
    """The gate that keeps a promotion's status from being green; None when only the forge's own is left."""
    return first_shut(tuple(gate for gate in gates if gate.slug != THE_FORGES_OWN))


def leading_elsewhere(pulls: Iterable[OpenPull], branches: Iterable[str], *, but: str) -> tuple[OpenPull, ...]:
    """Those of a promotion commit's open pull requests that lead into another of these branches than its own."""
    others = set(branches) - {but}
    return tuple(sorted((pull for pull in pulls if pull.base_branch in others), key=lambda pull: pull.number))


def leads_elsewhere(pulls: tuple[OpenPull, ...]) -> str:
    """Why a promotion commit must not be green while these are open: a status speaks of the commit alone."""
    numbers = listed(tuple(str(pull.number) for pull in pulls), most=3)
    into = listed(tuple(dict.fromkeys(pull.base_branch for pull in pulls)), most=3)
    which, lead = ("pull request", "leads") if len(pulls) == 1 else ("pull requests", "lead")
    return f"{which} {numbers} {lead} this commit into {into} too, past its approvals: to be closed"


def of_shared(pulls: tuple[OpenPull, ...], number: int) -> ApprovalStatus:
    """On the commit of promotion `number` while these lead it elsewhere."""
    return ApprovalStatus(state=CheckState.PENDING, description=f"{leads_elsewhere(pulls)} (#{number})")


def of_foreign(touched: Iterable[Stage]) -> ApprovalStatus:
    """On a pull request that is no promotion of ours, and changes what these governed stages read."""
    by_application: dict[str, list[str]] = {}
    for stage in touched:
        by_application.setdefault(stage.application, []).append(stage.environment)
    if not by_application:
        return ApprovalStatus(state=CheckState.SUCCESS, description="touches no governed path")
    places = tuple(f"{listed(tuple(names))} of {name}" for name, names in by_application.items())
    return ApprovalStatus(state=CheckState.PENDING, description=f"touches {listed(places, most=3)}: use /promote")
