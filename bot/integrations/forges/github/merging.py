"""What a merge that GitHub refused means: its status and sentence, together with the pull request read again."""

import re
from collections.abc import Callable

from bot.domain.identity import Revision
from bot.domain.pull_request import HeadMoved, Mergeability, MergeAttempt, Merged, MergeRefused, NotReady, PullRequest
from bot.integrations.forges.github.errors import Complaint

COMPUTING = "GitHub is still computing whether it can be merged"


def judge(complaint: Complaint, seen: PullRequest, expected_head: Revision) -> MergeAttempt:
    """The pull request as it is now decides before GitHub's sentence does: 405 covers nearly everything."""
    if (settled := settled_by(seen, expected_head)) is not None:
        return settled
    words = re.sub(r'"[^"]*"', "", complaint.said.lower())  # the names of checks may say anything
    for parts, answer in _SENTENCES:
        if any(part in words for part in parts):
            return answer(complaint.said)
    if "not mergeable" in words or complaint.status == 409:
        return _by_mergeability(seen, complaint.said)
    return MergeRefused(reason=complaint.said)


def settled_by(seen: PullRequest, expected_head: Revision) -> MergeAttempt | None:
    """What needs no sentence: merged already, closed, or another head. None: it is open at the expected head."""
    if seen.merged and seen.merge_revision is not None:
        return Merged(revision=seen.merge_revision, by=seen.merged_by)
    if not seen.is_open:
        return MergeRefused(reason="the pull request is closed")
    if seen.head != expected_head:
        return HeadMoved(head=seen.head)
    return None


def _by_mergeability(seen: PullRequest, said: str) -> MergeAttempt:
    match seen.mergeability:
        case Mergeability.CONFLICT:
            return MergeRefused(reason="it conflicts with the base", rebuild=True)
        case Mergeability.BEHIND:
            return MergeRefused(reason="it is behind the base", rebuild=True)
        case Mergeability.DRAFT:
            return MergeRefused(reason="the pull request is a draft: mark it ready for review")
        case Mergeability.UNKNOWN:
            return NotReady(reason=COMPUTING)
        case Mergeability.BLOCKED:
            return MergeRefused(reason=f"a rule of the branch is unmet on GitHub: {said}")
        case Mergeability.CLEAN | Mergeability.UNSTABLE:
            return NotReady(reason=f"GitHub refused once and calls it mergeable now: {said}")


def _wait(said: str) -> MergeAttempt:
    return NotReady(reason=said)


def _refuse(said: str) -> MergeAttempt:
    return MergeRefused(reason=said)


def _rebuild(said: str) -> MergeAttempt:
    return MergeRefused(reason=said, rebuild=True)


def _lagging(said: str) -> MergeAttempt:
    return NotReady(reason="GitHub has not seen the newest push yet")


def _queue(said: str) -> MergeAttempt:
    return MergeRefused(reason=f"the branch has a merge queue, which is not supported: {said}")


_SENTENCES: tuple[tuple[tuple[str, ...], Callable[[str], MergeAttempt]], ...] = (
    (("head branch was modified",), _lagging),  # the head is the expected one: two parts of GitHub disagree
    (("base branch was modified",), _wait),
    (("merge queue",), _queue),
    (("merge conflict", "conflicts with"), _rebuild),
    (("out of date", "out-of-date", "not up to date", "not up-to-date"), _rebuild),
    (("draft",), _refuse),
    (("is failing", "have failed", "has failed"), _refuse),
    ((" expected", " pending", "in progress", "queued"), _wait),
)
