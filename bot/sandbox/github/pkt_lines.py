"""The head of a receive-pack request: which refs a push wants to move."""

from dataclasses import dataclass

from bot.sandbox.repositories import ABSENT


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One ref of a push; None: absent."""

    ref: str
    old: str | None
    new: str | None

    @property
    def branch(self) -> str | None:
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else None

    def as_json(self) -> dict[str, str | None]:
        return {"ref": self.ref, "old": self.old, "new": self.new}


def ref_updates(data: bytes) -> list[RefUpdate]:
    """The updates up to the first flush packet; what is not one ends the list."""
    updates = []
    at = 0
    while at + 4 <= len(data):
        try:
            length = int(data[at : at + 4], 16)
        except ValueError:
            break
        if length < 4:
            break
        line = data[at + 4 : at + length].split(b"\0", 1)[0].decode("utf-8", "replace").rstrip("\n")
        at += length
        parts = line.split(" ", 2)
        if len(parts) == 3 and len(parts[0]) == len(ABSENT) == len(parts[1]):
            updates.append(RefUpdate(parts[2], _sha(parts[0]), _sha(parts[1])))
    return updates


def _sha(text: str) -> str | None:
    return None if text == ABSENT else text
