"""The words that go to Git and the forge: branch names, commit messages, titles, markers."""

from bot.domain.change import Change, ValueChange
from bot.domain.identity import ChangeId, UserId, short
from bot.domain.text import counted, listed
from bot.ports import Signature

COMMITTER_NAME = "Tiphys"
COMMITTER_EMAIL = "tiphys@users.noreply.invalid"
OPERATION_INFO = "tiphys-change"


def branch_of(change: Change) -> str:
    return f"tiphys/{change.application}/{change.environment}/{change.id}"


def marker_of(change: ChangeId) -> str:
    """What a pull request's body and our closing comment carry, so that they can be found again."""
    return f"<!-- tiphys:change:{change} -->"


def signature_of(change: Change) -> Signature:
    """The fixed author of the promotion commit: made twice, it is the same commit."""
    return Signature(name=COMMITTER_NAME, email=COMMITTER_EMAIL, at=change.requested_at)


def title_of(change: Change) -> str:
    return f"Promote {change.application} to {change.environment}"


def commit_message(change: Change, values: tuple[ValueChange, ...], requester: str) -> str:
    """The promotion commit's message: what it carries, who asked, which change it is."""
    summary = f"{title_of(change)}: {listed(tuple(v.name for v in values), most=3) or _source(change)}"
    trailers = [_requested(requester, change.requested_by), _trailer(change)]
    return "\n".join([summary, "", *_lines(change, values), "", *trailers]) + "\n"


def merge_message(change: Change, values: tuple[ValueChange, ...], requester: str, approvers: tuple[str, ...]) -> str:
    """The merge commit's body: what it carries, and by whom, as trailers. `approvers` are `name (id)`."""
    trailers = [
        _requested(requester, change.requested_by),
        *(f"Approved-by: {who}" for who in approvers),
        _trailer(change),
    ]
    return "\n".join([*_lines(change, values), "", *trailers])


def is_named(message: str, change: ChangeId) -> bool:
    """Whether a commit's message carries the trailer of this change."""
    return f"Tiphys-Change: {change}" in message.splitlines()


def status_words(change: Change, needed: int) -> str:
    """The description of the status on the head."""
    return f"waiting for {counted(needed, 'approval')} in Slack (#{change.number})" if needed else "no approvals needed"


def _lines(change: Change, values: tuple[ValueChange, ...]) -> list[str]:
    """One line each, whatever stands in them: no value can add a trailer. Without values, what was merged."""
    if not values:
        return [f"Carries {_source(change)}."]
    return [" ".join(f"{v.name}: {v.old or '(none)'} → {v.new or '(none)'}".split()) for v in values]


def _source(change: Change) -> str:
    return f"{change.source_environment} at {short(change.source_revision or '')}"


def _requested(name: str, user: UserId) -> str:
    return f"Requested-by: {name} ({user})"


def _trailer(change: Change) -> str:
    return f"Tiphys-Change: {change.id}"
