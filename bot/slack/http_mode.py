"""What Slack delivered over HTTP, verified and parsed already, brought to the app; and what is answered to Slack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.slack.short_way import ShortWay

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An HTTP response as the app wants it."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


class HttpMode:
    """The counterpart of Socket Mode: here Slack comes to us."""

    def __init__(self, app: ShortWay) -> None:
        self._app = app

    async def receive(self, payload: Mapping[str, Any], headers: Mapping[str, str]) -> HttpAnswer:
        """Take one delivery. An event that could not be recorded is answered 500: Slack delivers it again."""
        if payload.get("type") == "app_rate_limited":  # the SDK knows no listener for it
            log.warning("slack.events_limited", minute=payload.get("minute_rate_limited"))
            return HttpAnswer(status=200)
        try:
            answer = await self._app.dispatch_command(payload)
            if answer is None:
                # The mode of requests that somebody else has verified and parsed, which over HTTP `bot.web` has.
                request = AsyncBoltRequest(mode="socket_mode", body=dict(payload), headers=dict(headers))
                answer = await self._app.async_dispatch(request)
        except Exception as error:
            # What a listener raises, the app answers for. This is the SDK itself, on a shape that it does not expect.
            log.error("slack.unreadable", error=type(error).__name__, what="")
            return HttpAnswer(status=400)
        kind = "application/json" if answer.body.startswith("{") else "text/plain"
        return HttpAnswer(status=answer.status, body=answer.body, content_type=kind)
