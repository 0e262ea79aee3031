"""HTTP by bytes, as no client library would write it: header lines go out as they are given."""

import asyncio
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE, IMPATIENCE = 10.0, 0.03
Header = tuple[str | bytes, str | bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None when the connection ended without one."""

    status: int | None
    headers: dict[str, str]
    body: str


async def ask(
    url: str, method: str | bytes, path: str | bytes, headers: list[Header], body: bytes = b"", *, length: bool = True
) -> Answer:
    """One request on a connection of its own. `length`: say how long the body is."""
    lines = [b" ".join((_bytes(method), _bytes(path), b"HTTP/1.1")), b"Host: " + urlsplit(url).netloc.encode()]
    lines += [_bytes(name) + b": " + _bytes(value) for name, value in headers]
    lines += [b"Content-Length: %d" % len(body)] if length else []
    return await exchange(url, b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)


async def exchange(url: str, sent: bytes, *, and_end: bool = False) -> Answer:
    """Send these bytes, and read what comes. `and_end`: go away where that does not come at once."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        async with asyncio.timeout(IMPATIENCE if and_end else PATIENCE):
            writer.write(sent)
            return await _answer(reader)
    except TimeoutError:
        if not and_end:
            raise
        return Answer(None, {}, "")
    finally:
        writer.close()


def signed(secret: str, body: bytes, *, at: float) -> list[Header]:
    """The two headers that Slack signs with."""
    timestamp = str(int(at))
    made = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, "sha256").hexdigest()
    return [("X-Slack-Request-Timestamp", timestamp), ("X-Slack-Signature", f"v0={made}")]


async def _answer(reader: asyncio.StreamReader) -> Answer:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return Answer(None, {}, "")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
    try:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        body = b""
    return Answer(int(head[0].split()[1]), headers, body.decode("utf-8", "replace"))


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
