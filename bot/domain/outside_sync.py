"""Syncs that are not ours: which operation on a governed stage somebody ran past Tiphys, and what is said of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum

from bot.domain.change import Change
from bot.domain.identity import is_revision, short
from bot.domain.lifecycle import State
from bot.domain.live import Operation, Phase
from bot.domain.pipeline import Stage
from bot.domain.text import Code, Link, Plain, Strong, Text

MAY_FOLLOW = frozenset({State.MERGED, State.MERGED_DIFFERS, State.WAITING_FOR_SYNC, State.SYNCING})
"""States of a change that may yet take a foreign operation for the one that ships it."""
FOLLOWS_WITHIN = timedelta(minutes=1)
SKEW = timedelta(seconds=5)
"""By which Argo CD's clock may differ from ours; its own times are cut to whole seconds."""
LATEST = timedelta(days=1)
LONGEST_NAME, LONGEST_MESSAGE = 80, 300


class Standing(Enum):
    """`LATER`: a change may take it up yet; look again."""

    OURS = "ours"
    LATER = "later"
    OUTSIDE = "outside"


def judge(operation: Operation | None, changes: Sequence[Change], now: datetime) -> Standing:
    """What the newest operation of a stage is to us; `changes` are the newest of that stage. Ours by its id is for the
    caller to tell.

    Not outside are Argo CD's own syncs, dry runs, what still runs (it is told of when it is over), and what a change
    follows: pressing Sync in Argo CD is a way to ship what was merged.
    """
    if operation is None or operation.started_at is None or operation.automated or operation.dry_run:
        return Standing.OURS
    if not operation.phase.is_over or now - (operation.finished_at or operation.started_at) > LATEST:
        return Standing.OURS
    if any(_is_followed(change, operation) for change in changes):
        return Standing.OURS
    if now - (operation.finished_at or operation.started_at) < FOLLOWS_WITHIN and any(
        _may_follow(change, operation) for change in changes
    ):
        return Standing.LATER
    return Standing.OUTSIDE


def _is_followed(change: Change, operation: Operation) -> bool:
    """Whether this change was shipped by it: it began after the merge, and before the change took it up."""
    sync, merge, started = change.sync, change.merge, operation.started_at
    if merge is None or sync is None or sync.operation is not None or started is None:
        return False
    return merge.at - SKEW <= started <= sync.asked_at + SKEW


def _may_follow(change: Change, operation: Operation) -> bool:
    """What began before the merge cannot ship it: said at once, as the change's own sync soon takes its place."""
    merge, started = change.merge, operation.started_at
    if change.state not in MAY_FOLLOW or merge is None or started is None:
        return False
    return merge.at - SKEW <= started


def outside_text(stage: Stage, operation: Operation, page: str) -> Text:
    """One sentence for the stage's channel. What Argo CD says stays words."""
    by = _line(operation.initiated_by, LONGEST_NAME) or "somebody"
    what = " in part" if operation.partial else ""
    name = Strong(f"{stage.environment} of {stage.application}")
    if operation.phase is Phase.SUCCEEDED:
        said = Text.of("⚠️ ", name, f" was synced{what} by ", Plain(by), " outside of Tiphys: ", _revision(operation))
    else:
        said = Text.of(
            "⚠️ A sync", Plain(what), " of ", name, " by ", Plain(by), " outside of Tiphys has failed: ",
            _revision(operation), Plain(f", {_line(operation.message, LONGEST_MESSAGE) or 'Argo CD gave no reason'}"),
        )  # fmt: skip
    return Text.of(said, " (", Link(page, "Argo CD"), ")")


def _revision(operation: Operation) -> Code | Plain:
    revision = operation.revision
    if not revision:
        return Plain("no revision was told")
    return Code(short(revision) if is_revision(revision) else _line(revision, LONGEST_NAME))


def _line(text: str, most: int) -> str:
    line = " ".join(text[: most * 4].split())
    return line if len(line) <= most and len(text) <= most * 4 else f"{line[: most - 1]}…"
