"""Before the merge: approvals, gates, and everything that can happen to a pull request in the open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.approval import RuleResult
from bot.domain.approval_status import held_back_by
from bot.domain.change import Change, Merge, RefusedMerge
from bot.domain.content_key import ContentKey
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.decisions.merging import asked_again_at, in_words
from bot.domain.gate import Gate, first_shut
from bot.domain.identity import Revision
from bot.domain.lifecycle import Event, State
from bot.domain.meanwhile import as_sentence, meanwhile
from bot.domain.pipeline import Stage
from bot.domain.pull_request import Check, Mergeability, PullRequest
from bot.domain.text import Text, counted, listed, spoken

MOST_REBUILDS = 5
SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """Somebody else changed the promotion branch, or where the pull request leads."""

    who: str
    what: str  # "pushed 1 commit to the promotion branch"
    head: Revision | None = None  # what stands on the branch now
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSeen:
    """What a look before the merge found. `key` is of the merge with the base as it is now, None on a conflict.

    `moved` are the files, among those that the application reads, in which that merge differs from what was proposed.
    `wrong` says why the live Application is not the one that the configuration means. `astray` is the branch that the
    pull request was merged into when that is not the governed one.
    """

    pull_request: PullRequest
    base: Revision
    key: ContentKey | None
    approvals: RuleResult | None  # None: none are needed
    gates: tuple[Gate, ...]
    foreign: Foreign | None = None
    merge: Merge | None = None  # merged by hand
    moved: tuple[str, ...] = ()
    wrong: str = ""
    astray: str = ""
    status: Check | None = None  # our own, as it stands on the promotion commit
    behind: bool = False  # the base has moved, and the branch's rules or a fast-forward want its newest commit in ours


FORGE_GATES = frozenset(
    {"checks", "elsewhere", "mergeable", "rules", "reviews", "required_checks", "behind", "conversations"}
)
"""Gates that the forge or people on it open: waited for as long as `timeouts.checks` says."""


def decide_review(change: Change, seen: ReviewSeen, stage: Stage, now: datetime, poll: timedelta) -> Decision:
    """The next step of a change that is not merged yet. Pure; laws in tests/properties/test_lifecycle_laws.py."""
    facts: dict[str, object] = {"gates": seen.gates, "approvals": seen.approvals}
    if change.refused is not None and not _stands_refused(change, change.refused, seen):
        facts["refused"] = None
    if (decided := _outside_acts(change, seen, stage)) is not None:
        return decided
    has_quorum = seen.approvals is None or seen.approvals.passed
    if change.approved_by and not has_quorum:  # also in a hold: they are named as who approved
        facts["approved_by"] = ()
    if _is_expired(change, stage, now):
        return Advance(event=Event.EXPIRED, reason="nobody decided in time", facts=facts)
    if change.state is State.APPROVALS_VOID:
        return Wait(reason=change.reason, look_again=poll, facts=facts)
    if seen.wrong:
        return _void(seen, because=seen.wrong)
    if (decided := _base_moved(change, seen)) is not None:
        return decided
    match change.state:
        case State.HELD:
            return Wait(reason=change.reason, look_again=poll, facts=facts)
        case State.WAITING_FOR_APPROVAL if has_quorum:
            who = seen.approvals.who if seen.approvals else ()
            return Advance(
                event=Event.QUORUM_REACHED,
                reason=seen.approvals.reason if seen.approvals else "no approvals needed",
                facts={**facts, "approved_by": who, "void_because": ""},
            )
        case State.WAITING_FOR_APPROVAL:
            reason = seen.approvals.reason if seen.approvals else ""
            return Wait(reason=reason, look_again=_next_look(change, seen, stage, now, poll), facts=facts)
        case State.WAITING_FOR_CHECKS if not has_quorum:
            reason = seen.approvals.reason if seen.approvals else ""
            note = Text.of("An approval no longer counts: ", reason, ".")
            return Advance(event=Event.QUORUM_LOST, reason=reason, facts={**facts, "approved_by": ()}, note=note)
        case _:
            return _through_the_gates(change, seen, stage, now, poll, facts)


def _outside_acts(change: Change, seen: ReviewSeen, stage: Stage) -> Decision | None:
    proposal = change.proposal
    if proposal is None:
        raise ValueError(f"change {change.number} is reviewed without a proposal")
    if seen.merge is not None:
        if seen.astray:
            return _merged_astray(seen, seen.merge)
        return _merged_by_hand(seen, seen.merge, meanwhile(change, seen.merge, needed=stage.approvals_needed))
    if not seen.pull_request.is_open:
        by = f" by {seen.pull_request.closed_by}" if seen.pull_request.closed_by else ""
        return Advance(event=Event.ABORTED, reason=f"the pull request was closed by hand{by}")
    if seen.foreign is not None and change.state is not State.APPROVALS_VOID:
        touches = f"; it touches {listed(seen.foreign.paths)}" if seen.foreign.paths else ""
        return _void(seen, because=f"{seen.foreign.who} {seen.foreign.what}", touches=touches, head=seen.foreign.head)
    return None


def _void(seen: ReviewSeen, *, because: str, touches: str = "", head: Revision | None = None) -> Decision:
    """No yes counts any longer, and a person decides how it goes on."""
    return Advance(
        event=Event.VOIDED,
        reason=f"approvals no longer count: {because}",
        facts={
            "void_because": because + touches, "foreign_head": head, "approved_by": (), "approvals": seen.approvals,
            "gates": seen.gates,
        },
        note=Text.of(f"Approvals no longer count: {because}{touches}. Rebuild or abort."),
    )  # fmt: skip


def _merged_astray(seen: ReviewSeen, merge: Merge) -> Decision:
    """Merged where nothing of ours is governed: there is nothing to sync, and nothing left to approve."""
    return Advance(
        event=Event.ABORTED,
        reason=f"{merge.by or 'somebody'} merged the pull request into {seen.astray}, not into the governed branch: "
        "Tiphys syncs nothing",
    )


def _merged_by_hand(seen: ReviewSeen, merge: Merge, until_approved: str) -> Decision:
    who = merge.by or "somebody"
    facts = {"merge": merge, "gates": seen.gates, "approvals": seen.approvals}
    if merge.differences:
        ships = f" ({until_approved})" if merge.shipped or merge.auto_sync else ""  # the channel is told the reason
        return Advance(
            event=Event.MERGED_DIFFERENTLY,
            reason=f"{who} merged the pull request by hand{ships}, and what was merged differs: "
            f"{listed(merge.differences)}",
            facts={**facts, "approved_by": (), "void_because": ""},
            note=Text.of(
                f"{who} merged the pull request by hand. What was merged differs in {listed(merge.differences)}. ",
                as_sentence(until_approved),
            ),
        )
    if seen.approvals is None:
        return Advance(event=Event.MERGED, reason=f"{who} merged the pull request by hand", facts=facts)
    if seen.approvals.passed:
        return Advance(
            event=Event.MERGED,
            reason=f"{who} merged the pull request by hand, with the approved content",
            facts={**facts, "approved_by": seen.approvals.who},
            note=Text.of(f"{who} merged the pull request by hand, with the approved content."),
        )
    return Advance(
        event=Event.MERGED_UNAPPROVED,
        reason=f"{who} merged the pull request by hand before it was approved; {until_approved}",
        facts={**facts, "approved_by": ()},
        note=Text.of(f"{who} merged the pull request by hand before it was approved. ", as_sentence(until_approved)),
    )


def _is_expired(change: Change, stage: Stage, now: datetime) -> bool:
    if change.state is State.WAITING_FOR_CHECKS or stage.approvals is None:
        return False
    return change.ready_at is not None and now >= change.ready_at + stage.approvals.expire


def _base_moved(change: Change, seen: ReviewSeen) -> Decision | None:
    """A rebuild where the content differs on the new base, or where the forge cannot merge our commit as it stands."""
    proposal = change.proposal
    if proposal is None or change.state is State.HELD:
        return None
    if seen.key is not None and seen.key.fingerprint != proposal.fingerprint:
        because = _what_moved(proposal.key, seen.key, seen)
        return Advance(
            event=Event.REBUILD,
            reason=f"{because}: approvals no longer count",
            facts={"approved_by": (), "void_because": because},
            note=Text.of(f"Approvals no longer count: {because}. The promotion is rebuilt and asks again."),
        )
    state = seen.pull_request.mergeability
    # On the base as it is the same commit would come out again: what the forge says then, or says of another head than
    # ours, is from before it looked.
    has_moved = seen.base != proposal.base
    is_told = state is Mergeability.CONFLICT and has_moved and seen.pull_request.head == proposal.head
    is_conflict = seen.key is None or is_told
    # Every commit on the base puts it behind: it is rebuilt when that is all that is missing.
    is_behind = (seen.behind or state is Mergeability.BEHIND) and has_moved
    is_behind = is_behind and (seen.approvals is None or seen.approvals.passed)
    if is_conflict or is_behind:
        why = "conflicts with the base" if is_conflict else "is behind the base"
        if change.rebuilds >= MOST_REBUILDS:
            return Advance(
                event=Event.ERRORED,
                reason=f"the promotion commit {why} again after {counted(change.rebuilds, 'rebuild')}: "
                f"{seen.pull_request.base_branch} moves too fast",
            )
        return Advance(
            event=Event.REBUILD,
            reason=f"the promotion commit {why} and is rebuilt",
            facts={"rebuilds": change.rebuilds + 1, "approved_by": ()},
        )
    return None


def _what_moved(approved: ContentKey, now: ContentKey, seen: ReviewSeen) -> str:
    """Why the keys differ, told of whom it is true: of the branch, of the live Application, or of both."""
    found = []
    if paths := approved.moved_paths(now):
        moved = seen.moved or tuple(f"`{path or 'the whole tree'}`" for path in paths)
        found.append(f"{seen.pull_request.base_branch} moved and changed {listed(moved)}")
    if settings := approved.changed_settings(now):
        found.append(f"the live Application changed: {listed(settings)}")
    return "; ".join(found)


def _through_the_gates(
    change: Change, seen: ReviewSeen, stage: Stage, now: datetime, poll: timedelta, facts: Mapping[str, object]
) -> Decision:
    shut = first_shut(seen.gates)
    refused = change.refused if "refused" not in facts else None
    if shut is None and refused is not None and now < asked_again_at(refused):
        soon = min(poll, asked_again_at(refused) - now)
        return Wait(reason=in_words(refused), look_again=soon, facts=facts)
    if shut is None:
        return Advance(event=Event.GATES_OPEN, reason="every gate is open", facts=facts)
    if shut.slug in FORGE_GATES and now >= change.state_since + stage.timeouts.checks:
        return Advance(
            event=Event.FAILED,
            reason=f"{shut.reason}, for longer than {spoken(stage.timeouts.checks)}",
            facts={**facts, "cause": shut.reason},
        )
    return Wait(reason=shut.reason, look_again=_next_look(change, seen, stage, now, poll), facts=facts)


def _stands_refused(change: Change, refused: RefusedMerge, seen: ReviewSeen) -> bool:
    """Whether the refusal is still all that is known. The forge computes anew after it: its own gate tells nothing."""
    is_ready = change.state is State.WAITING_FOR_CHECKS and held_back_by(seen.gates) is None
    return is_ready and change.proposal is not None and change.proposal.head == refused.head


def _next_look(change: Change, seen: ReviewSeen, stage: Stage, now: datetime, poll: timedelta) -> timedelta:
    """The poll, or sooner where a time is known: mergeability is being computed, an approval lapses, a gate opens."""
    if seen.pull_request.mergeability is Mergeability.UNKNOWN:
        return SOON
    moments = [gate.opens_at for gate in seen.gates if gate.opens_at is not None]
    if seen.approvals is not None and seen.approvals.next_lapse is not None:
        moments.append(seen.approvals.next_lapse)
    if change.ready_at is not None and stage.approvals is not None:
        moments.append(change.ready_at + stage.approvals.expire)
    waits = [at - now for at in moments if at > now]
    return min([poll, *waits])
