"""People who type slash commands over HTTP, at little cost of their own: signed requests on connections kept open."""

import asyncio
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bot.sandbox.seeded import TEAM_ID, TOKENS

SECRET = TOKENS.slack_signing_secret.encode()
FIELDS = {
    "token": "x", "team_id": TEAM_ID, "team_domain": "sandbox", "channel_id": "C0DEPLOY", "channel_name": "deployments",
    "user_id": "U0DEV1", "user_name": "developer", "command": "/promote", "text": "apm-stack prod",
    "api_app_id": "A0TIPHYS", "is_enterprise_install": "false", "response_url": "http://127.0.0.1:9/commands/x",
}  # fmt: skip


@dataclass
class People:
    """So many connections to one bot as there are people at once."""

    port: int
    lines: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    sent: int = 0

    async def round(self, *, acts: int, at_once: int) -> Sequence[float]:
        """So many commands, each person beginning the next when the last is acknowledged."""
        while len(self.lines) < at_once:
            self.lines.append(await asyncio.open_connection("127.0.0.1", self.port))
        taken: list[float] = []

        async def person(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(acts // at_once):
                request = self._request()
                started = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                taken.append(time.perf_counter() - started)
                assert head.startswith(b"HTTP/1.1 200 "), head
                await reader.readexactly(_length(head))

        await asyncio.gather(*(person(*line) for line in self.lines[:at_once]))
        return taken

    def close(self) -> None:
        for _, writer in self.lines:
            writer.close()

    def _request(self) -> bytes:
        self.sent += 1
        body = urlencode({**FIELDS, "trigger_id": f"{self.port}.{self.sent}.x"}).encode()
        at = b"%d" % time.time()
        made = hmac.new(SECRET, b"v0:%s:%s" % (at, body), "sha256").hexdigest().encode()
        return (
            b"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"X-Slack-Request-Timestamp: %s\r\nX-Slack-Signature: v0=%s\r\nContent-Length: %d\r\n\r\n%s"
            % (at, made, len(body), body)
        )


def _length(head: bytes) -> int:
    found = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b": 0")
    return int(found.partition(b":")[2])
