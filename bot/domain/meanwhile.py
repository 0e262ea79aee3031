"""What was merged without a yes to it: whether it ships all the same, and what follows a yes or an end. Only words.

Tiphys knows what it does itself. What Argo CD does is as it was seen last: whoever has the right there syncs past us.
"""

from bot.domain.change import Change, Merge
from bot.domain.pipeline import SyncMode


def meanwhile(change: Change, merge: Merge, *, needed: int) -> str:
    """What happens to it before it is approved, as a clause. `needed`: how many approvals its stage wants."""
    if merge.shipped:
        return "it is synced already, not by Tiphys"
    if merge.auto_sync:
        return "auto-sync is on: Argo CD ships it without waiting for an approval"
    if not needed:
        return "no approval is needed here, so it goes on as merged"
    if change.sync_mode is SyncMode.AUTOMATED:
        return "Argo CD syncs this stage, and its auto-sync is off"
    return "Tiphys does not sync it before it is approved"


def as_sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def what_a_yes_brings(change: Change, merge: Merge) -> str:
    """What to decide, as a sentence."""
    if merge.shipped:
        return "Approve what was merged, and Tiphys watches its health; or abort, and revert the merge to take it back."
    if merge.auto_sync:
        return "Approve what was merged, and Tiphys follows Argo CD's own sync; or abort and revert the merge."
    if change.sync_mode is SyncMode.AUTOMATED:
        return "Approve what was merged, then turn auto-sync on or sync in Argo CD; or abort and revert the merge."
    if change.sync_mode is SyncMode.MANUAL and change.sync_asked_by is None:
        return "Approve what was merged, and Sync can be pressed; or abort and revert the merge."
    return "Approve what was merged to ship it, or abort and revert the merge."


def what_an_abort_leaves(merge: Merge) -> str:
    """What the question before an abort says of a merge."""
    if merge.shipped:
        return "It is merged and synced already, not by Tiphys: the merge stays in Git, and what runs stays as it is."
    if merge.auto_sync:
        return "It is merged already: the merge stays in Git, and auto-sync is on, so Argo CD ships it all the same."
    return "It is merged already: the merge stays in Git. Tiphys does not sync it, but any sync in Argo CD ships it."


def what_an_end_leaves(merge: Merge) -> str:
    """What stays after an end by people, or by none of them in time, and the way back."""
    if merge.shipped:
        return "the merge stays in Git and is synced already, not by Tiphys: revert the pull request to take it back"
    if merge.auto_sync:
        return "the merge stays in Git, and auto-sync ships it: revert the pull request if it must not run"
    return "the merge stays in Git, and any sync ships it: revert the pull request if it must not run"
