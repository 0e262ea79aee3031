"""Cards of changes: each stands once, is found again after a crash, and is updated in place."""

import asyncio
from dataclasses import dataclass

from bot.domain.identity import ChangeId
from bot.domain.outgoing import CardPlacement, Outgoing
from bot.ports_chat import Outbox
from bot.slack.blocks.change_card import change_card
from bot.slack.blocks.message import change_metadata, without_mentions
from bot.slack.ends import End, Never
from bot.slack.living import LivingMessage, Place
from bot.slack.posting import Posting


class Cards:
    """Shows the card of a change as it is now. It is posted without mentions: a card pings nobody, and the update that
    follows does not notify."""

    def __init__(self, outbox: Outbox, posting: Posting) -> None:
        self._outbox, self._posting = outbox, posting

    async def send(self, item: Outgoing, change: ChangeId) -> End:
        card, placement = await asyncio.gather(self._outbox.find_card(change), self._outbox.find_placement(change))
        if card is None:
            return Never("there is no such change")
        living = LivingMessage(
            self._posting, _Memory(self._outbox, change), channel=card.change.channel,
            metadata=change_metadata(change), since=card.change.requested_at,
        )  # fmt: skip
        if placement is None:
            first = without_mentions(change_card(card))
            place = await living.ensure(first, may_stand=_may_stand_already(item), digest=first.digest)
            if not isinstance(place, Place):
                return place
            card = await self._outbox.find_card(change) or card
        else:
            place = Place(channel=placement.channel, ts=placement.ts, digest=placement.digest)
        message = change_card(card)
        return await living.bring_up_to_date(place, message, first=without_mentions(message), looks=True)


@dataclass(frozen=True, slots=True)
class _Memory:
    outbox: Outbox
    change: ChangeId

    async def remember(self, place: Place) -> None:
        await self.outbox.set_placement(
            CardPlacement(change=self.change, channel=place.channel, ts=place.ts, digest=place.digest)
        )

    async def forget(self) -> None:
        await self.outbox.forget_placement(self.change)


def _may_stand_already(item: Outgoing) -> bool:
    """Only the very first try of the very first version knows that nothing was posted before it: every touch begins to
    count the attempts anew."""
    return item.attempts > 1 or item.version > 1
