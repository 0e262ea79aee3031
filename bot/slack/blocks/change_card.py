"""The living card of a change: what it is, whose turn it is, what would happen, what has happened."""

from bot.domain.card import CardAction, ChangeCard
from bot.domain.change import Change
from bot.domain.identity import short
from bot.domain.lifecycle import State
from bot.domain.meanwhile import meanwhile, what_a_yes_brings
from bot.domain.text import Code, Link, Mention, Moment, Plain, Strong, Text, listed
from bot.slack.blocks.bake import bake
from bot.slack.blocks.buttons import buttons
from bot.slack.blocks.elements import Json, context, header, lines, named
from bot.slack.blocks.gates import gates, may_still, people
from bot.slack.blocks.message import RenderedMessage, change_metadata
from bot.slack.blocks.outcome import back_to, outcome
from bot.slack.blocks.progress import current_wave, progress
from bot.slack.blocks.shipment import shipment
from bot.slack.escape import clean, escaped, mrkdwn, one_line

_ICONS = {
    State.PROPOSING: "📝", State.WAITING_FOR_APPROVAL: "⏳", State.APPROVALS_VOID: "⚠️", State.HELD: "✋",
    State.WAITING_FOR_CHECKS: "⏳", State.MERGING: "🔀", State.MERGED: "⏳", State.MERGED_DIFFERS: "⚠️",
    State.WAITING_FOR_SYNC: "👉", State.SYNCING: "🔄", State.VERIFYING: "🩺",
}  # fmt: skip
_MOST_DIFFERENCES = 6


def change_card(card: ChangeCard) -> RenderedMessage:
    """The card as it is to be shown now. Within Slack's limits: what does not fit is counted, never cut silently."""
    change = card.change
    blocks = _ended(card) if change.is_over else _open(card)
    return RenderedMessage(text=fallback(change), blocks=named(blocks), metadata=change_metadata(change.id))


def fallback(change: Change) -> str:
    """The text of notifications and screen readers; scripts rely on how it starts."""
    start = f"{escaped(clean(change.title, 600))}: {change.state.value}"
    more = f" · #{change.number}"
    if change.reason not in ("", change.state.value):
        more += f" · {mrkdwn(Text.of(Plain(one_line(change.reason, 300))))}"
    return start + more


def _open(card: ChangeCard) -> list[Json | None]:
    change = card.change
    return [
        header(f"{'⚠️' if change.state in (State.APPROVALS_VOID, State.MERGED_DIFFERS) else '🚀'} {change.title}"),
        context(Text.of(f"#{change.number} · asked by ", Mention(change.requested_by), " · ",
                        Moment(change.requested_at))),
        _decision(card),
        *(progress(change.progress, said=change.reason) if change.state in (State.SYNCING, State.VERIFYING) else []),
        *shipment(change, prune=card.prune),
        *gates(card),
        context(_footer(card)),
        buttons(card),
    ]  # fmt: skip


def _ended(card: ChangeCard) -> list[Json | None]:
    return [*outcome(card), buttons(card)]


def _decision(card: ChangeCard) -> Json | None:
    change = card.change
    head = Text.of(f"{_ICONS[change.state]} ", Strong(change.state.value), _standing(card))
    return lines(head, _reason(change), *bake(change), *_explained(card), _trouble(change), most=900)


def _standing(card: ChangeCard) -> Text:
    """What stands beside the state on the card's first line."""
    change = card.change
    match change.state:
        case State.WAITING_FOR_APPROVAL | State.MERGED_DIFFERS | State.HELD if card.approvals_needed:
            who = change.approvals.who if change.approvals else ()
            count = f" · {len(who)} of {card.approvals_needed}"
            who_may = may_still(card)
            return Text.of(count, " · ", who_may) if who_may.parts else Text.of(count)
        case State.SYNCING | State.VERIFYING | State.MERGED | State.WAITING_FOR_SYNC if change.merge is not None:
            wave = current_wave(change.progress) if change.state is State.SYNCING else ""
            revision = Text.of(" ", Code(short(change.merge.revision)))
            approved = Text.of(" · approved by ", people(change.approved_by)) if change.approved_by else Text()
            return Text.of(revision, f" · {wave}" if wave else "", approved)
        case _:
            return Text()


