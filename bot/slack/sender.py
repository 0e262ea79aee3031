"""The one sender: takes what waits in the outbox to Slack, most urgent first, and never repeats an effect blindly."""

import asyncio

import structlog

from bot.domain.outgoing import ABOUT_CHANGES, Outgoing, OutgoingKind, Pick
from bot.meter import SILENT, Meter
from bot.ports import Clock
from bot.ports_chat import Outbox
from bot.ports_store import StoreUnavailable
from bot.slack.activity import Activity
from bot.slack.cards import Cards
from bot.slack.ends import End, Later, Never
from bot.slack.outcomes import Outcomes
from bot.slack.posting import Posting
from bot.slack.saying import Sayings
from bot.tasks import TaskSet
from bot.wake import Bell

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1.0
AT_ONCE = 20
MINE = Pick.of(*ABOUT_CHANGES)
"""Alerts come at their own pace: see `bot.slack.alert_sender`."""
MOST_NOTE_FAILURES = 3_000
"""About a day of waiting for a card that cannot be posted."""


class Sender:
    """`run` goes on for ever; `close` lets what is on its way arrive, then stops.

    Rows in hand stay due in the outbox until their end is known: a crash loses nothing, and after it everything that
    creates a message is looked for before it is created. Rows of one lane go one after the other.
    """

    def __init__(self, outbox: Outbox, posting: Posting, clock: Clock, bell: Bell, *, meter: Meter = SILENT) -> None:
        self._outbox, self._bell = outbox, bell
        self._cards, self._sayings = Cards(outbox, posting), Sayings(outbox, posting, clock)
        self._tasks = TaskSet("slack.sender")
        self._in_hand = 0
        self._lanes: dict[str, asyncio.Lock] = {}
        self._outcomes = Outcomes(outbox, meter)
        self._activity = Activity()
        self._closing = False

    async def run(self) -> None:
        while not self._closing:
            try:
                await self.start_due()
            except StoreUnavailable as error:
                log.warning("slack.no_database", reason=error.reason)
            except Exception:
                log.exception("slack.outbox_unreadable")
            await self._bell.wait(IDLE_SECONDS)

    async def start_due(self) -> int:
        """Take in hand what is due and not yet in hand; answers how many that was."""
        rows = await self._outbox.claim(limit=AT_ONCE, pick=MINE)
        for row in rows:
            self._in_hand += 1
            self._tasks.start(self._handle(row), name=row.key).add_done_callback(self._ended)
        return len(rows)

    def _ended(self, _task: object) -> None:
        self._in_hand -= 1
        if not self._in_hand:
            self._lanes.clear()
        self._bell.ring()  # it may have been touched again meanwhile

    async def flush(self, seconds: float) -> bool:
        """Show all that is due now; False when that takes longer. What Slack puts off until later is not waited for."""
        try:
            async with asyncio.timeout(seconds):
                while await self.start_due() or self._in_hand:
                    await self._tasks.rest(seconds)
        except TimeoutError:
            return False
        except StoreUnavailable as error:
            log.warning("slack.no_database", reason=error.reason)
            return False
        except Exception:
            log.exception("slack.outbox_unreadable")
            return False
        return True

    async def close(self, *, patience: float = 3.0) -> None:
        self._closing = True
        self._bell.ring()
        if not await self._activity.rest(patience):
            log.warning("slack.sender_interrupted", in_hand=self._in_hand)
        await self._tasks.close()

    async def _handle(self, item: Outgoing) -> None:
        with self._activity.one_more(), self._bell.work():
            try:
                async with self._outbox.sending(item), self._lane(_lane(item)):
                    if item.kind is OutgoingKind.NOTE:
                        async with self._lane(_card_lane(item)):  # a card that is on its way stands first
                            pass
                    most = MOST_NOTE_FAILURES if item.kind is OutgoingKind.NOTE else None
                    await self._outcomes.record(item, await self._try(item), most_failures=most)
            except StoreUnavailable as error:  # it stays due; what may have been sent is looked for before the next try
                log.warning("slack.no_database", key=item.key, reason=error.reason)

    def _lane(self, name: str) -> asyncio.Lock:
        return self._lanes.setdefault(name, asyncio.Lock())

    async def _try(self, item: Outgoing) -> End:
        try:
            return await self._send(item)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("slack.send_failed", key=item.key)
            return Later(f"{type(error).__name__}: {error}"[:200])

    async def _send(self, item: Outgoing) -> End:
        match item.kind:
            case OutgoingKind.CARD if item.change is not None:
                return await self._cards.send(item, item.change)
            case OutgoingKind.NOTE if item.change is not None and item.text is not None:
                return await self._sayings.note(item, item.change, item.text)
            case OutgoingKind.NOTICE if item.channel is not None and item.text is not None:
                return await self._sayings.notice(item, item.channel, item.text)
            case OutgoingKind.ANSWER if item.request is not None and item.text is not None:
                return await self._sayings.answer(item, item.request, item.text)
            case _:
                return Never("the row does not say what to show where")


def _lane(item: Outgoing) -> str:
    """What must go one after the other here: a card, the notes of a card, the notices of a channel.

    A card does not wait for its notes: those go at the pace of posts, about one a second in a channel. But both are in
    the same process's hands, as `Outgoing.lane` says.
    """
    match item.kind:
        case OutgoingKind.CARD:
            return _card_lane(item)
        case OutgoingKind.NOTE:
            return f"notes:{item.change}"
        case OutgoingKind.NOTICE:
            return f"channel:{item.channel}"
        case _:
            return item.lane


def _card_lane(item: Outgoing) -> str:
    return f"card:{item.change}"
