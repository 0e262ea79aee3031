"""The body of a promotion's pull request: what it carries, what ships besides, who asked; all text made harmless."""

from collections.abc import Sequence

from bot.domain.change import Change, CommitLine, Shipment, ValueChange
from bot.domain.identity import short
from bot.domain.text import counted
from bot.integrations.forges.github.markdown import code, plain

LONGEST = 60_000
"""GitHub takes 65,536 characters."""

_MOST_ITEMS = (200, 50, 20, 5)
"""How many lines each list shows; the next smaller number when the whole would be too long."""


_HOW_IT_GOES_ON = (
    "---\nIt is approved in Slack, and exactly this is approved: a push to the branch makes the approvals void, and "
    "what is merged by hand Tiphys does not sync before it is approved."
)


def body_of(change: Change, shipment: Shipment, *, prune: bool, requested_by: str, marker: str) -> str:
    """At most `LONGEST` characters; always ends with the marker. `requested_by` is `name (id)`."""
    for most in _MOST_ITEMS:
        body = "\n\n".join([*_paragraphs(change, shipment, prune, requested_by, most), marker])
        if len(body) <= LONGEST:
            break
    return body


def _paragraphs(change: Change, shipment: Shipment, prune: bool, requested_by: str, most: int) -> list[str]:
    source = f" from {plain(change.source_environment)}" if change.source_environment else ""
    return [
        f"Promotes **{plain(change.application)}**{source} to **{plain(change.environment)}**.",
        f"Asked by {plain(requested_by, most=200)} in Slack, change {change.number} ({code(change.id)}).",
        *_section("What it carries", [_value(value) for value in shipment.values], len(shipment.values), most),
        *_section("Commits behind it", [_commit(c) for c in shipment.carried], shipment.carried_total, most),
        *_section("Files that change", [f"- {code(path)}" for path in shipment.files], shipment.files_total, most),
        *_section(
            "Also ships, without being part of this promotion",
            [_commit(c) for c in shipment.also],
            max(shipment.also_total, len(shipment.also)),
            most,
        ),
        *_section(
            "The file in Git differs from what runs",
            [_value(value) for value in shipment.drifted],
            len(shipment.drifted),
            most,
        ),
        *_section(
            "Will be pruned" if prune else "No longer in Git, left behind (pruning is off)",
            [f"- {code(name)}" for name in shipment.prunes],
            len(shipment.prunes),
            most,
        ),
        *_left_out(change, shipment),
        _HOW_IT_GOES_ON,
    ]


def _section(title: str, lines: Sequence[str], total: int, most: int) -> list[str]:
    """A heading with its list, or nothing. `total` counts also what `lines` left out already."""
    if not lines:
        return []
    shown = list(lines[:most])
    if (hidden := max(total, len(lines)) - len(shown)) > 0:
        shown.append(f"- … and {hidden} more")
    return [f"### {title}", "\n".join(shown)]


def _value(value: ValueChange) -> str:
    return f"- {code(value.name)}: {code(value.old)} → {code(value.new)} in {code(value.file)}"


def _commit(commit: CommitLine) -> str:
    return f"- {code(short(commit.revision))} {plain(commit.subject, most=200)} ({plain(commit.author, most=80)})"


def _left_out(change: Change, shipment: Shipment) -> list[str]:
    if not shipment.source_ahead or not change.source_environment:
        return []
    commits = counted(shipment.source_ahead, "commit")
    have = "has" if shipment.source_ahead == 1 else "have"
    return [f"{commits} in {plain(change.source_environment)}'s Git {have} not been deployed there; not included."]
