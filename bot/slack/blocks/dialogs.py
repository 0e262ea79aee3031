"""Dialogs as modal views."""

from collections.abc import Iterable, Sequence
from typing import assert_never

from bot.domain.alerts.dialog import AssignDialog, ExtendDialog, SilenceDialog
from bot.domain.card import CardAction, ChangeCard
from bot.domain.change import Shipment, ValueChange
from bot.domain.dialog import ApproveDialog, DetailsDialog, Dialog, DiffDialog, ReasonDialog
from bot.domain.identity import short
from bot.domain.text import Code, Link, Mention, Moment, Plain, Strong, Text, counted
from bot.slack.blocks.alert_dialogs import assign, extend, silence
from bot.slack.blocks.buttons import approval_words
from bot.slack.blocks.change_card import what_was_merged
from bot.slack.blocks.elements import Json, bullets, header, lines, paragraphs, plain_text, preformatted
from bot.slack.blocks.gates import approvals, besides_approvals, gate_line, may_still
from bot.slack.blocks.modal import Origin, metadata, modal
from bot.slack.blocks.outcome import back_to
from bot.slack.blocks.shipment import commits, drift_line, shipment, source_ahead, value_line
from bot.slack.escape import clean, one_line

REASON = "reason"
MOST_LISTED, MOST_COMMITS, MOST_PRUNED, MOST_HISTORY, DIFF_PIECE = 40, 20, 300, 60, 2_800


def view(dialog: Dialog, origin: Origin) -> Json:
    match dialog:
        case ReasonDialog():
            return _reason(dialog, origin)
        case ApproveDialog():
            return _approve(dialog, origin)
        case DetailsDialog():
            return _details(dialog)
        case DiffDialog():
            return _diff(dialog)
        case AssignDialog():
            return assign(dialog, origin)
        case SilenceDialog():
            return silence(dialog, origin)
        case ExtendDialog():
            return extend(dialog, origin)
        case _:
            assert_never(dialog)


def _reason(dialog: ReasonDialog, origin: Origin) -> Json:
    asked: Json = {
        "type": "input", "block_id": REASON, "label": plain_text("Why?", 100),
        "element": {"type": "plain_text_input", "action_id": REASON, "multiline": True, "min_length": 1,
                    "max_length": 1_000, "focus_on_load": True},
        "hint": plain_text("Everybody who sees the card can read it.", 150),
    }  # fmt: skip
    return modal(
        CardAction.REJECT.value, dialog.title, [lines(dialog.explanation), asked], submit="Reject",
        carries=metadata(origin, change=dialog.change, fingerprint=dialog.fingerprint),
    )  # fmt: skip


def _approve(dialog: ApproveDialog, origin: Origin) -> Json:
    card = dialog.card
    blocks = [
        header(card.change.title),
        lines(Text.of(Strong(approval_words(card.change))), *what_was_merged(card)),
        *shipment(card.change, prune=card.prune),
        *paragraphs(
            *approvals(card), may_still(card), *map(gate_line, besides_approvals(card.change)), back_to(card.change)
        ),
        lines(Text.of("Your approval holds for exactly this: fingerprint ", Code(dialog.fingerprint[:12]), ".")),
    ]
    return modal(
        CardAction.APPROVE.value, f"Approve #{card.change.number}", blocks, submit="Approve",
        carries=metadata(origin, change=card.change.id, fingerprint=dialog.fingerprint),
    )  # fmt: skip


def _details(dialog: DetailsDialog) -> Json:
    card = dialog.card
    change = card.change
    blocks: list[Json | None] = [
        header(change.title),
        lines(
            Text.of(Strong(change.state.value), " since ", Moment(change.state_since)),
            Text.of(f"#{change.number} · asked by ", Mention(change.requested_by), " ", Moment(change.requested_at)),
            Text.of(Plain(one_line(change.reason, 600))) if change.reason else Text(),
            Text.of("cause: ", Plain(one_line(change.cause, 600))) if change.cause else Text(),
        ),
        *_everything_shipped(card),
        *_headed("Gates and approvals", _gates(card)),
        *_headed("Revisions", _revisions(card)),
        *_history(dialog),
    ]  # fmt: skip
    return modal(CardAction.DETAILS.value, f"Change #{change.number}", blocks)


def _diff(dialog: DiffDialog) -> Json:
    change = dialog.card.change
    pieces = _pieces(clean(dialog.diff, 60_000).rstrip() or "(no difference)")
    blocks = [lines(Text.of("What the promotion commit changes: ", Strong(change.title))), *map(preformatted, pieces)]
    return modal(CardAction.DIFF.value, f"Diff of #{change.number}", blocks)


def _gates(card: ChangeCard) -> list[Text]:
    return [*approvals(card), may_still(card), *map(gate_line, besides_approvals(card.change))]


