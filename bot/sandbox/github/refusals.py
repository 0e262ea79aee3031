"""The forge's noes, in GitHub's words: one exception that every entry (REST, Git, control API) translates.

Texts that begin with "Repository rule violations found" are how rulesets refuse; `slug` is for the control API.
"""

from typing import Any


class Refusal(Exception):
    """GitHub's answer to what it will not do. `errors` is the list that a 422 carries, `accepted` the permissions that
    would have let a 403 through."""

    def __init__(
        self, status: int, slug: str, message: str, errors: list[Any] | None = None, *, accepted: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.slug, self.message, self.errors, self.accepted = status, slug, message, errors, accepted

    def said(self) -> str:
        """The most specific sentence in it."""
        for error in self.errors or []:
            if isinstance(error, str):
                return error
            if "message" in error:
                return str(error["message"])
            if "field" in error:
                return f"{error['resource']}: {error['field']} is {error['code']}"
        return self.message


def not_found() -> Refusal:
    return Refusal(404, "not_found", "Not Found")


def invalid_field(resource: str, field: str, code: str = "invalid") -> Refusal:
    return Refusal(
        422, f"{code}_{field}", "Validation Failed", [{"resource": resource, "field": field, "code": code}]
    )  # fmt: skip


def custom(slug: str, message: str, *, resource: str = "PullRequest", field: str | None = None) -> Refusal:
    error = {"resource": resource, "code": "custom" if field is None else "invalid", "message": message}
    if field is not None:
        error["field"] = field
    return Refusal(422, slug, "Validation Failed", [error])


def malformed(message: str) -> Refusal:
    return Refusal(422, "malformed", f"Invalid request.\n\n{message}")


def no_commit(sha: str) -> Refusal:
    return Refusal(422, "unknown_commit", f"No commit found for SHA: {sha}")


def rules_broken(status: int, slug: str, reasons: list[str]) -> Refusal:
    return Refusal(status, slug, "Repository rule violations found\n\n" + "\n\n".join(reasons))


NOT_MERGEABLE = "Pull Request is not mergeable"
HEAD_MODIFIED = "Head branch was modified. Review and try the merge again."
BASE_MODIFIED = "Base branch was modified. Review and try the merge again."
