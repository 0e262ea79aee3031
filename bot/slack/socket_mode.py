"""Socket Mode under our own supervision: two connections, each rebuilt from nothing when it does not live.

Why the SDK's own reconnecting is not enough: it retries a spent URL for ever, never gives up on a bad token, and loops
on a closed session; and with a single connection every refresh is a gap.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.app import sdk_logger
from bot.slack.calls import BAD_TOKEN, Done, Limited, Refused, call
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long what may take, in seconds."""

    ping: float = 5.0
    connect: float = 15.0
    unhealthy: float = 12.0  # since a connection was last seen alive, before it is rebuilt
    silent: float = 30.0  # without any frame, pongs included
    look: float = 0.5
    first_back_off: float = 1.0
    most_back_off: float = 60.0
    switched_off: float = 60.0  # bad token, Socket Mode switched off: only an operator can help
    crowded: float = 30.0  # too many connections of this app
    farewell: float = 3.0


@dataclass(slots=True, eq=False)
class _Slot:
    """One of the connections. `ended` is why Slack told it to go, where that is final for this connection."""

    number: int
    is_up: bool = False
    ended: str = ""
    last_frame: float = 0.0
    problem: str = "connecting"
    failures: int = field(default=0)


class SocketMode:
    """`run` keeps the connections up for ever; `connected` and `problem` are for readiness."""

    def __init__(
        self, app: AsyncApp, app_token: str, client: AsyncWebClient, *, connections: int = 2,
        patience: Patience | None = None,
    ) -> None:  # fmt: skip
        self._app, self._token, self._client = app, app_token, client
        self._patience = patience or Patience()
        self._slots = [_Slot(number) for number in range(1, connections + 1)]
        self._tasks = TaskSet("slack.socket_mode")

    @property
    def connected(self) -> int:
        """How many connections live now. One is enough to hear everything."""
        return sum(slot.is_up for slot in self._slots)

    @property
    def problem(self) -> str:
        """Why the first connection that is down is down; empty when all are up."""
        return next((slot.problem for slot in self._slots if not slot.is_up), "")

    async def run(self) -> None:
        """Until cancelled; closes every connection then."""
        try:
            await asyncio.gather(
                *(self._tasks.start(self._keep(slot), name=f"connection-{slot.number}") for slot in self._slots)
            )
        finally:
            await self.close()

    async def close(self) -> None:
        await self._tasks.close()

    async def _keep(self, slot: _Slot) -> None:
        while True:
            try:
                pause = await self._live_once(slot)
            except Exception as error:
                log.exception("slack.connection_failed", connection=slot.number)
                slot.problem, pause = f"{type(error).__name__}: {error}"[:200], self._back_off(slot)
            slot.is_up = False
            await asyncio.sleep(pause)

    async def _live_once(self, slot: _Slot) -> float:
        """Open one connection and stay with it to its end; answers how long to wait before the next."""
        opened = await call(self._client.apps_connections_open(app_token=self._token))
        if not isinstance(opened, Done):
            return self._not_opened(slot, opened)
        handler = self._new_handler(slot, str(opened.data["url"]))
        try:
            try:
                async with asyncio.timeout(self._patience.connect):
                    await handler.connect_async()  # type: ignore[no-untyped-call]
            except TimeoutError:
                slot.problem = "the connection could not be established in time"
                return self._back_off(slot)
            slot.is_up, slot.problem, slot.last_frame = True, "", time.monotonic()
            log.info("slack.connected", connection=slot.number)
            return await self._watch(slot, handler)
        finally:
            slot.is_up = False
            await _close(handler, self._patience.farewell)

    def _not_opened(self, slot: _Slot, answer: Limited | Refused | object) -> float:
        match answer:
            case Limited():
                slot.problem = f"Slack limits new connections for {answer.seconds:.0f} s"
                return answer.seconds
            case Refused():
                what = "the app token is refused" if answer.error in BAD_TOKEN else "no connection is granted"
                slot.problem = f"{what}: {answer}"
                log.error("slack.connection_refused", connection=slot.number, error=str(answer))
                return self._patience.switched_off
            case _:
                slot.problem = f"no answer from Slack: {answer}"
                return self._back_off(slot)

    def _new_handler(self, slot: _Slot, url: str) -> AsyncSocketModeHandler:
        """A handler that starts on `url`: asking for it was the token's test, and Slack grants few a minute."""
        handler = AsyncSocketModeHandler(
            self._app, self._token, logger=sdk_logger(), web_client=self._client, ping_interval=self._patience.ping
        )
        handler.client.proxy = None  # taken from the environment, whatever NO_PROXY says
        handler.client.wss_uri = url
        handler.client.on_message_listeners.append(_frame_listener(slot))
        slot.ended = ""
        return handler

    async def _watch(self, slot: _Slot, handler: AsyncSocketModeHandler) -> float:
        seen_alive = time.monotonic()
        while True:
            await asyncio.sleep(self._patience.look)
            now = time.monotonic()
            if slot.ended == "link_disabled":
                slot.problem = "Socket Mode is switched off in the app's settings"
                log.error("slack.socket_mode_off", connection=slot.number)
                return self._patience.switched_off
            if slot.ended == "too_many_websockets":
                slot.problem = "this app has too many connections"
                log.warning("slack.too_many_connections", connection=slot.number)
                return self._patience.crowded
            alive = await handler.client.is_connected()
            silent = now - max(slot.last_frame, _last_pong(handler))
            if alive and silent < self._patience.silent:
                slot.is_up, slot.problem, seen_alive, slot.failures = True, "", now, 0
                continue
            slot.is_up = False
            slot.problem = f"nothing heard for {silent:.0f} s" if alive else "the connection is down"
            if now - seen_alive > self._patience.unhealthy:
                log.warning("slack.connection_rebuilt", connection=slot.number, problem=slot.problem)
                return self._back_off(slot)

    def _back_off(self, slot: _Slot) -> float:
        pause = min(self._patience.most_back_off, self._patience.first_back_off * 2.0 ** min(slot.failures, 10))
        slot.failures += 1
        return pause * random.uniform(0.8, 1.2)  # noqa: S311


def _frame_listener(slot: _Slot) -> Callable[[aiohttp.WSMessage], Awaitable[None]]:
    async def heard(frame: aiohttp.WSMessage) -> None:
        slot.last_frame = time.monotonic()
        if '"disconnect"' in frame.data:
            with suppress(ValueError):
                told = json.loads(frame.data)
                if told.get("type") == "disconnect":
                    slot.ended = str(told.get("reason") or "")
                    log.info("slack.told_to_reconnect", connection=slot.number, reason=slot.ended)

    return heard


def _last_pong(handler: AsyncSocketModeHandler) -> float:
    """The SDK keeps it on the wall clock."""
    at = handler.client.last_ping_pong_time
    return time.monotonic() - max(0.0, time.time() - at) if at else 0.0


async def _close(handler: AsyncSocketModeHandler, patience: float) -> None:
    """End the connection, and everything that the SDK started for it.

    The SDK tidies up after the other side has answered its farewell, which a dead one never does.
    """
    client = handler.client
    try:
        with suppress(Exception):
            async with asyncio.timeout(patience):
                await handler.close_async()  # type: ignore[no-untyped-call]
    finally:
        for left in (client.message_processor, client.current_session_monitor, client.message_receiver):
            if left is not None:
                left.cancel()
        with suppress(Exception):
            await client.aiohttp_client_session.close()
