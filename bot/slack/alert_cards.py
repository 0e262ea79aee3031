"""Cards of alert groups, and of the storms that stand for many of them: each stands once and is edited in place."""

import asyncio
from dataclasses import dataclass, replace

from bot.domain.alerts.card import AlertCard
from bot.domain.alerts.group import AlertGroup, AlertGroupId, AlertPlacement
from bot.domain.alerts.severity import Severity
from bot.domain.identity import ChannelId, MessageTs
from bot.domain.outgoing import Outgoing, Urgency
from bot.ports_alerts import AlertOutbox
from bot.slack.blocks.alert_card import alert_card, first_alert_card
from bot.slack.blocks.message import RenderedMessage, alert_metadata, storm_metadata, without_mentions
from bot.slack.blocks.storm_card import storm_card
from bot.slack.ends import End, Never, Sent, Standing
from bot.slack.living import LivingMessage, Place
from bot.slack.pace import KEPT, Ticket
from bot.slack.posting import Posting


class AlertCards:
    """Shows a group's card as it is now. Whoever is to be pinged is pinged by its first message: that of a group which
    fires and which nobody has taken. Edits name people and ping nobody."""

    def __init__(self, outbox: AlertOutbox, posting: Posting) -> None:
        self._outbox, self._posting = outbox, posting

    async def send(self, item: Outgoing, group: AlertGroupId, ticket: Ticket | None, *, in_storm: bool) -> End:
        """`in_storm`: the channel's storm card stands for groups without a card; those that are over need none."""
        card, placement = await asyncio.gather(
            self._outbox.find_alert_card(group), self._outbox.find_alert_placement(group)
        )
        if card is None or card.group.channel is None:
            return Never("there is no such group, or it goes to no channel")
        living = LivingMessage(
            self._posting, _CardMemory(self._outbox, card.group), channel=card.group.channel,
            metadata=alert_metadata(group), since=card.group.opened_at, keep=_keep(item), ticket=ticket,
        )  # fmt: skip
        message = alert_card(replace(card, mentions=()))
        if placement is not None:
            place = Place(channel=placement.channel, ts=MessageTs(placement.ts), digest=placement.digest)
            return await living.bring_up_to_date(place, message, first=without_mentions(message))
        if in_storm and card.group.is_over and card.group.severity is not Severity.CRITICAL and item.attempts == 1:
            return Sent()
        made = await living.ensure(_first(card), may_stand=item.attempts > 1, digest=_digest_if_nameless(message))
        if not isinstance(made, Place):
            return made
        # Names of people, and what changed before it was found again, come with an edit when that has its turn.
        return Sent() if made.digest is not None else Standing()


class StormCards:
    """Shows the storm of a channel as it is now."""

    def __init__(self, outbox: AlertOutbox, posting: Posting) -> None:
        self._outbox, self._posting = outbox, posting

    async def send(self, item: Outgoing, channel: ChannelId, ticket: Ticket | None) -> End:
        found = await self._outbox.find_storm(channel)
        if found is None:
            return Never("there is no storm in this channel")
        row, storm = found
        living = LivingMessage(
            self._posting, _StormMemory(self._outbox, row.id), channel=channel,
            metadata=storm_metadata(channel, storm.since), since=storm.since, keep=_keep(item),
            ticket=ticket,
        )  # fmt: skip
        message = storm_card(storm)
        if row.ts is None:
            made = await living.ensure(message, may_stand=item.attempts > 1, digest=message.digest)
            if not isinstance(made, Place) or made.digest is not None:
                return Sent() if isinstance(made, Place) else made
            place = made
        else:
            place = Place(channel=channel, ts=MessageTs(row.ts), digest=row.digest)
        return await living.bring_up_to_date(place, message, first=message)


def _first(card: AlertCard) -> RenderedMessage:
    group = card.group
    is_taken = group.acknowledged is not None or group.assigned_to is not None
    return first_alert_card(replace(card, mentions=()) if is_taken or group.is_over else card)


def _digest_if_nameless(message: RenderedMessage) -> str | None:
    """What a first message shows of everybody but those whom it pings is plain; where it speaks of nobody else, it
    needs no edit."""
    return message.digest if without_mentions(message).digest == message.digest else None


def _keep(item: Outgoing) -> int:
    return KEPT[Urgency.of(item.urgency)]


@dataclass(frozen=True, slots=True)
class _CardMemory:
    outbox: AlertOutbox
    group: AlertGroup

    async def remember(self, place: Place) -> None:
        await self.outbox.set_alert_placement(
            AlertPlacement(group=self.group.id, channel=place.channel, ts=place.ts, digest=place.digest)
        )

    async def forget(self) -> None:
        await self.outbox.forget_alert_placement(self.group.id)


@dataclass(frozen=True, slots=True)
class _StormMemory:
    outbox: AlertOutbox
    storm: str

    async def remember(self, place: Place) -> None:
        await self.outbox.set_storm_placement(self.storm, ts=place.ts, digest=place.digest)

    async def forget(self) -> None:
        await self.outbox.set_storm_placement(self.storm, ts=None, digest=None)
