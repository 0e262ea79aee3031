"""Rule `quorum`: enough distinct people, none of them the requester, have said yes to exactly this, and still may."""

from bot.domain.approval import Approval, ApprovalCase, Counted, RuleResult, Verdict
from bot.domain.text import counted as number_of
from bot.domain.text import listed


def evaluate(case: ApprovalCase) -> RuleResult:
    """Count people, not clicks. What does not count says why; what cannot be verified is never counted."""
    counted: list[Counted] = []
    people: set[str] = set()
    for approval in case.approvals:
        reason = _against(case, approval, people)
        if not reason:
            people.add(approval.person)
        counted.append(Counted(approval=approval, counts=not reason, reason=reason))
    lapses = [item.approval.at + case.policy.valid_for for item in counted if item.counts]
    missing = case.policy.needed - len(people)
    return RuleResult(
        rule="quorum", verdict=Verdict.PASSED if missing <= 0 else Verdict.WAITING,
        reason=_reason(case, len(people), missing, counted), counted=tuple(counted),
        next_lapse=min(lapses) if lapses else None,
    )  # fmt: skip


def _against(case: ApprovalCase, approval: Approval, people: set[str]) -> str:
    """Why an approval does not count; empty when it does."""
    if approval.fingerprint != case.fingerprint:
        return "was given to other content"
    if approval.person == case.requester_person or approval.user == case.requester:
        return "asked for the change"
    if approval.person in people:
        return "is counted already"
    if case.now >= approval.at + case.policy.valid_for:
        return "is too old"
    standing = case.standing.get(approval.user)
    if standing is None:
        return "could not be looked up"
    return "" if standing.may_approve else standing.reason or "may not approve"


def _reason(case: ApprovalCase, people: int, missing: int, counted: list[Counted]) -> str:
    if missing <= 0:
        return f"{people} of {number_of(case.policy.needed, 'approval')}"
    lost = tuple(f"{item.approval.person}: {item.reason}" for item in counted if not item.counts)
    lapsed = f" (not counted: {listed(lost, most=3)})" if lost else ""
    return (
        f"needs {missing} more {'approval' if missing == 1 else 'approvals'}, {people} of {case.policy.needed}{lapsed}"
    )
