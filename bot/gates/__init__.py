"""The gates, one file each, and the two rosters: what must be open before a merge, and before a sync."""

from bot.domain.gate import Gate
from bot.gates import (
    alerts,
    application,
    approvals,
    behind,
    checks,
    conversations,
    deletion,
    elsewhere,
    mergeable,
    operation,
    required_checks,
    reviews,
    rules,
    source,
    window,
)
from bot.gates.case import GateCase

BRANCH_RULES = (rules, reviews, required_checks, behind, conversations)
"""Each rule of the branch is a gate of its own: it holds also where our account could bypass it."""

BEFORE_MERGE = (
    source, alerts, checks, approvals, elsewhere, mergeable, *BRANCH_RULES, application, deletion, window, operation,
)  # fmt: skip
"""A merge and its sync are one step: no merge unless the sync would be allowed now."""

BEFORE_SYNC = (application, deletion, window, operation)


def before_merge(case: GateCase) -> tuple[Gate, ...]:
    """Every gate that has something to say about merging now."""
    return tuple(gate for module in BEFORE_MERGE if (gate := module.evaluate(case)) is not None)


def before_sync(case: GateCase) -> tuple[Gate, ...]:
    """Every gate that has something to say about syncing now."""
    return tuple(gate for module in BEFORE_SYNC if (gate := module.evaluate(case)) is not None)