def _everything_shipped(card: ChangeCard) -> Iterable[Json | None]:
    proposal = card.change.proposal
    if proposal is None:
        return
    ships = proposal.shipment
    for first in range(0, min(len(ships.values), MOST_LISTED), 8):
        yield bullets([_value_in_file(value) for value in ships.values[first : first + 8]])
    if (hidden := len(ships.values) - MOST_LISTED) > 0:
        yield lines(Text.of(f"… and {hidden} more values, see the pull request"))
    yield from _drifted(ships.drifted)
    yield from _headed("Also ships, not part of this promotion", commits(ships.also[:MOST_COMMITS], ships.also_total))
    behind = "Commits that it brings" if ships.files_total else "Commits behind the values"
    yield from _headed(behind, commits(ships.carried[:MOST_COMMITS], ships.carried_total))
    if ships.files_total:
        yield from _files(ships)
    yield from _pruned(ships.prunes, prune=card.prune)
    notes = [Text.of(Plain(one_line(note, 300))) for note in ships.notes[:MOST_LISTED]]
    yield from _headed("Notes", [source_ahead(card.change, ships), *notes, *_rest(len(ships.notes) - len(notes))])


def _drifted(values: tuple[ValueChange, ...]) -> list[Json | None]:
    shown = [drift_line(value) for value in values[:MOST_LISTED]]
    hidden = len(values) - len(shown)
    rest = [Text.of(f"… and {counted(hidden, 'more value', 'more values')}, see the pull request")] if hidden else []
    return _headed("Git differs from what runs, and ships too unless promoted over", [*shown, *rest])


def _files(ships: Shipment) -> list[Json | None]:
    shown = [Text.of(Plain(one_line(path, 300))) for path in ships.files]
    rest = _rest(ships.files_total - len(shown), ", see the pull request")
    return _headed(f"Files that change: {ships.files_total}", [*shown, *rest])


def _rest(hidden: int, where: str = "") -> list[Text]:
    return [Text.of(f"… and {hidden} more{where}")] if hidden > 0 else []


def _pruned(names: tuple[str, ...], *, prune: bool) -> list[Json | None]:
    if not names:
        return []
    title = "Will be pruned" if prune else "No longer in Git, left behind (pruning is off)"
    shown = [Text.of(Plain(one_line(name, 300))) for name in names[:MOST_PRUNED]]
    rest = _rest(len(names) - len(shown), ", see Argo CD")
    return _headed(f"{title}: {counted(len(names), 'resource')}", [*shown, *rest])


def _value_in_file(value: ValueChange) -> Text:
    return Text.of(value_line(value), " in ", Code(one_line(value.file, 100)))


def _revisions(card: ChangeCard) -> list[Text]:
    change = card.change
    found: list[Text] = []
    if (proposal := change.proposal) is not None:
        found += [
            Text.of("pull request: ", Link(proposal.link, f"#{proposal.pull_request} ↗"), " from ",
                    Code(one_line(proposal.branch, 150)), " into ", Code(one_line(proposal.base_branch, 100))),
            Text.of("promotion commit ", Code(short(proposal.head)), " on base ", Code(short(proposal.base))),
            Text.of("source ", Code(short(proposal.source_revision))),
            back_to(change),
        ]  # fmt: skip
    if change.merge is not None:
        by = f" by {one_line(change.merge.by, 60)}" if change.merge.by else ""
        found.append(Text.of("merged as ", Code(short(change.merge.revision)), Plain(by), " ", Moment(change.merge.at)))
    if change.fingerprint:
        found.append(Text.of("fingerprint ", Code(change.fingerprint[:12])))
    found.append(Text.of("id ", Code(change.id)))
    if card.application_link:
        found.append(Text.of(Link(card.application_link, "Argo CD ↗")))
    return found


def _history(dialog: DetailsDialog) -> Iterable[Json | None]:
    told = dialog.history[-MOST_HISTORY:]
    hidden = len(dialog.history) - len(told)
    if not told:
        return
    yield lines(Text.of(Strong("History")), Text.of(f"… {hidden} earlier entries") if hidden else Text())
    yield from paragraphs(*[Text.of(Moment(line.at), "  ", line.text) for line in told], most=300)


def _headed(title: str, texts: Sequence[Text]) -> list[Json | None]:
    """A title and its lines; nothing without lines."""
    found = [text for text in texts if text.parts]
    return paragraphs(Text.of(Strong(title)), *found) if found else []


def _pieces(text: str) -> list[str]:
    """Cut at line ends into what fits a block each."""
    pieces: list[str] = []
    while len(text) > DIFF_PIECE:
        at = text.rfind("\n", 1, DIFF_PIECE)
        at = at if at > 0 else DIFF_PIECE
        pieces.append(text[:at])
        text = text[at:].removeprefix("\n")
    return [*pieces, text]
