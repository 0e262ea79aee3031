"""The SDK's app, with a short way to the listener of slash commands, past a dispatch that prepares what it never uses.

For each request the SDK makes a client, asks who we are (which is the same for all), and collects some twenty
arguments, of which a command's listener takes two. That is a third of all that is not the disk's.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

OnCommand = Callable[[AsyncAck, dict[str, Any]], Awaitable[None]]
OnError = Callable[[Exception], Awaitable[BoltResponse]]


class ShortWay(AsyncApp):
    """Everything but slash commands goes through the SDK's own dispatch."""

    _on_command: OnCommand | None = None
    _on_error: OnError

    def answer_commands(self, listener: OnCommand, on_error: OnError) -> None:
        """Bring every slash command to `listener`, which acknowledges before it returns; what it raises to `on_error`,
        whose answer goes to Slack."""
        self._on_command, self._on_error = listener, on_error

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        return await self.dispatch_command(req.body) or await super().async_dispatch(req)

    async def dispatch_command(self, payload: Mapping[str, Any]) -> BoltResponse | None:
        """The answer to a verified slash command; None for everything else, which nobody was told of then."""
        command = payload.get("command")
        if self._on_command is None or not isinstance(command, str) or command[:1] != "/" or "ssl_check" in payload:
            return None
        ack = AsyncAck()  # type: ignore[no-untyped-call]
        try:
            await self._on_command(ack, dict(payload))
        except Exception as error:
            return await self._on_error(error)
        return ack.response or BoltResponse(status=500)
