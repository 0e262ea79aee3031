"""One case of approvals to vary."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.approval import Approval, ApprovalCase, Standing
from bot.domain.identity import ChangeId, UserId
from bot.domain.pipeline import ApprovalPolicy

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

CaseOf = Callable[..., ApprovalCase]
ApprovalOf = Callable[..., Approval]


@pytest.fixture
def approval() -> ApprovalOf:
    def build(
        user: str, *, person: str = "", fingerprint: str = "now", age: timedelta = timedelta(hours=1)
    ) -> Approval:
        return Approval(
            change=ChangeId("01JXYZ"), user=UserId(user), person=person or user, fingerprint=fingerprint, at=NOW - age
        )

    return build


@pytest.fixture
def case() -> CaseOf:
    def build(*approvals: Approval, needed: int = 2, **standing: Any) -> ApprovalCase:
        may = {one.user: Standing(may_approve=True) for one in approvals}
        said = {UserId(user): told for user, told in standing.items()}
        return ApprovalCase(
            policy=ApprovalPolicy(needed=needed, sources=("role:release",), valid_for=timedelta(hours=24)),
            fingerprint="now", requester=UserId("U0DEV1"), requester_person="developer", approvals=approvals,
            standing={user: told for user, told in (may | said).items() if told is not None}, now=NOW,
        )  # fmt: skip

    return build
