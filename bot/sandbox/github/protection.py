"""What a branch's rules refuse, and the mergeable state that they give a pull request. Pure; texts as GitHub's."""

from collections import Counter

from bot.sandbox.github.records import MergeMethod, Protection, Pull, RepositoryRecords, Status

METHOD_REFUSED: dict[MergeMethod, str] = {
    "merge": "Merge commits are not allowed on this repository.",
    "squash": "Squash merges are not allowed on this repository.",
    "rebase": "Rebase merges are not allowed on this repository.",
}
QUEUE = "Changes must be made through the merge queue"
PULL_REQUEST = "Changes must be made through a pull request."
LINEAR = "This branch must not contain merge commits."
CONVERSATIONS = "All comments must be resolved."
SIGNATURES = "Commits must have verified signatures."


def find_protection(records: RepositoryRecords, branch: str, login: str | None = None) -> Protection | None:
    """The branch's rules as far as they bind `login` (None: anybody)."""
    protection = records.protections.get(branch)
    if protection is None or (login is not None and login in protection.bypass):
        return None
    return protection


def unmet_by_pull(protection: Protection, records: RepositoryRecords, pull: Pull) -> list[str]:
    """Why the rules do not let this pull request be merged, whoever asks."""
    reasons = []
    if protection.queue:
        reasons.append(QUEUE)
    verdicts = Counter(pull.verdicts(of_head_only=protection.dismiss_stale).values())
    if protection.reviews and verdicts["CHANGES_REQUESTED"]:
        reasons.append("Changes have been requested by a reviewer with write access.")
    elif verdicts["APPROVED"] < protection.reviews:
        noun = "review is" if protection.reviews == 1 else "reviews are"
        reasons.append(f"At least {protection.reviews} approving {noun} required by reviewers with write access.")
    if protection.conversation_resolution and pull.unresolved:
        reasons.append(CONVERSATIONS)
    if protection.signatures:  # nobody signs here
        reasons.append(SIGNATURES)
    statuses = records.newest_statuses(pull.head_sha)
    # Checks of a head that lacks the base's newest commits count for nothing under the strict rule.
    return reasons + unmet_checks(protection, {} if protection.strict and pull.behind else statuses)


def unmet_by_push(
    protection: Protection, records: RepositoryRecords, new: str | None, *, fast_forward: bool
) -> list[str]:
    """Why the rules do not let the branch be moved by hand; `fast_forward` False where commits would be lost."""
    if new is None:
        return ["Cannot delete this branch"]
    reasons = [] if fast_forward else ["Cannot force-push to this branch"]
    if protection.queue:
        reasons.append(QUEUE)
    if protection.wants_pull_request:
        reasons.append(PULL_REQUEST)
    if protection.signatures:
        reasons.append(SIGNATURES)
    return reasons + unmet_checks(protection, records.newest_statuses(new))


def unmet_checks(protection: Protection, statuses: dict[str, Status]) -> list[str]:
    words = {context: _word(statuses.get(context.lower())) for context in protection.required_checks}
    unmet = {context: word for context, word in words.items() if word is not None}
    if not unmet:
        return []
    if len(words) == 1:
        [(context, word)] = unmet.items()
        return [f'Required status check "{context}" is {word}.']
    of = f"{len(unmet)} of {len(words)} required status checks"
    counted = Counter(unmet.values())
    if len(counted) == 1:
        return [f"{of} {'is' if len(unmet) == 1 else 'are'} {next(iter(counted))}."]
    return [f"{of} have not succeeded: {' and '.join(f'{n} {word}' for word, n in sorted(counted.items()))}."]


def mergeable_state(records: RepositoryRecords, pull: Pull) -> str:
    if pull.merged or pull.mergeable is None:
        return "unknown"
    if not pull.mergeable:
        return "dirty"
    if pull.draft:
        return "draft"
    protection = find_protection(records, pull.base)
    if protection is not None:
        if protection.strict and protection.required_checks and pull.behind:
            return "behind"
        if unmet_by_pull(protection, records, pull):
            return "blocked"
    states = {status.state for status in records.newest_statuses(pull.head_sha).values()}
    return "clean" if states <= {"success"} else "unstable"


def _word(status: Status | None) -> str | None:
    """How GitHub calls a check that has not succeeded."""
    if status is None:
        return "expected"
    return {"pending": "pending", "failure": "failing", "error": "failing", "success": None}[status.state]
