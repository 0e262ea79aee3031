"""Rule `quorum`: enough distinct people, none of them the requester, have said yes to exactly this, and still may."""

from datetime import datetime

from bot.domain.approval import Approval, ApprovalCase, Counted, RuleResult, Verdict
from bot.domain.text import counted as number_of
from bot.domain.text import listed


def evaluate(case: ApprovalCase) -> RuleResult:
    """Count people, not clicks. What does not count says why; what cannot be verified is never counted.

    The order of the approvals does not matter: of several by one person the newest that is good counts.
    """
    counted = sorted(_weighed(case), key=lambda item: _age(item.approval))
    people = sum(item.counts for item in counted)
    missing = case.policy.needed - people
    return RuleResult(
        rule="quorum",
        verdict=Verdict.PASSED if missing <= 0 else Verdict.WAITING,
        reason=_reason(case, people, missing, counted),
        counted=tuple(counted),
        next_lapse=min((item.approval.at + case.policy.valid_for for item in counted if item.counts), default=None),
    )


def _weighed(case: ApprovalCase) -> list[Counted]:
    """Every approval, newest first, with whether it counts."""
    found: list[Counted] = []
    seen: set[str] = set()  # people and user ids: `people:` may have changed between two approvals
    for approval in sorted(case.approvals, key=_age, reverse=True):
        who = {f"person {approval.person}", f"user {approval.user}"}
        reason = _against(case, approval) or ("is counted already" if who & seen else "")
        if not reason:
            seen |= who
        found.append(Counted(approval=approval, counts=not reason, reason=reason))
    return found


def _age(approval: Approval) -> tuple[datetime, str, str, str]:
    """Oldest first; the rest only makes the order the same every time."""
    return approval.at, approval.user, approval.person, approval.fingerprint


def _against(case: ApprovalCase, approval: Approval) -> str:
    """Why an approval by itself does not count; empty when nothing speaks against it."""
    if approval.fingerprint != case.fingerprint:
        return "was given to other content"
    if approval.person == case.requester_person or approval.user == case.requester:
        return "asked for the change"
    if case.now >= approval.at + case.policy.valid_for:
        return "is too old"
    standing = case.standing.get(approval.user)
    if standing is None:
        return "could not be looked up"
    if standing.unverified:
        return standing.reason or "cannot be verified now"
    return "" if standing.may_approve else standing.reason or "may not approve"


def _reason(case: ApprovalCase, people: int, missing: int, counted: list[Counted]) -> str:
    if case.policy.needed <= 0:
        return "no approvals needed"
    if missing <= 0:
        return f"{people} of {number_of(case.policy.needed, 'approval')}"
    lost = tuple(f"{item.approval.person}: {item.reason}" for item in counted if not item.counts)
    not_counted = f" (not counted: {listed(lost, most=3)})" if lost else ""
    more = "1 more approval" if missing == 1 else f"{missing} more approvals"
    return f"needs {more}, {people} of {case.policy.needed}{not_counted}"
