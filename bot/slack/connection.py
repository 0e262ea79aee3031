"""The Slack side as one thing: who we are, the directory, the listeners, the way that Slack comes, and the sender."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import aiohttp
import structlog

from bot.domain.pipeline import SlackPolicy
from bot.meter import SILENT, Meter
from bot.ports import Clock, Denied, Unavailable
from bot.ports_alerts import AlertOutbox
from bot.ports_chat import Front, Outbox
from bot.settings import Settings
from bot.slack.alert_sender import AlertSender
from bot.slack.app import Home, build_app, new_session, web_client
from bot.slack.directory import SlackDirectory
from bot.slack.http_mode import HttpAnswer, HttpMode
from bot.slack.listeners import Listeners
from bot.slack.pace import Pace
from bot.slack.posting import Posting
from bot.slack.sender import Sender
from bot.slack.socket_mode import SocketMode
from bot.tasks import TaskSet
from bot.wake import Bells

log = structlog.get_logger(__name__)

ASK_AGAIN_SECONDS = 2.0
REFUSED_SECONDS = 60.0
"""Until a refused token is tried again: as with the app token, only an operator can help, in Slack or by a restart."""


class AllOutbox(Outbox, AlertOutbox, Protocol):
    """What waits to be shown of changes and of alerts."""


class SlackConnection:
    """Made inside the running loop. The directory can be asked at once; `start` brings the rest to life.

    While Slack gives no answer everything waits for it; only a token that Slack refuses ends the start. One that
    it refuses after the start had to wait is a problem that is told, and tried again.
    """

    def __init__(
        self, settings: Settings, *, clock: Clock, home_only: bool, pace: Pace | None = None, meter: Meter = SILENT
    ) -> None:
        self._session: aiohttp.ClientSession = new_session()
        token, self._meter = settings.slack_bot_token.get_secret_value(), meter
        self._client = web_client(token, settings.slack_api_url, self._session, meter=meter)
        self._app_token = settings.slack_app_token
        self._clock, self._home_only = clock, home_only
        self._home = Home(self._client)
        self._posting = Posting(self._client, pace or Pace())
        self._tasks = TaskSet("slack")
        self._listeners: Listeners | None = None
        self._sender: Sender | None = None
        self._alerts: AlertSender | None = None
        self._socket: SocketMode | None = None
        self._http: HttpMode | None = None
        self._problem = "starting"
        self._listening: asyncio.Task[None] | None = None
        self._patience = 3.0  # with what is under way at the end
        self.directory = SlackDirectory(self._client, self._home)

    async def start(self, front: Front, outbox: AllOutbox, bells: Bells, policy: SlackPolicy) -> None:
        """Begin to send and to listen. Raises `Denied` when Slack refuses the bot token."""
        self._sender = Sender(outbox, self._posting, self._clock, bells.outbox, meter=self._meter)
        self._alerts = AlertSender(outbox, self._posting, self._clock, bells.alerts, meter=self._meter)
        try:
            await self._home.get()
        except Unavailable as error:
            self._problem = error.reason
        home_only = self._home_only and policy.home_workspace_only
        self._listening = self._tasks.start(self._listen(front, home_only=home_only), name="listen")
        self._tasks.start(self._sender.run(), name="sender")
        self._tasks.start(self._alerts.run(), name="alerts")

    async def receive(self, payload: Mapping[str, Any], headers: Mapping[str, str]) -> HttpAnswer | None:
        """A verified delivery over HTTP; None as long as we do not listen, or listen over Socket Mode."""
        return None if self._http is None else await self._http.receive(payload, headers)

    def problems(self) -> tuple[str, ...]:
        """Why we cannot work now; empty when we can. One connection is enough, and over HTTP to know who we are."""
        if self._http is not None:
            return ()
        if self._socket is None:
            return (f"Slack: {self._problem}",)
        if self._socket.connected:
            return ()
        return (f"Slack: not connected: {self._socket.problem or 'connecting'}",)

    async def stop_listening(self, seconds: float) -> None:
        """Acknowledge what has arrived, then close the connections: Slack gives what comes now to others, or again."""
        if self._listeners is not None:
            await self._listeners.rest(seconds)
        self._http = None
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening], timeout=seconds)

    async def flush(self, seconds: float) -> bool:
        """Show what waits to be shown; False when that takes longer. Nothing is waited for after this."""
        self._patience = 0.0
        return self._sender is None or await self._sender.flush(seconds)

    async def close(self) -> None:
        """Let what is under way arrive, then close everything. May be called again."""
        self._http = None
        if self._sender is not None:
            await self._sender.close(patience=self._patience)
        if self._alerts is not None:
            await self._alerts.close(patience=self._patience)
        if self._listeners is not None:
            await self._listeners.close(patience=self._patience)
        await self._tasks.close()
        if self._socket is not None:
            await self._socket.close()
        await self.directory.close()
        await self._session.close()

    async def _listen(self, front: Front, *, home_only: bool) -> None:
        while True:
            try:
                identity = await self._home.get()
                break
            except Unavailable as error:
                self._problem = error.reason
                log.warning("slack.no_answer", reason=error.reason)
                await asyncio.sleep(error.retry_after or ASK_AGAIN_SECONDS)
            except Denied as error:
                self._problem = error.reason
                log.error("slack.bot_token_refused", reason=error.reason, way_out=error.way_out)
                await asyncio.sleep(REFUSED_SECONDS)
        app = build_app(self._client, identity, over_http=self._app_token is None)
        self._listeners = Listeners(
            front, self._client, self._posting, identity, home_workspace_only=home_only, meter=self._meter
        )
        self._listeners.register(app)
        if self._app_token is None:
            self._http = HttpMode(app)
            return
        self._socket = SocketMode(app, self._app_token.get_secret_value(), self._client)
        await self._socket.run()
