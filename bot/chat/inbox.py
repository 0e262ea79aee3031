"""Working off what people did: each recorded act once, with its answer, however often it has to be tried."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.chat.alert_clicks import act_on_alert, is_about_alerts
from bot.chat.clicks import act
from bot.chat.command import Args, Command, Context, Services
from bot.chat.front import words_of
from bot.chat.parsing import Misread, Understood, read
from bot.chat.silence_clicks import act_on_silence, is_about_silences
from bot.domain.audit import AuditEntry
from bot.domain.incoming import Incoming, IncomingKind, Recorded
from bot.domain.request import Answer
from bot.domain.text import Text
from bot.ports import Clock, ConfigurationInForce, OutsideError, Refused, Unavailable
from bot.ports_store import DoneElsewhere, Store, StoreUnavailable
from bot.services.access import Forbidden
from bot.services.hands import Hands
from bot.services.reconciler import SYSTEMS
from bot.wake import Bells

log = structlog.get_logger(__name__)

AT_ONCE = 16
GIVE_UP_AFTER = timedelta(minutes=10)
LONGEST_NAP = timedelta(seconds=60)
BACK_OFF = (1, 2, 5, 10, 15)


class InboxWorker:
    """Loops until cancelled. An act that is being worked on stays due, so a crash brings it back.

    While the database gives no answer it waits: an act is worked off by the transaction that says so, or not at all.
    """

    def __init__(
        self, store: Store, services: Services, commands: tuple[Command, ...], source: ConfigurationInForce,
        clock: Clock, bells: Bells,
    ) -> None:  # fmt: skip
        self._store, self._services, self._commands, self._source = store, services, commands, source
        self._clock, self._bells = clock, bells
        self._hands = Hands("inbox", bells.inbox, at_once=AT_ONCE)

    async def run(self) -> None:
        await self._hands.run(self.sweep, no_database="inbox.no_database")

    async def rest(self, seconds: float) -> bool:
        """Begin on no further act, and let those end that are under way; False when that takes longer."""
        return await self._hands.rest(seconds)

    async def close(self) -> None:
        await self._hands.close()

    async def sweep(self) -> float:
        """Start on every due act that nobody is at; answers the seconds until there may be more."""
        claimed = await self._store.claims.inbound(self._clock.now(), limit=self._hands.free)
        for recorded in claimed.rows:
            if self._hands.are_resting:  # asked for while it was claimed: somebody else may have it
                await self._store.claims.release(recorded)
                continue
            self._hands.start(self._work(recorded), name=recorded.incoming.kind.value)
        return min(claimed.more_in or LONGEST_NAP, LONGEST_NAP).total_seconds()

    async def _work(self, recorded: Recorded) -> None:
        incoming = recorded.incoming
        async with self._store.claims.working(recorded):
            try:
                answer = await self._answer(recorded)
                if answer is not None:
                    await self._conclude(incoming, answer)
            except StoreUnavailable as error:
                log.warning("interaction.no_database", action=incoming.action, reason=error.reason)
                return
            except DoneElsewhere:
                log.warning("interaction.done_elsewhere", action=incoming.action, user=incoming.user)
                return
        self._bells.outbox.ring()
        log.info(
            "interaction.done", kind=incoming.kind.value, action=incoming.action, user=incoming.user,
            refused=answer.refused if answer else "postponed", attempts=recorded.attempts,
        )  # fmt: skip

    async def _conclude(self, incoming: Incoming, answer: Answer) -> None:
        """Write what the services have not: the answer, and an audit entry when it is a refusal."""
        now = self._clock.now()
        async with self._store.writing() as tx:
            await tx.outbox.answer(incoming.request, answer, now=now)
            if await tx.inbound.finish(incoming.id) and answer.refused is not None:
                await tx.audit.add(self._refused(incoming, answer, now))

    def _refused(self, incoming: Incoming, answer: Answer, now: datetime) -> AuditEntry:
        asked, args = incoming.action.removeprefix("change."), Args()
        if incoming.kind in (IncomingKind.COMMAND, IncomingKind.MENTION):
            understood = read(words_of(incoming, self._source.current), self._commands, self._source.current)
            if isinstance(understood, Understood):
                asked, args = understood.command.name, understood.args
        return AuditEntry(
            at=now, actor=incoming.user, action=f"asked.{asked}", outcome="refused", change=answer.change,
            application=args.get("application"), environment=args.get("environment"), text=answer.text.plain,
            detail={"slug": answer.refused, "request": incoming.id},
        )  # fmt: skip

    async def _answer(self, recorded: Recorded) -> Answer | None:
        """The answer, or None when it was put off."""
        incoming = recorded.incoming
        try:
            if incoming.kind in (IncomingKind.COMMAND, IncomingKind.MENTION):
                return await self._run(incoming)
            if is_about_alerts(incoming.action):
                return await act_on_alert(incoming, self._services, self._source.current.alerts)
            if is_about_silences(incoming.action):
                return await act_on_silence(incoming, self._services, self._source.current.alerts)
            return await act(incoming, self._services)
        except OutsideError as error:
            return await self._put_off(recorded, error)
        except (StoreUnavailable, DoneElsewhere):
            raise
        except Exception:
            log.exception("interaction.crashed", kind=incoming.kind.value, action=incoming.action, user=incoming.user)
            words = "That failed by an error of Tiphys itself; it is in its log. Nothing was half-done: ask again."
            return Answer.refusal("internal", Text.of(words))

    async def _run(self, incoming: Incoming) -> Answer:
        configuration = self._source.current
        understood = read(words_of(incoming, configuration), self._commands, configuration)
        if isinstance(understood, Misread):  # the configuration was reloaded meanwhile
            return Answer.refusal(understood.slug, understood.text)
        args = await self._with_change(understood.args)
        context = Context(
            request=incoming.request, configuration=configuration, services=self._services, commands=self._commands
        )
        command = understood.command
        if command.action is not None:
            permit = await self._services.reports.may(incoming.user, command.action, args.values, args.change)
            if isinstance(permit, Forbidden):
                return Answer.refusal(permit.slug, permit.text, args.change)
        return await command.run(context, args)

    async def _with_change(self, args: Args) -> Args:
        if (name := args.get("change")) is None:
            return args
        found = await self._services.reports.find_change(name)
        return replace(args, change=found.id) if found else args

    async def _put_off(self, recorded: Recorded, error: OutsideError) -> Answer | None:
        """Wait for a system that gives no answer, and say so once; what is a definite no is said at once."""
        system = SYSTEMS.get(error.system, error.system)
        now = self._clock.now()
        if not isinstance(error, Unavailable) or now >= recorded.received_at + GIVE_UP_AFTER:
            way_out = f" {error.way_out}" if isinstance(error, Refused) and error.way_out else ""
            return Answer.refusal("outside", Text.of(f"{system}: {error.reason}.{way_out}"))
        seconds = error.retry_after or BACK_OFF[min(recorded.attempts, len(BACK_OFF)) - 1]
        words = f"Waiting for {system}: {error.reason}. I go on by myself as soon as it answers."
        async with self._store.writing() as tx:
            until = now + timedelta(seconds=min(seconds, 60))
            await tx.inbound.postpone(recorded.incoming.id, until=until, error=str(error))
            answer = Answer.refusal("waiting", Text.of(words))
            await tx.outbox.answer(recorded.incoming.request, answer, now=now, what=":waiting")
        self._bells.outbox.ring()
        return None
