"""What git's exit codes and stable phrases (LC_ALL=C) mean, as the errors of `bot.ports`."""

import re

from bot.integrations.git.process import Ended
from bot.ports import Denied, NotFound, OutsideError, Refused, Unavailable

SYSTEM = "git"


class Corrupt(Exception):
    """The mirror on disk is damaged: throw it away and fetch again."""


class Misses(Exception):
    """A command needs an object that the partial mirror does not have."""

    def __init__(self, object_id: str) -> None:
        super().__init__(object_id)
        self.object_id = object_id


_DAMAGE = re.compile(
    r"not a git repository(: '/|$)"
    r"|(object|packfile|pack|index) file \S+ (is|does|cannot|claims)"
    r"|packfile \S+ (is|does|cannot|claims)"
    r"|is corrupt|corrupt loose object|loose object \S+ \(stored|inflate: data stream|unable to unpack"
    r"|bad object |does not point to a valid object|did not send all necessary objects"
    r"|unable to read (tree|commit|\S* ?object)|failed to read object|invalid object |bad tree object|bad ref"
    r"|not a valid object name|not a valid 'commit' object|unexpected line in .*packed-refs|broken ref"
)
_DENIED = re.compile(
    r"could not read (Username|Password)|Authentication failed|returned error: 40[13]\b|Invalid username or"
)
_BAD_TOKEN = re.compile(r"could not read (Username|Password)|Authentication failed|returned error: 401\b")
_ABSENT = re.compile(r"returned error: (404|410)\b|repository '[^']*' not found|Repository not found")
_NOT_OUR_REF = re.compile(r"not our ref|unadvertised object")
_MOVED_FOR_GOOD = re.compile(r"returned error: 30[18]\b")


def is_damage(stderr: str) -> bool:
    """Whether git complains of the mirror itself; what the remote says of its own repository does not count."""
    return any(_DAMAGE.search(line) for line in stderr.splitlines() if not line.startswith("remote:"))


def is_bad_token(stderr: str) -> bool:
    """Whether the remote did not accept the token itself, not what it was used for."""
    return _BAD_TOKEN.search(stderr) is not None


def missed_object(stderr: str) -> str | None:
    """The object that git would have fetched if it were allowed to."""
    found = re.search(r"could not fetch ([0-9a-f]{40}) from promisor remote", stderr)
    return found[1] if found else None


def network_failure(ended: Ended, said: str) -> OutsideError:
    """The error for a network command that failed. `said` is one redacted line of what git said."""
    text = ended.err
    if _DENIED.search(text):
        return Denied(
            SYSTEM, "git-credentials-refused", f"the remote refused our credentials ({said})",
            way_out="check the repository's token and its rights",
        )  # fmt: skip
    if _ABSENT.search(text):
        return NotFound(
            SYSTEM, "git-repository-not-found", f"the repository does not exist or is hidden from us ({said})",
            way_out="check the repository's name, and that the token may read it",
        )  # fmt: skip
    if _NOT_OUR_REF.search(text):
        return NotFound(SYSTEM, "git-revision-not-found", f"the remote does not have it ({said})")
    if _MOVED_FOR_GOOD.search(text):
        return Refused(
            SYSTEM, "git-repository-moved", f"the remote redirects to another address ({said})",
            way_out="write the new address into the configuration",
        )  # fmt: skip
    return Unavailable(SYSTEM, said)


def telling_line(stderr: str, otherwise: str) -> str:
    """The one line of stderr that tells most, without control characters, at most 300 characters."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", stderr) if line.strip()]
    lines = [line for line in lines if not line.startswith(("hint:", "warning:", "To ", "From "))]
    lines = [line for line in lines if " packet:" not in line]
    for start in ("fatal:", "error:", "remote: error:", "remote: fatal:", "remote:", ""):
        for line in lines:
            if line.startswith(start):
                return re.sub(r"[\x00-\x1f\x7f]+", " ", line.removeprefix("fatal: "))[:300]
    return otherwise
