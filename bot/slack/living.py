"""Messages that live: posted once, found again after an unclear answer, updated in place, replaced when lost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import structlog

from bot.domain.identity import ChannelId, MessageTs
from bot.slack.blocks.message import RenderedMessage
from bot.slack.calls import Done, Refused
from bot.slack.ends import End, Sent, end_of
from bot.slack.pace import Ticket
from bot.slack.posting import Posting

log = structlog.get_logger(__name__)

CLOCK_SKEW_SECONDS = 600
LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""The message that we knew is no longer ours to update: another one takes its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the message stands, and the digest of what it shows (None: unknown)."""

    channel: ChannelId
    ts: MessageTs
    digest: str | None


class Memory(Protocol):
    """Keeps the place of one message."""

    async def remember(self, place: Place) -> None: ...

    async def forget(self) -> None: ...


class LivingMessage:
    """One of them. Its metadata tells it from all others; a first message is posted under `first`, which pings whom it
    is to ping, and from then on it is edited to what it is to show.

    `keep`: how many tokens of a budget it leaves to others; `ticket`: one that was taken for it ahead.
    """

    def __init__(
        self, posting: Posting, memory: Memory, *, channel: ChannelId, metadata: Mapping[str, Any], since: datetime,
        keep: int = 0, ticket: Ticket | None = None,
    ) -> None:  # fmt: skip
        self._posting, self._memory, self._channel = posting, memory, channel
        self._metadata, self._since = metadata, since
        self._keep, self._ticket = keep, ticket

    async def ensure(self, first: RenderedMessage, *, may_stand: bool, digest: str | None) -> Place | End:
        """Post it, unless an earlier try has done so without our learning of it. `digest`: of what its later versions
        show, where `first` shows the same."""
        if may_stand:
            found = await self._find()
            if isinstance(found, Place):
                await self._memory.remember(found)
                return found
            if found is not None:
                return found
        return await self._post(first, digest)

    async def bring_up_to_date(
        self, place: Place, message: RenderedMessage, *, first: RenderedMessage, looks: bool = False
    ) -> End:
        """Edit it, or post `first` in its place and edit that. `looks`: an unchanged one is looked for all the same,
        as somebody named it, perhaps because it is no longer there."""
        if message.digest != place.digest:
            return await self._update(place, message, instead=first)
        if looks and await self._posting.is_gone(place.channel, place.ts):
            return await self._post_instead(message, first, "deleted")
        return Sent()

    async def _find(self) -> Place | End | None:
        found = await self._posting.find_message(
            self._channel,
            lambda metadata: (
                metadata.get("event_type") == self._metadata["event_type"]
                and metadata.get("event_payload") == self._metadata["event_payload"]
            ),
            oldest=self._since.timestamp() - CLOCK_SKEW_SECONDS,
        )
        match found:
            case None | Done():
                return None
            case str():
                return Place(channel=self._channel, ts=MessageTs(found), digest=None)
            case Refused(error="missing_scope"):
                # Without the right to look, a rare second card is better than none.
                log.error("slack.cannot_look_for_card", **self._metadata["event_payload"], error=str(found))
                return None
            case _:
                return end_of(found)

    async def _post(self, first: RenderedMessage, digest: str | None) -> Place | End:
        answer = await self._posting.post(self._channel, first, keep=self._keep, ticket=self._ticket)
        if not isinstance(answer, Done):
            return end_of(answer)
        place = Place(channel=self._channel, ts=MessageTs(answer.data["ts"]), digest=digest)
        await self._memory.remember(place)
        return place

    async def _update(self, place: Place, message: RenderedMessage, *, instead: RenderedMessage | None) -> End:
        answer = await self._posting.update(place.channel, place.ts, message, keep=self._keep, ticket=self._ticket)
        match answer:
            case Done():
                await self._memory.remember(replace(place, digest=message.digest))
                return Sent()
            case Refused(error=error) if error in LOST and instead is not None:
                return await self._post_instead(message, instead, error)
            case _:
                return end_of(answer)

    async def _post_instead(self, message: RenderedMessage, first: RenderedMessage, why: str) -> End:
        log.info("slack.card_lost", **self._metadata["event_payload"], why=why)
        await self._memory.forget()
        posted = await self._post(first, first.digest)
        if not isinstance(posted, Place) or posted.digest == message.digest:
            return Sent() if isinstance(posted, Place) else posted
        return await self._update(posted, message, instead=None)
