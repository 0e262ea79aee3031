"""Which permissions an App must have been given, and which of its others we use: a token asks for no more."""

from collections.abc import Mapping

NEEDED = {"contents": "write", "metadata": "read", "pull_requests": "write", "statuses": "write"}
USEFUL = {"administration": "read", "checks": "read", "issues": "read", "workflows": "write"}
"""Used where they were given: docs/security.md says for what."""
NAMES = {
    "administration": "Administration", "checks": "Checks", "contents": "Contents", "issues": "Issues",
    "metadata": "Metadata", "pull_requests": "Pull requests", "statuses": "Commit statuses", "workflows": "Workflows",
}  # fmt: skip
_LEVELS = ("read", "write", "admin")


def missing_rights(given: Mapping[str, str]) -> list[str]:
    """As GitHub's pages call them: `Commit statuses (read and write)`."""
    return [
        f"{NAMES[name]} ({'read and write' if level == 'write' else 'read'})"
        for name, level in NEEDED.items()
        if not _reaches(given.get(name), level)
    ]


def rights_to_ask(given: Mapping[str, str]) -> dict[str, str]:
    """What a token is to be able to do: what we need, and of what is useful what was given."""
    return NEEDED | {name: level for name, level in USEFUL.items() if _reaches(given.get(name), level)}


def _reaches(given: str | None, wanted: str) -> bool:
    return given in _LEVELS and _LEVELS.index(given) >= _LEVELS.index(wanted)
