"""Cards: each stands once, is found again after a crash, and is updated in place."""

import asyncio
from dataclasses import replace

import structlog

from bot.domain.card import ChangeCard
from bot.domain.change import Change
from bot.domain.identity import ChangeId, MessageTs
from bot.domain.outgoing import CardPlacement, Outgoing
from bot.ports import Outbox
from bot.slack.blocks.change_card import change_card
from bot.slack.blocks.message import CHANGE_EVENT, without_mentions
from bot.slack.calls import Done, Refused
from bot.slack.ends import End, Never, Sent, end_of
from bot.slack.posting import Posting

log = structlog.get_logger(__name__)

CLOCK_SKEW_SECONDS = 600
LOST = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""The card that we knew is no longer ours to update: another one takes its place."""


class Cards:
    """Shows the card of a change as it is now."""

    def __init__(self, outbox: Outbox, posting: Posting) -> None:
        self._outbox, self._posting = outbox, posting

    async def send(self, item: Outgoing, change: ChangeId) -> End:
        card, placement = await asyncio.gather(self._outbox.find_card(change), self._outbox.find_placement(change))
        if card is None:
            return Never("there is no such change")
        if placement is None:
            found = await self._ensure_posted(item, card)
            if not isinstance(found, CardPlacement):
                return found
            placement, card = found, await self._outbox.find_card(change) or card
        return await self._bring_up_to_date(placement, card)

    async def _ensure_posted(self, item: Outgoing, card: ChangeCard) -> CardPlacement | End:
        if _may_stand_already(item):
            found = await self._find(card.change)
            if isinstance(found, CardPlacement):
                await self._outbox.set_placement(found)
                return found
            if found is not None:
                return found
        return await self._post(card)

    async def _find(self, change: Change) -> CardPlacement | End | None:
        """The card that an earlier try may have posted without our learning of it."""
        oldest = change.requested_at.timestamp() - CLOCK_SKEW_SECONDS
        found = await self._posting.find_message(
            change.channel,
            lambda metadata: (
                metadata.get("event_type") == CHANGE_EVENT
                and (metadata.get("event_payload") or {}).get("change") == change.id
            ),
            oldest=oldest,
        )
        match found:
            case None | Done():
                return None
            case str():
                return CardPlacement(change=change.id, channel=change.channel, ts=MessageTs(found), digest=None)
            case Refused(error="missing_scope"):
                # Without the right to look, a rare second card is better than none.
                log.error("slack.cannot_look_for_card", change=change.id, error=str(found))
                return None
            case _:
                return end_of(found)

    async def _post(self, card: ChangeCard) -> CardPlacement | End:
        """Post it without mentions: a card pings nobody, and the update that follows does not notify."""
        change = card.change
        message = without_mentions(change_card(card))
        answer = await self._posting.post(change.channel, message, urgent=True)
        if not isinstance(answer, Done):
            return end_of(answer)
        ts = MessageTs(answer.data["ts"])
        placement = CardPlacement(change=change.id, channel=change.channel, ts=ts, digest=message.digest)
        await self._outbox.set_placement(placement)
        return placement

    async def _bring_up_to_date(self, placement: CardPlacement, card: ChangeCard, *, just_posted: bool = False) -> End:
        message = change_card(card)
        if message.digest == placement.digest:
            # Touched without a visible change: somebody named it, perhaps because it is no longer there.
            if just_posted or not await self._posting.is_gone(placement.channel, placement.ts):
                return Sent()
            return await self._post_instead(card, "deleted")
        answer = await self._posting.update(placement.channel, placement.ts, message)
        match answer:
            case Done():
                await self._outbox.set_placement(replace(placement, digest=message.digest))
                return Sent()
            case Refused(error=error) if error in LOST and not just_posted:
                return await self._post_instead(card, error)
            case _:
                return end_of(answer)

    async def _post_instead(self, card: ChangeCard, why: str) -> End:
        """Another card in the place of one that is gone for good."""
        log.info("slack.card_lost", change=card.change.id, why=why)
        await self._outbox.forget_placement(card.change.id)
        posted = await self._post(card)
        return (
            await self._bring_up_to_date(posted, card, just_posted=True)
            if isinstance(posted, CardPlacement)
            else posted
        )


def _may_stand_already(item: Outgoing) -> bool:
    """Only the very first try of the very first version knows that nothing was posted before it."""
    return item.attempts > 1 or item.version > 1
