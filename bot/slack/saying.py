"""Words: notes in a card's thread, notices in a channel, and answers that only the asker sees."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from bot.domain.identity import ChangeId, ChannelId, MessageTs
from bot.domain.outgoing import Outgoing, Urgency
from bot.domain.request import Request
from bot.domain.text import Text
from bot.ports import Clock
from bot.ports_chat import Outbox
from bot.slack.blocks.message import NOTE_EVENT, note_metadata, said
from bot.slack.calls import Done, Refused, Result
from bot.slack.ends import End, Later, Never, Sent, end_of
from bot.slack.pace import KEPT, Ticket
from bot.slack.posting import Posting

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 600.0
NOTICE_SECONDS = 7 * 86_400
THREAD_LOST = frozenset({"thread_not_found", "message_not_found"})
CARD_GONE = Later("its card is gone")


class Sayings:
    """Says each thing once: what an earlier try may have posted is looked for first."""

    def __init__(self, outbox: Outbox, posting: Posting, clock: Clock) -> None:
        self._outbox, self._posting, self._clock = outbox, posting, clock
        self._asked_at: dict[str, float] = {}

    async def note(self, item: Outgoing, change: ChangeId, text: Text) -> End:
        """In the thread of the change's card; waits for the card to stand."""
        placement = await self._outbox.find_placement(change)
        if placement is None:
            return Later("its card does not stand yet")
        end = await say_in_thread(self._posting, item, placement.channel, placement.ts, text)
        if end == CARD_GONE:
            await self._outbox.forget_placement(change)
        return end

    async def notice(self, item: Outgoing, channel: ChannelId, text: Text) -> End:
        """A message of its own."""
        return await say(self._posting, item, channel, text, now=self._clock.now())

    async def answer(self, item: Outgoing, request: Request, text: Text) -> End:
        """For the asker alone, while he is there to wait for it: by the response URL, else in the channel."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at.setdefault(item.key, now) > ANSWER_SECONDS:
            self._asked_at.pop(item.key)
            return Never("nobody waits for it any more")
        end = await self._whisper(request, text)
        if not isinstance(end, Later):
            self._asked_at.pop(item.key)
        return end

    async def _whisper(self, request: Request, text: Text) -> End:
        message = said(text)
        if request.respond_to:
            answer = await self._posting.respond(request.respond_to, message, thread=request.thread)
            if not isinstance(answer, Refused):
                return Sent() if isinstance(answer, Done) else end_of(answer)
        if request.channel is None:
            return Never("there is no place to answer in")
        answer = await self._posting.whisper(request.channel, request.user, message, thread=request.thread)
        return Sent() if isinstance(answer, Done) else end_of(answer)


async def say_in_thread(
    posting: Posting, item: Outgoing, channel: ChannelId, thread: MessageTs, text: Text, *, ticket: Ticket | None = None
) -> End:
    """A note under the message; `CARD_GONE` when that is no longer there."""
    if item.attempts > 1:
        found = await posting.find_reply(channel, thread, _carries(item.key))
        if isinstance(found, Refused) and found.error in THREAD_LOST:
            return CARD_GONE
        if (settled := _settled(found, item.key)) is not None:
            return settled
    message = said(text, metadata=note_metadata(item.key))
    answer = await posting.post(channel, message, thread=thread, keep=_keep(item), ticket=ticket)
    if isinstance(answer, Refused) and answer.error in THREAD_LOST:
        return CARD_GONE
    return Sent() if isinstance(answer, Done) else end_of(answer)


async def say(
    posting: Posting, item: Outgoing, channel: ChannelId, text: Text, *, now: datetime, ticket: Ticket | None = None
) -> End:
    """A message of its own."""
    if item.attempts > 1:
        oldest = now.timestamp() - NOTICE_SECONDS
        found = await posting.find_message(channel, _carries(item.key), oldest=oldest)
        if (settled := _settled(found, item.key)) is not None:
            return settled
    message = said(text, metadata=note_metadata(item.key))
    answer = await posting.post(channel, message, keep=_keep(item), ticket=ticket)
    return Sent() if isinstance(answer, Done) else end_of(answer)


def _keep(item: Outgoing) -> int:
    return KEPT[Urgency.of(item.urgency)]


def _carries(key: str) -> Callable[[Mapping[str, Any]], bool]:
    def wanted(metadata: Mapping[str, Any]) -> bool:
        return metadata.get("event_type") == NOTE_EVENT and (metadata.get("event_payload") or {}).get("key") == key

    return wanted


def _settled(found: MessageTs | Result | None, key: str) -> End | None:
    """Whether looking for an earlier try's message settles the matter; None: post it."""
    match found:
        case None | Done():
            return None
        case str():
            return Sent()
        case Refused(error="missing_scope"):
            # Without the right to look, a rare second message is better than none.
            log.error("slack.cannot_look_for_message", key=key, error=str(found))
            return None
        case _:
            return end_of(found)
