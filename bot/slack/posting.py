"""The calls that put messages into Slack and look for them: at Slack's pace, each request sent once."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.domain.identity import ChannelId, MessageTs, UserId
from bot.slack.blocks.elements import Json
from bot.slack.blocks.message import RenderedMessage
from bot.slack.calls import Done, Limited, Refused, Result, Unknown, call, retry_after
from bot.slack.metered import RESPONSE_URL, SYSTEM, MeteredClient, result_of_end
from bot.slack.pace import UPDATE, Bucket, Pace, Ticket

PATIENCE = 20.0
"""How long a 429 is waited for on the spot. It says that nothing was done, so asking again is not repeating blindly."""

_QUIET: Mapping[str, Any] = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}
_PAGE, _MOST_PAGES = 200, 10


class Posting:
    """Everything that the sender asks of Slack. `client` must not repeat requests by itself."""

    def __init__(self, client: MeteredClient, pace: Pace) -> None:
        self._client, self.pace = client, pace

    async def post(
        self, channel: ChannelId, message: RenderedMessage, *, thread: MessageTs | None = None, keep: int = 0,
        ticket: Ticket | None = None,
    ) -> Result:  # fmt: skip
        """`keep`: how many tokens stay for others; `ticket`: one that was taken for this ahead."""
        return await self._paced(
            self.pace.posts(channel),
            lambda: self._client.chat_postMessage(
                channel=channel, text=message.text, blocks=message.blocks, thread_ts=thread,
                metadata=dict(message.metadata) if message.metadata else None, **_QUIET,
            ),
            keep=keep, ticket=ticket,
        )  # fmt: skip

    async def update(
        self, channel: ChannelId, ts: MessageTs, message: RenderedMessage, *, keep: int = 0,
        ticket: Ticket | None = None,
    ) -> Result:  # fmt: skip
        """Text, blocks and attachments go together: what is left out, Slack keeps or drops by rules of its own."""
        return await self._paced(
            self.pace.method(UPDATE),
            lambda: self._client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=message.blocks, attachments=[],
                metadata=dict(message.metadata) if message.metadata else None, parse="none", link_names=False,
            ),
            keep=keep, ticket=ticket,
        )  # fmt: skip

    async def whisper(
        self, channel: ChannelId, user: UserId, message: RenderedMessage, *, thread: MessageTs | None = None
    ) -> Result:
        """Show it to one person in a channel; it is not kept."""
        return await self._paced(
            self.pace.method("chat.postEphemeral"),
            lambda: self._client.chat_postEphemeral(
                channel=channel, user=user, text=message.text, blocks=message.blocks, thread_ts=thread,
                link_names=False, parse="none",
            ),
        )  # fmt: skip

    async def respond(self, url: str, message: RenderedMessage, *, thread: MessageTs | None = None) -> Result:
        """Answer by a response URL: five uses in 30 minutes, and no exception on refusal."""
        with self._client.meter.timed(SYSTEM, RESPONSE_URL) as told:
            end = await self._respond(url, message, thread)
            told.result = result_of_end(end)
        if isinstance(end, Refused):
            self._client.meter.refused_by_slack(RESPONSE_URL, end.error)
        return end

    async def _respond(self, url: str, message: RenderedMessage, thread: MessageTs | None) -> Result:
        webhook = AsyncWebhookClient(url, session=self._client.session, retry_handlers=[], logger=self._client.logger)
        webhook.proxy = None  # the SDK takes one from the environment, whatever NO_PROXY says
        try:
            answer = await webhook.send_dict({
                "text": message.text, "blocks": message.blocks, "response_type": "ephemeral", "thread_ts": thread,
                "replace_original": False,
            })  # fmt: skip
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(f"{type(error).__name__}: {str(error)[:200]}")
        if answer.status_code == 429:
            return Limited(retry_after(answer.headers))
        if answer.status_code >= 500:
            return Unknown(f"HTTP {answer.status_code}")
        return Done({}) if answer.status_code == 200 else Refused(answer.body[:100] or f"HTTP {answer.status_code}")

    async def is_gone(self, channel: ChannelId, ts: MessageTs) -> bool:
        """Whether somebody deleted the message. What cannot be looked at counts as there."""
        answer = await self._paced(
            self.pace.method("conversations.history"),
            lambda: self._client.conversations_history(channel=channel, oldest=ts, latest=ts, inclusive=True, limit=1),
        )
        return isinstance(answer, Done) and all(found.get("ts") != ts for found in answer.data.get("messages") or [])

    async def find_message(
        self, channel: ChannelId, wanted: Callable[[Mapping[str, Any]], bool], *, oldest: float
    ) -> MessageTs | Result | None:
        """Our own newest message in the channel whose metadata is wanted; a `Result` when it cannot be looked for."""
        return await self._search(
            self.pace.method("conversations.history"),
            lambda cursor: self._client.conversations_history(
                channel=channel, oldest=f"{oldest:.6f}", limit=_PAGE, cursor=cursor, include_all_metadata=True
            ),
            wanted,
        )

    async def find_reply(
        self, channel: ChannelId, thread: MessageTs, wanted: Callable[[Mapping[str, Any]], bool]
    ) -> MessageTs | Result | None:
        """The same in a thread."""
        return await self._search(
            self.pace.method("conversations.replies"),
            lambda cursor: self._client.conversations_replies(
                channel=channel, ts=thread, limit=_PAGE, cursor=cursor, include_all_metadata=True
            ),
            wanted,
        )

    async def _search(
        self,
        bucket: Bucket,
        page: Callable[[str | None], Awaitable[AsyncSlackResponse]],
        wanted: Callable[[Mapping[str, Any]], bool],
    ) -> MessageTs | Result | None:
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            answer = await self._paced(bucket, lambda at=cursor: page(at))  # type: ignore[misc]
            if not isinstance(answer, Done):
                return answer
            for message in answer.data.get("messages") or []:
                if message.get("bot_id") and wanted(_metadata(message)):
                    return MessageTs(message["ts"])
            cursor = (answer.data.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
        return None

    async def _paced(
        self, bucket: Bucket, request: Callable[[], Awaitable[AsyncSlackResponse]], *, keep: float = 0,
        ticket: Ticket | None = None,
    ) -> Result:  # fmt: skip
        while True:
            if ticket is None or not ticket.use(bucket):
                await bucket.take(keep=keep)
            answer = await call(request())
            if not isinstance(answer, Limited):
                return answer
            bucket.pause(answer.seconds)
            if answer.seconds > PATIENCE:
                return answer


def _metadata(message: Json) -> Mapping[str, Any]:
    found = message.get("metadata")
    return found if isinstance(found, dict) else {}
