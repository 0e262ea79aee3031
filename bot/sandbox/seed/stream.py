"""History as `git fast-import` reads it: one process instead of one for each object."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

FIRST_COMMIT = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
BETWEEN_COMMITS = timedelta(hours=21, minutes=17)


def commit(
    branch: str, number: int, author: str, message: str, files: Mapping[str, bytes], *, merges: str = ""
) -> bytes:
    """The `number`th commit of a history: on its branch's tip, with its whole tree. `merges` is a branch to merge."""
    date = int((FIRST_COMMIT + number * BETWEEN_COMMITS).timestamp())
    by = f"{author} <{author}@example.com> {date} +0000"
    parts = [f"commit refs/heads/{branch}\nauthor {by}\ncommitter {by}\n".encode(), _data(f"{message}\n".encode())]
    if merges:
        parts.append(f"merge refs/heads/{merges}\n".encode())
    parts.append(b"deleteall\n")
    for path, content in sorted(files.items()):
        parts += [f"M 100644 inline {path}\n".encode(), _data(content)]
    return b"".join(parts)


def fork(branch: str, of: str) -> bytes:
    """A branch that starts where another one stands."""
    return f"reset refs/heads/{branch}\nfrom refs/heads/{of}\n\n".encode()


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
