"""The second sender: takes alerts to Slack as fast as its budgets allow, and leaves a share of each to what people
wait for.

A row is claimed only when there is a token for it, the most urgent of those first, and rendered from the newest state
then: whatever waits, waits in the outbox, where it coalesces.
"""

import structlog

from bot.domain.identity import MessageTs
from bot.domain.outgoing import Outgoing, OutgoingKind, Pick, Urgency
from bot.meter import SILENT, Meter
from bot.ports import Clock
from bot.ports_alerts import AlertOutbox, Weather
from bot.ports_store import StoreUnavailable
from bot.slack.activity import Activity
from bot.slack.alert_cards import AlertCards, StormCards
from bot.slack.ends import End, Later, Never
from bot.slack.outcomes import Outcomes
from bot.slack.pace import KEPT, Bucket, Pace, Ticket
from bot.slack.posting import Posting
from bot.slack.saying import say, say_in_thread
from bot.tasks import TaskSet
from bot.wake import Bell

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1.0
AT_ONCE = 4
"""How many calls are under way at a time."""
MOST_NOTE_FAILURES = 20


class AlertSender:
    """`run` goes on for ever; `close` lets what is on its way arrive, then stops. What was in hand when a process died
    is looked for in Slack before it is posted again."""

    def __init__(
        self, outbox: AlertOutbox, posting: Posting, clock: Clock, bell: Bell, *, meter: Meter = SILENT
    ) -> None:
        self._outbox, self._posting, self._clock, self._bell = outbox, posting, clock, bell
        self._pace: Pace = posting.pace
        self._cards, self._storms = AlertCards(outbox, posting), StormCards(outbox, posting)
        self._outcomes = Outcomes(outbox, meter)
        self._tasks = TaskSet("slack.alerts")
        self._activity = Activity()
        self._in_hand = 0
        self._closing = False

    async def run(self) -> None:
        while not self._closing:
            started = False
            try:
                started = await self.start_next()
            except StoreUnavailable as error:
                log.warning("slack.no_database", reason=error.reason)
            except Exception:
                log.exception("slack.outbox_unreadable")
            if not started:
                await self._bell.wait(self._patience())

    async def start_next(self) -> bool:
        """Take the most urgent row in hand that the budgets allow; False when there is none, or no hand free."""
        if not self._outbox.is_ours or self._in_hand >= AT_ONCE:
            return False
        weather = await self._outbox.weather(self._pace.budget)
        for item in await self._outbox.claim(limit=1, pick=self._pick(weather)):
            ticket = self._ticket(item)
            self._in_hand += 1
            self._tasks.start(self._handle(item, ticket, weather), name=item.key).add_done_callback(self._ended)
            return True
        return False

    async def close(self, *, patience: float = 3.0) -> None:
        self._closing = True
        self._bell.ring()
        if not await self._activity.rest(patience):
            log.warning("slack.sender_interrupted", in_hand=self._in_hand)
        await self._tasks.close()

    def _pick(self, weather: Weather) -> Pick:
        closed = self._pace.closed_channels(Urgency.ALERT_NEW)
        classes = {
            Urgency.ALERT_NEW_CRITICAL: closed, Urgency.ALERT_NEW: closed | weather.raging, Urgency.ALERT_NOTE: closed,
            Urgency.DIGEST: self._pace.closed_channels(Urgency.DIGEST),
        }  # fmt: skip
        updates = (Urgency.STORM, Urgency.ALERT_FINAL, Urgency.ALERT_EDIT)
        classes |= {urgency: frozenset() for urgency in updates if self._pace.is_open(urgency)}
        return Pick(classes=classes)

    def _ticket(self, item: Outgoing) -> Ticket | None:
        """The token that the pick saw; None where another call was faster meanwhile."""
        urgency = Urgency.of(item.urgency)
        if item.channel is None:
            return None
        bucket: Bucket = self._pace.bucket_of(urgency, item.channel)
        return Ticket(bucket) if bucket.take_now(keep=KEPT[urgency]) else None

    def _patience(self) -> float:
        """Until a budget has a token again that it has not now; a ring says that there is something new."""
        soon = self._pace.next_token(Urgency.ALERT_EDIT)
        look = self._pace.budget.look_every.total_seconds()
        return min(IDLE_SECONDS, look, soon or IDLE_SECONDS)

    def _ended(self, _task: object) -> None:
        self._in_hand -= 1
        self._bell.ring()

    async def _handle(self, item: Outgoing, ticket: Ticket | None, weather: Weather) -> None:
        with self._activity.one_more(), self._bell.work():
            try:
                async with self._outbox.sending(item):
                    most = MOST_NOTE_FAILURES if item.kind is OutgoingKind.ALERT_NOTE else None
                    await self._outcomes.record(item, await self._try(item, ticket, weather), most_failures=most)
            except StoreUnavailable as error:  # it stays due; what may have been sent is looked for before the next try
                log.warning("slack.no_database", key=item.key, reason=error.reason)
            finally:
                if ticket is not None:
                    ticket.hand_back()

    async def _try(self, item: Outgoing, ticket: Ticket | None, weather: Weather) -> End:
        try:
            return await self._send(item, ticket, weather)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("slack.send_failed", key=item.key)
            return Later(f"{type(error).__name__}: {error}"[:200])

    async def _send(self, item: Outgoing, ticket: Ticket | None, weather: Weather) -> End:
        match item.kind:
            case OutgoingKind.ALERT if item.group is not None:
                return await self._cards.send(item, item.group, ticket, in_storm=item.channel in weather.stormy)
            case OutgoingKind.STORM if item.channel is not None:
                return await self._storms.send(item, item.channel, ticket)
            case OutgoingKind.ALERT_NOTE if item.group is not None:
                return await self._note(item, ticket)
            case OutgoingKind.DIGEST if item.channel is not None and item.text is not None:
                return await say(
                    self._posting, item, item.channel, item.text, now=self._clock.now(), ticket=ticket
                )  # fmt: skip
            case _:
                return Never("the row does not say what to show where")

    async def _note(self, item: Outgoing, ticket: Ticket | None) -> End:
        """In the thread of the group's card. Where that is gone it waits for the card that takes its place: whose first
        message pings nobody, as long as it is known that there was one before."""
        if item.group is None or item.text is None:
            return Never("the row does not say what to show where")
        placement = await self._outbox.find_alert_placement(item.group)
        if placement is None:
            return Later("its card does not stand yet")
        thread = MessageTs(placement.ts)
        return await say_in_thread(self._posting, item, placement.channel, thread, item.text, ticket=ticket)
