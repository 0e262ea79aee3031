"""Commit statuses: setting one, and what all of a commit's come to."""

from collections.abc import Iterable
from typing import get_args

from bot.sandbox.github import refusals
from bot.sandbox.github.events import StatusSet
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.records import Status, StatusState, now

STATES: tuple[StatusState, ...] = get_args(StatusState)
DESCRIPTION_LIMIT = 140
PER_CONTEXT_LIMIT = 1000


def set_status(
    forge: Forge, repository: str, sha: str, *, login: str, context: str, state: StatusState,
    description: str | None = None, target_url: str | None = None,
) -> Status:  # fmt: skip
    """Raises `Refusal` 422 where GitHub's limits are passed."""
    if description is not None and len(description) > DESCRIPTION_LIMIT:
        said = f"description is too long (maximum is {DESCRIPTION_LIMIT} characters)"
        raise refusals.custom("description_too_long", said, resource="Status", field="description")
    listed = forge.of(repository).statuses.setdefault(sha, [])
    if sum(status.context.lower() == context.lower() for status in listed) >= PER_CONTEXT_LIMIT:
        said = "This SHA and context has reached the maximum number of statuses."
        raise refusals.custom("too_many_statuses", said, resource="Status")
    made = Status(
        id=forge.records.next_id(), login=login, context=context, state=state, description=description,
        target_url=target_url, at=now(),
    )  # fmt: skip
    listed.append(made)
    forge.tell(StatusSet(repository=repository, sha=sha, status=made))
    forge.feed.touch()
    return made


def combined(statuses: Iterable[Status]) -> str:
    """Of the newest ones of each context; pending when there are none."""
    states = {status.state for status in statuses}
    if states & {"failure", "error"}:
        return "failure"
    return "success" if states == {"success"} else "pending"
