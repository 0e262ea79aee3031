"""How a change ended: short when it went well; cause, what still runs and the way out when it did not."""

from datetime import timedelta

from bot.domain.alerts.firing import FiringAlerts, hidden_in_words, in_words
from bot.domain.card import ChangeCard
from bot.domain.change import Change
from bot.domain.identity import short
from bot.domain.lifecycle import State
from bot.domain.meanwhile import what_an_end_leaves
from bot.domain.text import Code, Link, Mention, Plain, Strong, Text, counted, listed, spoken
from bot.slack.blocks.elements import Json, lines
from bot.slack.blocks.gates import people
from bot.slack.blocks.shipment import new_values
from bot.slack.escape import one_line

ICONS = {
    State.SUCCEEDED: "✅", State.FAILED: "❌", State.ERRORED: "🛑", State.REJECTED: "🚫", State.ABORTED: "⏹️",
    State.EXPIRED: "⌛", State.SUPERSEDED: "↪️",
}  # fmt: skip
MOST_LEFT = 5


def outcome(card: ChangeCard) -> list[Json | None]:
    """The whole body of the card of a change that is over."""
    change = card.change
    head = Text.of(f"{ICONS[change.state]} ", Strong(change.title), " · ", Strong(change.state.value))
    if change.state is State.SUCCEEDED:
        return [lines(Text.of(head, _how_well(change)), _left_behind(change), _alerts(change), _moved_on(change),
                      _links(card), most=600)]  # fmt: skip
    return [
        lines(
            Text.of(head, _said(change), f" · #{change.number}"),
            _cause(change),
            _who(change),
            _still_runs(change),
            _way_out(change),
            _links(card),
            most=900,
        )
    ]  # fmt: skip


def back_to(change: Change) -> Text:
    """The revision and history entry to go back to; empty where nothing ran before."""
    proposal = change.proposal
    if proposal is None or proposal.active_revision is None:
        return Text()
    history = f" (history {proposal.active_history_id})" if proposal.active_history_id is not None else ""
    return Text.of("back to: ", Code(short(proposal.active_revision)), history)


def _how_well(change: Change) -> Text:
    parts = Text.of(" · ")
    if change.proposal is not None and (words := new_values(change.proposal.shipment)):
        parts = Text.of(parts, Plain(words), " · ")
    waited = _waited(change)
    parts = Text.of(parts, f"#{change.number} · {spoken(change.state_since - change.requested_at)}{waited} · ",
                    Mention(change.requested_by))  # fmt: skip
    return Text.of(parts, ", approved by ", people(change.approved_by)) if change.approved_by else parts


def _waited(change: Change) -> str:
    """How long the change waited for people's approvals, where that says something: not for what came after them."""
    judged = change.approvals.counted if change.approvals else ()
    given = [one.approval.at for one in judged if one.counts and one.approval.user in change.approved_by]
    if not given or change.ready_at is None:
        return ""
    length = max(given) - change.ready_at
    return f" ({spoken(length)} waiting for people)" if length >= timedelta(minutes=1) else ""


def _left_behind(change: Change) -> Text:
    left = change.sync.left_behind if change.sync else ()
    if not left:
        return Text()
    names = listed(tuple(one_line(name, 80) for name in left), most=MOST_LEFT)
    return Text.of(f"⚠️ {counted(len(left), 'resource')} left behind (pruning is off): ", Plain(names))


def _alerts(change: Change) -> Text:
    """What fired at the end and did not count: somebody has silenced it, or the policy only shows it."""
    seen = change.alerts
    if not isinstance(seen, FiringAlerts):
        return Text()
    said = [in_words(seen.counting)] if seen.counting else []
    said += [hidden] if (hidden := hidden_in_words(seen.alerts)) else []
    return Text.of("🔕 alerts: ", Plain(one_line("; ".join(said), 300))) if said else Text()


def _moved_on(change: Change) -> Text:
    if change.sync is None or not change.sync.moved_on:
        return Text()
    return Text.of(f"ℹ️ Git has moved on by {counted(change.sync.moved_on, 'commit')}")


def _why(change: Change) -> str:
    return change.cause if change.reason in ("", change.state.value) else change.reason


def _said(change: Change) -> Text:
    """What follows the state: `: nobody decided in time`, but ` by anna: too early` after `rejected`."""
    why, lead = _why(change), f"{change.state.value} "
    if not why:
        return Text()
    return Text.of(" " if why.startswith(lead) else ": ", Plain(one_line(why.removeprefix(lead), 500)))


def _cause(change: Change) -> Text:
    if not change.cause or change.cause in _why(change):
        return Text()
    return Text.of("cause: ", Plain(one_line(change.cause, 500)))


def _who(change: Change) -> Text:
    asked = Text.of("asked by ", Mention(change.requested_by))
    if change.approved_by:
        asked = Text.of(asked, ", approved by ", people(change.approved_by))
    return Text.of(asked, ", ended by ", Mention(change.ended_by)) if change.ended_by else asked


def _still_runs(change: Change) -> Text:
    back = back_to(change) if change.merge is not None else Text()
    if not change.still_runs:
        return back
    runs = Text.of("still runs ", Plain(one_line(change.still_runs, 300)))
    return Text.of(runs, " · ", back) if back.parts else runs


def _way_out(change: Change) -> Text:
    again = f"/gitops promote {change.application} {change.environment}"
    match change.state:
        case State.FAILED | State.ERRORED if change.merge is not None:
            source = change.source_environment or "the source"
            once = f" has something to do again once that is reverted, or {source} runs something newer"
            return Text.of(
                "way out: fix the cause and sync in Argo CD, or revert the pull request; ", Code(again), once
            )
        case State.REJECTED | State.ABORTED | State.EXPIRED if change.merge is not None:
            return Text.of(what_an_end_leaves(change.merge))
        case State.FAILED | State.ERRORED:
            return Text.of("way out: nothing was merged; fix the cause and ask again with ", Code(again))
        case State.EXPIRED:
            return Text.of("way out: ask again with ", Code(again))
        case _:
            return Text()


def _links(card: ChangeCard) -> Text:
    found: list[Text] = []
    if card.change.proposal is not None:
        found.append(Text.of(Link(card.change.proposal.link, f"PR #{card.change.proposal.pull_request} ↗")))
    if card.application_link:
        found.append(Text.of(Link(card.application_link, "Argo CD ↗")))
    made = Text()
    for number, link in enumerate(found):
        made = Text.of(made, " · ", link) if number else link
    return made