def _reason(change: Change) -> Text:
    if change.reason in ("", change.state.value) or (change.state is State.APPROVALS_VOID and change.void_because):
        return Text()
    if change.approvals is not None and change.reason == change.approvals.reason:
        return Text()
    reason = change.reason
    if change.state is State.MERGED_DIFFERS and change.merge is not None and change.merge.differences:
        # What differs has a line of its own; since when or by whom it does stands here.
        reason = reason.removesuffix(f": {listed(change.merge.differences)}")
        if reason.startswith("what was merged differs"):
            return Text()
    return Text.of(Plain(one_line(reason, 500)))


def _explained(card: ChangeCard) -> list[Text]:
    """Why a yes is gone, or what was merged, in the states where nobody must wonder."""
    change = card.change
    match change.state:
        case State.APPROVALS_VOID:
            because = change.void_because or change.reason
            return [
                Text.of("approvals no longer count: ", Plain(one_line(because, 600))),
                Text.of("Rebuild puts our commit on the branch again, on the newest base; Abort ends the promotion."),
            ]
        case State.MERGED_DIFFERS | State.WAITING_FOR_APPROVAL if change.merge is not None:
            advice = CardAction.APPROVE in card.actions
            return [*what_was_merged(card), *([Text.of(what_a_yes_brings(change, change.merge))] if advice else [])]
        case State.WAITING_FOR_SYNC if change.sync_asked_by is not None:
            return [Text.of("Sync asked by ", Mention(change.sync_asked_by))]
        case State.PROPOSING | State.WAITING_FOR_APPROVAL if change.void_because:
            return [Text.of("⚠️ earlier approvals no longer count: ", Plain(one_line(change.void_because, 500)))]
        case _:
            return []


def what_was_merged(card: ChangeCard) -> list[Text]:
    """What was merged without a yes, who ships it meanwhile, and how it differs; empty where nothing was merged."""
    merge = card.change.merge
    if merge is None:
        return []
    by = f" by {one_line(merge.by, 60)}" if merge.by and merge.by_hand else ""
    is_stuck = card.actions == (CardAction.DETAILS,)  # its stage is gone from tiphys.yaml: nothing goes on by itself
    until_approved = meanwhile(card.change, merge, needed=card.approvals_needed or int(is_stuck))
    found = [Text.of("merged as ", Code(short(merge.revision)), Plain(by), f"; {until_approved}")]
    if merge.differences:
        differs = tuple(one_line(difference, 120) for difference in merge.differences)
        found.append(Text.of("differs from what was approved in: ", Plain(listed(differs, most=_MOST_DIFFERENCES))))
    return found


def _trouble(change: Change) -> Text:
    if change.trouble_since is None:
        return Text()
    return Text.of("⚠️ no answer from outside since ", Moment(change.trouble_since), "; it is asked again and again")


def _footer(card: ChangeCard) -> Text:
    change = card.change
    proposal = change.proposal
    found: list[Text] = []
    if proposal is not None:
        found.append(Text.of(Link(proposal.link, f"PR #{proposal.pull_request} ↗")))
        found.append(back_to(change))
        if change.source_environment:
            found.append(Text.of(f"from {change.source_environment} ", Code(short(proposal.source_revision))))
    if card.application_link:
        found.append(Text.of(Link(card.application_link, "Argo CD ↗")))
    if change.ready_at is not None and change.state is State.HELD:
        found.append(Text.of("held since ", Moment(change.state_since)))
    made = Text()
    for text in (text for text in found if text.parts):
        made = Text.of(made, " · ", text) if made.parts else text
    return made
