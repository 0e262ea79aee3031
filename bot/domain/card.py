"""What the card of a change shows: the change, the policy it stands under, and what can be pressed."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.change import Change
from bot.domain.identity import UserId
from bot.domain.lifecycle import State
from bot.domain.pipeline import Stage, SyncMode


class CardAction(StrEnum):
    """What can be pressed on a change's card; the values are the action ids that scripts rely on."""

    APPROVE = "change.approve"
    REJECT = "change.reject"
    HOLD = "change.hold"
    ABORT = "change.abort"
    SYNC = "change.sync"
    DETAILS = "change.details"
    REBUILD = "change.rebuild"
    REVERT = "change.revert"
    DIFF = "change.diff"
    WHY = "change.why"
    TERMINATE = "change.terminate"
    LOGS = "change.logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCard:
    """Everything that a renderer needs. `may_approve`: user and group ids, or roles that nobody is given."""

    change: Change
    sync_mode: SyncMode
    approvals_needed: int
    may_approve: tuple[str, ...]
    prune: bool
    actions: tuple[CardAction, ...]
    asks_confirmation: bool  # Approve opens a dialog that names application, environment and revision
    application_link: str | None = None  # to the Argo CD page of the Application

    @property
    def asked_by(self) -> UserId:
        return self.change.requested_by


def card_of(
    change: Change, stage: Stage | None, *, may_approve: tuple[str, ...] = (), application_link: str | None = None
) -> ChangeCard:
    """The card of a change; `stage` None: the configuration no longer knows it, only looking is offered.

    `may_approve` are the people and groups behind `approvals.from`, where they were looked up.
    """
    policy = stage.approvals if stage else None
    return ChangeCard(
        change=change,
        sync_mode=change.sync_mode,
        approvals_needed=policy.needed if policy else 0,
        may_approve=may_approve or (policy.sources if policy else ()),
        prune=change.may_prune(stage) if stage else False,
        actions=actions_of(change, needs_approvals=stage.approvals_needed > 0) if stage else (CardAction.DETAILS,),
        asks_confirmation=change.sync_mode is SyncMode.CONTROLLED,
        application_link=application_link,
    )


def actions_of(change: Change, *, needs_approvals: bool = True) -> tuple[CardAction, ...]:
    """What somebody could do to the change in its state: no button whose press could only be refused for everyone."""
    actions = _by_state(change)
    return actions if needs_approvals else tuple(action for action in actions if action is not CardAction.APPROVE)


def _by_state(change: Change) -> tuple[CardAction, ...]:
    a = CardAction
    match change.state:
        case State.WAITING_FOR_APPROVAL if change.merge is not None:
            return (a.APPROVE, a.REJECT, a.ABORT, a.WHY, a.DETAILS)
        case State.WAITING_FOR_APPROVAL:
            return (a.APPROVE, a.REJECT, a.DIFF, a.HOLD, a.ABORT, a.WHY, a.DETAILS)
        case State.WAITING_FOR_CHECKS:
            return (a.APPROVE, a.REJECT, a.DIFF, a.HOLD, a.ABORT, a.WHY, a.DETAILS)
        case State.HELD:
            return (a.HOLD, a.REJECT, a.ABORT, a.DIFF, a.WHY, a.DETAILS)
        case State.APPROVALS_VOID:
            return (a.REBUILD, a.ABORT, a.REJECT, a.DETAILS)
        case State.MERGED_DIFFERS:
            return (a.APPROVE, a.REJECT, a.ABORT, a.DETAILS)
        case State.WAITING_FOR_SYNC if change.sync_asked_by is not None:
            return (a.ABORT, a.WHY, a.DETAILS)
        case State.WAITING_FOR_SYNC:
            return (a.SYNC, a.ABORT, a.WHY, a.DETAILS)
        case State.MERGED:
            return (a.ABORT, a.WHY, a.DETAILS)
        case State.SYNCING:
            return (a.TERMINATE, a.DETAILS)
        case State.PROPOSING:
            return (a.ABORT, a.DETAILS)
        case _:
            return (a.DETAILS,)
