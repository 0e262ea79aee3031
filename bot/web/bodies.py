"""Reading a body that anybody may have sent: as far as a limit, in a time, and as the bytes that came."""

import asyncio

from aiohttp import web


class BodyRefused(Exception):
    """It is not taken: the status to answer, the case in a word, and the reason in words."""

    def __init__(self, status: int, case: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.case, self.reason = status, case, reason


def refuse_by_headers(request: web.Request, *, largest: int) -> None:
    """What can be refused before the body is read. Raises `BodyRefused`."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BodyRefused(415, "encoded", "the body is encoded")  # we would see other bytes than were sent
    if (request.content_length or 0) > largest:
        raise BodyRefused(413, "too-large", "the body is too large")


async def read_body(request: web.Request, *, largest: int, seconds: float) -> bytes:
    """The raw bytes; a length may be missing or wrong, and what is too much is left where it is. Raises
    `BodyRefused`."""
    body = bytearray()
    try:
        if request.content.is_eof():  # it came with the headers, as nearly all do: nothing to wait for
            body += request.content.read_nowait()
            if len(body) > largest:
                raise BodyRefused(413, "too-large", "the body is too large")
            return bytes(body)
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > largest:
                    raise BodyRefused(413, "too-large", "the body is too large")
    except TimeoutError:
        raise BodyRefused(408, "too-slow", "the body did not come in time") from None
    except (OSError, web.RequestPayloadError):
        raise BodyRefused(400, "broken-off", "the body did not come whole") from None
    return bytes(body)
