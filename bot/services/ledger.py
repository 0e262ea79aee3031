"""The one writer of changes: each step is checked against the lifecycle, swapped and audited in one transaction."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.audit import AuditEntry
from bot.domain.change import Change
from bot.domain.decisions.decision import Advance, Wait
from bot.domain.identity import SYSTEM, UserId
from bot.domain.lifecycle import BEFORE_MERGE, TERMINAL, Event, State, follow
from bot.domain.text import Mention, Text
from bot.ports_store import Transaction

VISIBLE = (
    "state",
    "reason",
    "gates",
    "approvals",
    "progress",
    "sync",
    "merge",
    "proposal",
    "approved_by",
    "void_because",
    "alerts",
    "fails_at",
)
"""Fields whose change makes the card be shown anew."""


async def apply(
    tx: Transaction, change: Change, decided: Advance, *, now: datetime, by: UserId | None = None
) -> Change:
    """Take the event: move the state, store what became known, audit it, touch the card, add the notes.

    Raises `IllegalTransition` when the table does not allow it and `Conflict` when somebody else was faster; in both
    cases nothing is written.
    """
    to = follow(change.state, decided.event)
    actor = by or decided.actor
    facts: dict[str, Any] = {
        "trouble_since": None,
        **decided.facts,
        "state": to,
        "state_since": now if to is not change.state else change.state_since,
        "reason": decided.reason,
        "due_at": now + decided.look_again,
    }
    if decided.event is Event.VOIDED:
        facts["voided_at"] = now
    if to in TERMINAL:
        facts |= {"closing": True, "progress": None, "ended_by": None if actor == SYSTEM else actor}
    moved = await tx.changes.swap(replace(change, **facts))
    tx.moved(change, moved)
    await tx.audit.add(
        AuditEntry(
            at=now, actor=actor, action=f"change.{decided.event.value.replace(' ', '-')}", outcome="done",
            change=change.id, application=change.application, environment=change.environment, text=decided.reason,
            detail={"from": change.state.value, "to": to.value, **_revisions(moved)},
        )
    )  # fmt: skip
    await tx.outbox.touch_card(change.id, now=now)
    if decided.note is not None:
        await tx.outbox.note(change.id, f"v{moved.version}", decided.note, now=now)
    await _call_people(tx, change, moved, decided, now)
    return moved


async def settle(tx: Transaction, change: Change, decided: Wait, *, now: datetime) -> Change:
    """Store that there is nothing to do yet, why, and when to look again. Touches the card only if it would differ."""
    facts = {"trouble_since": None, **decided.facts, "reason": decided.reason, "due_at": now + decided.look_again}
    return await _keep(tx, change, facts, now)


async def trouble(tx: Transaction, change: Change, reason: str, *, look_again: timedelta, now: datetime) -> Change:
    """Store that something outside gives no answer: the state stays, the reason is shown (an end keeps its own)."""
    facts = {"trouble_since": change.trouble_since or now, "due_at": now + look_again}
    return await _keep(tx, change, facts if change.is_over else {**facts, "reason": reason}, now)


async def rest(tx: Transaction, change: Change) -> Change:
    """An end whose outside traces are tidied: never looked at again."""
    return await tx.changes.swap(replace(change, closing=False, due_at=None, trouble_since=None))


async def _keep(tx: Transaction, change: Change, facts: Mapping[str, Any], now: datetime) -> Change:
    seen = replace(change, **facts)
    kept = await tx.changes.swap(seen)
    if any(getattr(seen, name) != getattr(change, name) for name in VISIBLE):
        await tx.outbox.touch_card(change.id, now=now)
    return kept


def _revisions(change: Change) -> dict[str, str]:
    """What the audit must be able to say of what was approved and what shipped."""
    found: dict[str, str] = {}
    if change.proposal is not None:
        found |= {"base": change.proposal.base, "head": change.proposal.head, "key": change.proposal.fingerprint}
    if change.merge is not None:
        found |= {"merged": change.merge.revision, "merged_key": change.merge.key.fingerprint}
        if change.merge.base is not None:
            found["merged_on"] = change.merge.base
    return found


async def _call_people(tx: Transaction, before: Change, after: Change, decided: Advance, now: datetime) -> None:
    """The few messages that ping: the approvers once when it is ready, the requester at each end and when needed."""
    if decided.event is Event.PROPOSED and before.ready_at is None and after.notify is not None:
        await tx.outbox.note(
            after.id,
            "ready",
            Text.of(Mention(after.notify), f" {after.title} (#{after.number}) waits for approval."),
            now=now,
        )
    if decided.event in (Event.MERGED_UNAPPROVED, Event.MERGED_DIFFERENTLY) and before.state in BEFORE_MERGE:
        told = Text.of(f"⚠️ #{after.number} {after.title}: {decided.reason}.")
        await tx.outbox.notice(f"merged-by-hand:{after.id}", after.channel, told, now=now)
    requester = Mention(after.requested_by)
    if after.is_over:
        words = f" {after.title} (#{after.number}): {after.standing}."
        await tx.outbox.note(after.id, "end", Text.of(requester, words), now=now)
    elif after.state in (State.APPROVALS_VOID, State.MERGED_DIFFERS) and before.state is not after.state:
        await tx.outbox.note(
            after.id, f"needed-{after.version}",
            Text.of(requester, f" {after.title} (#{after.number}) needs a decision: {after.reason}."), now=now,
        )  # fmt: skip
