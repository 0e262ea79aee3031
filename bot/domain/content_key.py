"""What a change is bound to: the content key, and the fingerprint that an approval names."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

FINGERPRINT_PREFIX = 6
"""How many first characters of a fingerprint a typed approval must name."""
SYNC_SETTINGS = "the Application's sync settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentKey:
    """The tree (or blob) ids, after the merge, of every path that the application reads in one environment, together
    with what Argo CD makes of them.

    `paths` maps a repository path to its object id, or to `"-"` where the application names a path that is absent.
    `widened` says why the key covers the whole tree (path `""`) instead, or is None.
    """

    paths: Mapping[str, str]
    widened: str | None
    destination: str  # server or name, and namespace
    project: str
    source_digest: str  # of `spec.source`
    sync_digest: str  # of the sync settings

    @property
    def fingerprint(self) -> str:
        """A digest (64 hexadecimal digits) of all of it: equal keys, equal fingerprints."""
        canonical = json.dumps(
            [sorted(self.paths.items()), self.destination, self.project, self.source_digest, self.sync_digest],
            separators=(",", ":"),
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    def differences(self, other: "ContentKey") -> tuple[str, ...]:
        """What differs between two keys, as phrases for people; empty when they are equal."""
        return (*(f"`{path or 'the whole tree'}`" for path in self.moved_paths(other)), *self.changed_settings(other))

    def moved_paths(self, other: "ContentKey") -> tuple[str, ...]:
        """The paths (`""`: the whole tree) that hold something else in the other key."""
        return tuple(
            path for path in sorted({*self.paths, *other.paths}) if self.paths.get(path) != other.paths.get(path)
        )

    def changed_settings(self, other: "ContentKey") -> tuple[str, ...]:
        """What Argo CD would do differently with the same files, as phrases for people."""
        found = []
        if self.destination != other.destination:
            found.append(f"the destination ({self.destination} → {other.destination})")
        if self.project != other.project:
            found.append(f"the Argo CD project ({self.project} → {other.project})")
        if self.source_digest != other.source_digest:
            found.append("the Application's source settings")
        if self.sync_digest != other.sync_digest:
            found.append(SYNC_SETTINGS)
        return tuple(found)
