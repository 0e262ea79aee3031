"""Approvals, and the result of a rule over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.identity import ChangeId, UserId
from bot.domain.pipeline import ApprovalPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's yes to one fingerprint. `person` tells people apart (see `Configuration.person_key`)."""

    change: ChangeId
    user: UserId
    person: str
    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What can be said of an approver now: `may_approve` with the reason when not, or when it cannot be verified."""

    may_approve: bool
    reason: str = ""
    unverified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalCase:
    """All that a rule looks at."""

    policy: ApprovalPolicy
    fingerprint: str
    requester: UserId
    requester_person: str
    approvals: tuple[Approval, ...]
    standing: Mapping[UserId, Standing]  # of every user in `approvals`, as looked up now
    now: datetime


class Verdict(StrEnum):
    PASSED = "passed"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One approval and whether it counts, with why not."""

    approval: Approval
    counts: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What a rule decided and why: the explanation is shown to people as it stands."""

    rule: str
    verdict: Verdict
    reason: str
    counted: tuple[Counted, ...] = ()
    next_lapse: datetime | None = None  # when the first counted approval stops counting

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASSED

    @property
    def who(self) -> tuple[UserId, ...]:
        """Who counts, in the order of approving."""
        return tuple(item.approval.user for item in self.counted if item.counts)
