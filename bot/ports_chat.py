"""The protocols between services and the chat: where all that people do is brought, and what waits to be shown."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.domain.card import ChangeCard
from bot.domain.dialog import Dialog
from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack, Incoming
from bot.domain.outgoing import CardPlacement, Outgoing, Pick
from bot.domain.request import Answer


class Front(Protocol):
    """Where the chat adapter brings everything that people do."""

    async def take(self, incoming: Incoming, *, refusal: Answer | None = None) -> Ack:
        """Record it durably with its audit entry, once, and say what to answer at once.

        A repeated delivery gets the first one's answer and has no second effect. Never does slow work. With a
        `refusal` the adapter knows already that it must not be: it is recorded and told so, and nothing else happens.
        """
        ...

    async def look(self, incoming: Incoming) -> Dialog | None:
        """What an open dialog shows once somebody types in it; None: as it is. No act: nothing is recorded of it."""
        ...


class Outbox(Protocol):
    """What waits to be shown, for the one sender."""

    async def claim(self, *, limit: int, pick: Pick) -> list[Outgoing]:
        """Due rows of those classes in nobody's hands, most urgent first, each with its attempt counted before it is
        returned."""
        ...

    def sending(self, item: Outgoing) -> AbstractAsyncContextManager[None]:
        """Send what was claimed in this block; then it is in nobody's hands. Cancelled when it cannot be kept."""
        ...

    async def mark_sent(self, item: Outgoing) -> None:
        """Done; a card that was touched again since it was claimed stays due."""
        ...

    async def postpone(self, item: Outgoing, *, seconds: float, error: str) -> None: ...

    async def give_up(self, item: Outgoing, *, error: str) -> None:
        """Never to be tried again; the row stays, with the error."""
        ...

    async def find_card(self, change: ChangeId) -> ChangeCard | None:
        """The card as it is to be shown now."""
        ...

    async def find_placement(self, change: ChangeId) -> CardPlacement | None: ...

    async def set_placement(self, placement: CardPlacement) -> None: ...

    async def forget_placement(self, change: ChangeId) -> None:
        """The message is gone; the next update posts the card again."""
        ...
