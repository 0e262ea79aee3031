"""Socket Mode: websockets that the bot opens, and envelopes that go to one of them."""

import asyncio
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import WSMsgType, web

from bot.sandbox.seeded import APP_ID
from bot.sandbox.slack.deliveries import BuildPayload, EnvelopeType, Mode, Outcome, Retry
from bot.sandbox.slack.messages import Json

CONNECTIONS = 10
TICKET_SECONDS = 30.0
PING_SECONDS = 15.0

DisconnectReason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]


@dataclass(slots=True, eq=False)
class Connection:
    """One open websocket; `base` is the address that its bot knows this Slack by. Half open: what goes in is lost."""

    socket: web.WebSocketResponse
    base: str
    transport: asyncio.Transport | None
    is_half_open: bool = False


class SocketMode:
    """The door that leads through websockets. An acknowledgement may arrive on any connection of the app."""

    mode: Mode = "socket"

    def __init__(self) -> None:
        self._tickets: dict[str, float] = {}
        self._connections: list[Connection] = []
        self._turn = 0
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    @property
    def connections(self) -> int:
        return len(self._connections)

    def issue_url(self, host: str) -> str:
        """A websocket URL on the host that was asked; it opens one connection, soon, once."""
        now = time.monotonic()
        self._tickets = {ticket: until for ticket, until in self._tickets.items() if until > now}
        ticket = secrets.token_urlsafe(18)
        self._tickets[ticket] = now + TICKET_SECONDS
        return f"ws://{host}/link/?ticket={ticket}&app_id={APP_ID}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The websocket endpoint. A spent, old or unknown URL is refused in the handshake."""
        if self._tickets.pop(request.query.get("ticket", ""), 0.0) < time.monotonic():
            return web.Response(status=408, text="the ticket was used or has expired")
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        connection = Connection(socket, f"http://{request.host}", request.transport)
        if len(self._connections) >= CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        await socket.send_json(self._hello(request.host))
        self._connections.append(connection)
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._heard(frame.data)
        finally:
            self._forget(connection)
        return socket

    async def send(self, kind: EnvelopeType, build: BuildPayload, retry: Retry | None, seconds: float) -> Outcome:
        began = time.monotonic()
        envelope_id = str(uuid.uuid4())
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        payload: Json | None = None
        try:
            async with asyncio.timeout(seconds):
                payload = await self._put(envelope_id, kind, build, retry)
                if payload is None:
                    return Outcome(payload=None, status=None, answer=None, ms=0)
                got = await answer
            return Outcome(payload=payload, status=200, answer=got, ms=_since(began))
        except TimeoutError:
            return Outcome(payload=payload, status=None, answer=None, ms=_since(began))
        finally:
            self._waiting.pop(envelope_id, None)

    async def disconnect(self, reason: DisconnectReason, *, close: bool = True, only: int | None = None) -> int:
        """Tell every connection to go, or that `only` one; with `close` end them too, as Slack does soon after.

        Answers how many it were.
        """
        connections = self._chosen(only)
        for connection in connections:
            notice = {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}
            await _try_to_send(connection, notice)
            if close:
                self._forget(connection)
                await connection.socket.close()
        return len(connections)

    def cut(self, *, only: int | None = None) -> int:
        """End connections without a word, as a network does."""
        connections = self._chosen(only)
        for connection in connections:
            self._cut(connection)
        return len(connections)

    def half_open(self, seconds: float, *, only: int | None = None) -> int:
        """Nothing passes any more in either direction, and neither side is told: Slack goes on sending into it for so
        many seconds, until it notices."""
        connections = [connection for connection in self._chosen(only) if not connection.is_half_open]
        for connection in connections:
            connection.is_half_open = True
            if connection.transport is not None:
                connection.transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, self._cut, connection)
        return len(connections)

    async def close(self) -> None:
        for connection in list(self._connections):
            self._forget(connection)
            await connection.socket.close(code=1001)

    async def _put(self, envelope_id: str, kind: EnvelopeType, build: BuildPayload, retry: Retry | None) -> Json | None:
        """Write the envelope to one open connection, the next in turn, and return the payload; None without any."""
        while connection := self._next():
            payload = build(connection.base)
            envelope: Json = {
                "envelope_id": envelope_id, "type": kind, "payload": payload,
                "accepts_response_payload": kind != "events_api",
            }  # fmt: skip
            if kind == "events_api":
                envelope["retry_attempt"] = retry.attempt if retry else 0
                envelope["retry_reason"] = retry.reason if retry else ""
            if await _try_to_send(connection, envelope):
                return payload
            self._forget(connection)
        return None

    def _cut(self, connection: Connection) -> None:
        self._forget(connection)
        if connection.transport is not None:
            connection.transport.abort()

    def _chosen(self, only: int | None) -> list[Connection]:
        return list(self._connections) if only is None else self._connections[only : only + 1]

    def _next(self) -> Connection | None:
        if not self._connections:
            return None
        self._turn += 1
        return self._connections[self._turn % len(self._connections)]

    def _hello(self, host: str) -> Json:
        return {
            "type": "hello", "num_connections": len(self._connections) + 1,
            "debug_info": {"host": host, "build_number": 1, "approximate_connection_time": 18_060},
            "connection_info": {"app_id": APP_ID},
        }  # fmt: skip

    def _heard(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.get(str(frame.get("envelope_id"))) if isinstance(frame, dict) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(frame.get("payload"))

    def _forget(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)


async def _try_to_send(connection: Connection, frame: Json) -> bool:
    if connection.is_half_open:
        return True
    try:
        await connection.socket.send_json(frame)
    except (ConnectionError, RuntimeError):
        return False
    return True


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
