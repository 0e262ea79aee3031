"""Server-sent events out of bytes, as Argo CD writes them: one JSON text per event, comments to keep alive."""

MOST_PENDING = 32 * 1024 * 1024
"""One line may not be longer: an Application with its whole status is far below."""


class EventLines:
    """Feed it chunks as they come; it gives back the texts that are complete."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """The data of every line that `chunk` completes. Raises `ValueError` for a line without end or not UTF-8."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MOST_PENDING:
            raise ValueError("a line without end")
        return [text for line in lines if (text := _data(line))]

    def end(self) -> list[str]:
        """What stood in an unfinished last line: an error chunk has no newline."""
        line, self._rest = self._rest, b""
        text = _data(line)
        return [text] if text else []


def _data(line: bytes) -> str:
    """The text of a data line; also of a bare JSON line, which is what comes when a proxy changed our `Accept`."""
    line = line.strip()
    if line.startswith(b"data:"):
        return line.removeprefix(b"data:").strip().decode()
    return line.decode() if line.startswith(b"{") else ""
