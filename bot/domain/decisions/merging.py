"""From the intent to merge to what was merged, and the approval of a merge that nobody approved before."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.approval import RuleResult
from bot.domain.change import Change, Merge, RefusedMerge
from bot.domain.decisions.decision import Advance, Decision, Wait
from bot.domain.identity import short
from bot.domain.lifecycle import Event, State
from bot.domain.meanwhile import as_sentence, meanwhile
from bot.domain.pipeline import Stage
from bot.domain.pull_request import HeadMoved, MergeAttempt, Merged, MergeRefused, NotReady
from bot.domain.text import Code, Text, counted, listed, spoken

AGAIN = timedelta(seconds=2)
LONGEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeSeen:
    """The answer of a merge. `merge` is known when it is `Merged`."""

    attempt: MergeAttempt
    merge: Merge | None = None


def decide_merging(change: Change, seen: MergeSeen, stage: Stage, now: datetime) -> Decision:
    """What follows an attempt to merge. What is refused goes back to the gates, which may see why; where none does it
    is asked for again, ever more rarely, and fails after `timeouts.checks`."""
    match seen.attempt:
        case Merged():
            return _merged(change, seen.merge, stage)
        case HeadMoved():
            return _refused(change, "the promotion branch moved just before the merge", timedelta(0), stage, now)
        case MergeRefused(reason=reason, is_final=True):
            return Advance(event=Event.FAILED, reason=reason, facts={"cause": reason})
        case NotReady(reason=reason) | MergeRefused(reason=reason):
            return _refused(change, reason, AGAIN, stage, now)


def asked_again_at(refused: RefusedMerge) -> datetime:
    """When a refused merge is worth another request: after twice as long each time."""
    return refused.at + min(AGAIN * float(2 ** min(refused.times - 1, 16)), LONGEST)


def in_words(refused: RefusedMerge) -> str:
    return f"{refused.reason} (refused {counted(refused.times, 'time')})"


def _refused(change: Change, reason: str, look_again: timedelta, stage: Stage, now: datetime) -> Decision:
    if change.proposal is None:
        raise ValueError(f"change {change.number} was refused without a proposal")
    head, before = change.proposal.head, change.refused
    refused = RefusedMerge(head=head, reason=reason, since=now, at=now)
    if before is not None and before.head == head:
        refused = replace(refused, since=before.since, times=before.times + 1)
    if now >= refused.since + stage.timeouts.checks:
        why = f"{in_words(refused)}, for longer than {spoken(stage.timeouts.checks)}"
        return Advance(event=Event.FAILED, reason=why, facts={"cause": reason, "refused": refused})
    return Advance(event=Event.MERGE_REFUSED, reason=reason, look_again=look_again, facts={"refused": refused})


def _merged(change: Change, merge: Merge | None, stage: Stage) -> Decision:
    if merge is None:
        raise ValueError(f"change {change.number} is merged, but not what")
    if merge.differences:
        return Advance(
            event=Event.MERGED_DIFFERENTLY,
            reason=f"what was merged differs from what was approved: {listed(merge.differences)}",
            facts={"merge": merge, "approved_by": (), "approvals": None, "void_because": ""},
            note=Text.of(
                f"What was merged differs from what was approved: {listed(merge.differences)}. ",
                as_sentence(meanwhile(change, merge, needed=stage.approvals_needed)),
            ),
        )
    proposal = change.proposal
    moved = proposal is not None and merge.base not in (None, proposal.base)
    where = (
        f" on {short(merge.base or '')}, approved on {short(proposal.base)}: same content" if moved and proposal else ""
    )
    return Advance(
        event=Event.MERGED,
        reason=f"merged as approved{where}",
        facts={"merge": merge},
        note=Text.of("Merged as approved: ", Code(short(merge.revision)), f"{where}."),
    )


def decide_merge_review(
    change: Change, merge: Merge, approvals: RuleResult | None, stage: Stage, now: datetime, poll: timedelta
) -> Decision:
    """Whether what was merged (by hand, or differently) has its quorum now. `merge` is as the Application reads it now,
    and `approvals` are those of its key: the Application may change while it waits, also back."""
    facts = {"approvals": approvals, "merge": merge}
    if approvals is None or approvals.passed:
        who = approvals.who if approvals else ()
        return Advance(
            event=Event.MERGE_APPROVED, reason="what was merged is approved", facts={**facts, "approved_by": who}
        )
    if stage.approvals is not None and now >= change.state_since + stage.approvals.expire:
        return Advance(event=Event.EXPIRED, reason="nobody approved what was merged in time", facts=facts)
    reason = approvals.reason
    if change.state is State.MERGED_DIFFERS:
        same = change.merge is not None and change.merge.differences == merge.differences
        reason = (
            change.reason
            if same and change.trouble_since is None
            else f"what was merged differs: {listed(merge.differences) or 'no longer'}"
        )
    return Wait(reason=reason, look_again=poll, facts=facts)
