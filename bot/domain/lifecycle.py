"""The lifecycle of a change: its states, its events, and the one table of what leads where."""

from enum import StrEnum


class State(StrEnum):
    """Where a change stands. The values are what people read on the card."""

    PROPOSING = "proposing"
    WAITING_FOR_APPROVAL = "waiting for approval"
    APPROVALS_VOID = "approvals void"
    HELD = "held"
    WAITING_FOR_CHECKS = "waiting for checks"
    MERGING = "merging"
    MERGED = "merged"
    MERGED_DIFFERS = "merged-differs"
    WAITING_FOR_SYNC = "waiting for sync"
    SYNCING = "syncing"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ERRORED = "errored"
    REJECTED = "rejected"
    ABORTED = "aborted"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class Event(StrEnum):
    """What may happen to a change."""

    PROPOSED = "proposed"  # the pull request stands and its content key is known
    REBUILD = "rebuild"  # the promotion commit must be made anew on the base as it is now
    VOIDED = "voided"  # somebody else changed the promotion branch or where it leads
    QUORUM_REACHED = "quorum reached"
    QUORUM_LOST = "quorum lost"  # an approval lapsed, or its giver may no longer approve
    HELD = "held"
    LIFTED = "lifted"
    GATES_OPEN = "gates open"
    MERGE_REFUSED = "merge refused"  # not ready, or somebody was faster: look again
    MERGED = "merged"
    MERGED_UNAPPROVED = "merged unapproved"  # by hand, before a quorum, with the proposed content
    MERGED_DIFFERENTLY = "merged differently"  # what was merged is not what was approved
    MERGE_APPROVED = "merge approved"  # a quorum for what was merged
    SYNC_AWAITED = "sync awaited"  # a person has to press Sync
    SYNC_STARTED = "sync started"
    SYNC_BLOCKED = "sync blocked"  # a gate closed before Argo CD accepted the operation
    OPERATION_SUCCEEDED = "operation succeeded"
    SOAKED = "soaked"
    FAILED = "failed"
    ERRORED = "errored"
    REJECTED = "rejected"
    ABORTED = "aborted"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


S, E = State, Event

TERMINAL = frozenset({S.SUCCEEDED, S.FAILED, S.ERRORED, S.REJECTED, S.ABORTED, S.EXPIRED, S.SUPERSEDED})
"""The ends. Nothing leads out of them."""

BEFORE_MERGE = frozenset({S.PROPOSING, S.WAITING_FOR_APPROVAL, S.APPROVALS_VOID, S.HELD, S.WAITING_FOR_CHECKS})
"""States in which nothing has reached the governed branch yet."""

AWAITING_DECISION = frozenset({S.WAITING_FOR_APPROVAL, S.WAITING_FOR_CHECKS, S.HELD, S.MERGED_DIFFERS})
"""States in which an approval may be given."""

_ERRORS = {(state, E.ERRORED): S.ERRORED for state in State if state not in TERMINAL}
_ENDS_BEFORE_MERGE = {
    (state, event): end
    for state in BEFORE_MERGE
    for event, end in (
        (E.REJECTED, S.REJECTED), (E.ABORTED, S.ABORTED), (E.EXPIRED, S.EXPIRED),
        (E.SUPERSEDED, S.SUPERSEDED), (E.FAILED, S.FAILED),
    )
}  # fmt: skip
_MERGED_BY_HAND = {
    (state, event): to
    for state in BEFORE_MERGE
    for event, to in (
        (E.MERGED, S.MERGED), (E.MERGED_UNAPPROVED, S.WAITING_FOR_APPROVAL), (E.MERGED_DIFFERENTLY, S.MERGED_DIFFERS),
    )
}  # fmt: skip

TRANSITIONS: dict[tuple[State, Event], State] = {
    **_ERRORS,
    **_ENDS_BEFORE_MERGE,
    **_MERGED_BY_HAND,
    (S.PROPOSING, E.PROPOSED): S.WAITING_FOR_APPROVAL,
    (S.PROPOSING, E.VOIDED): S.APPROVALS_VOID,
    (S.WAITING_FOR_APPROVAL, E.QUORUM_REACHED): S.WAITING_FOR_CHECKS,
    (S.WAITING_FOR_APPROVAL, E.MERGE_APPROVED): S.MERGED,
    (S.WAITING_FOR_APPROVAL, E.REBUILD): S.PROPOSING,
    (S.WAITING_FOR_APPROVAL, E.VOIDED): S.APPROVALS_VOID,
    (S.WAITING_FOR_APPROVAL, E.HELD): S.HELD,
    (S.WAITING_FOR_CHECKS, E.QUORUM_LOST): S.WAITING_FOR_APPROVAL,
    (S.WAITING_FOR_CHECKS, E.REBUILD): S.PROPOSING,
    (S.WAITING_FOR_CHECKS, E.VOIDED): S.APPROVALS_VOID,
    (S.WAITING_FOR_CHECKS, E.HELD): S.HELD,
    (S.WAITING_FOR_CHECKS, E.GATES_OPEN): S.MERGING,
    (S.HELD, E.LIFTED): S.WAITING_FOR_APPROVAL,
    (S.HELD, E.VOIDED): S.APPROVALS_VOID,
    (S.APPROVALS_VOID, E.REBUILD): S.PROPOSING,
    (S.MERGING, E.MERGE_REFUSED): S.WAITING_FOR_CHECKS,
    (S.MERGING, E.REBUILD): S.PROPOSING,
    (S.MERGING, E.VOIDED): S.APPROVALS_VOID,
    (S.MERGING, E.ABORTED): S.ABORTED,
    (S.MERGING, E.FAILED): S.FAILED,
    (S.MERGING, E.MERGED): S.MERGED,
    (S.MERGING, E.MERGED_DIFFERENTLY): S.MERGED_DIFFERS,
    (S.MERGED_DIFFERS, E.MERGE_APPROVED): S.MERGED,
    (S.MERGED_DIFFERS, E.REJECTED): S.REJECTED,
    (S.MERGED_DIFFERS, E.ABORTED): S.ABORTED,
    (S.MERGED_DIFFERS, E.EXPIRED): S.EXPIRED,
    (S.MERGED, E.SYNC_AWAITED): S.WAITING_FOR_SYNC,
    (S.MERGED, E.SYNC_STARTED): S.SYNCING,
    (S.MERGED, E.MERGED_DIFFERENTLY): S.MERGED_DIFFERS,
    (S.MERGED, E.OPERATION_SUCCEEDED): S.VERIFYING,
    (S.MERGED, E.ABORTED): S.ABORTED,
    (S.MERGED, E.FAILED): S.FAILED,
    (S.WAITING_FOR_SYNC, E.SYNC_STARTED): S.SYNCING,
    (S.WAITING_FOR_SYNC, E.MERGED_DIFFERENTLY): S.MERGED_DIFFERS,
    (S.WAITING_FOR_SYNC, E.OPERATION_SUCCEEDED): S.VERIFYING,
    (S.WAITING_FOR_SYNC, E.ABORTED): S.ABORTED,
    (S.WAITING_FOR_SYNC, E.FAILED): S.FAILED,
    (S.SYNCING, E.SYNC_BLOCKED): S.MERGED,
    (S.SYNCING, E.OPERATION_SUCCEEDED): S.VERIFYING,
    (S.SYNCING, E.FAILED): S.FAILED,
    (S.VERIFYING, E.SOAKED): S.SUCCEEDED,
    (S.VERIFYING, E.FAILED): S.FAILED,
}


class IllegalTransition(Exception):
    """An event that the table does not allow in this state. Always a bug or a lost race, never user input."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.value!r} cannot happen to a change that is {state.value!r}")
        self.state, self.event = state, event


def follow(state: State, event: Event) -> State:
    """The state that `event` leads to. Raises `IllegalTransition`."""
    try:
        return TRANSITIONS[(state, event)]
    except KeyError:
        raise IllegalTransition(state, event) from None


def allows(state: State, event: Event) -> bool:
    return (state, event) in TRANSITIONS
