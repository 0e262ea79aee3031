"""Where everything that people do arrives: recorded once with its audit entry, then answered at once."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime

from bot.chat.alert_clicks import group_of, is_about_alerts, unknown_alert_button
from bot.chat.alert_dialogs import ALERT_DIALOGS, alert_dialog, counted_again
from bot.chat.clicks import Clicked, clicked_on, unknown_button
from bot.chat.command import Command, Services
from bot.chat.parsing import Misread, Understood, read
from bot.chat.silence_clicks import is_about_silences, is_added, unknown_silence_button
from bot.chat.silence_dialogs import add_dialog, extend_dialog, faults_of_added, faults_of_extension
from bot.domain.alerts.card import AlertAction
from bot.domain.alerts.silence import SilenceAction, read_ref
from bot.domain.alerts.wish import read_wish
from bot.domain.audit import AuditEntry
from bot.domain.card import CardAction
from bot.domain.change import Change
from bot.domain.content_key import FINGERPRINT_PREFIX
from bot.domain.dialog import ApproveDialog, DetailsDialog, Dialog, DiffDialog, ReasonDialog
from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.domain.pipeline import Configuration, Stage
from bot.domain.request import Answer
from bot.domain.text import Text
from bot.ports import Clock, ConfigurationInForce
from bot.ports_store import Store
from bot.services.access import Action, Forbidden
from bot.services.deciding import no_such_change
from bot.wake import Bells

DIALOG_SECONDS = 1.5
"""How long a dialog may take to be made: Slack gives three seconds to open it."""

DIALOGS = {
    CardAction.REJECT: Action.REJECT,
    CardAction.DETAILS: Action.GET,
    CardAction.DIFF: Action.GET,
}
"""Buttons that open a dialog, and the right that it takes to see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What is known at once: the ack, and the answer if nothing is left to do."""

    ack: Ack
    answer: Answer | None = None
    change: ChangeId | None = None  # what a dialog is about


class ChatFront:
    """Implements `bot.ports_chat.Front`."""

    def __init__(
        self, store: Store, services: Services, commands: tuple[Command, ...], source: ConfigurationInForce,
        clock: Clock, bells: Bells,
    ) -> None:  # fmt: skip
        self._store, self._services, self._commands, self._source = store, services, commands, source
        self._clock, self._bells = clock, bells

    async def take(self, incoming: Incoming, *, refusal: Answer | None = None) -> Ack:
        settled = _refused(incoming, refusal) if refusal else await self._settle(incoming)
        is_done = settled.answer is not None or settled.ack.dialog is not None
        known = await self._store.record(
            incoming, settled.ack, _entry(incoming, settled, self._clock.now()), done=is_done,
            answer=settled.answer if settled.ack.text is None else None,
            touch=settled.change,  # whoever names a change sees its card again
        )  # fmt: skip
        if known is not None:
            return known
        (self._bells.outbox if is_done else self._bells.inbox).ring()
        return settled.ack

    async def look(self, incoming: Incoming) -> Dialog | None:
        """What an open dialog shows once somebody has typed in it; None leaves it as it is. Nothing is recorded."""
        try:
            async with asyncio.timeout(DIALOG_SECONDS):
                shown = await self._looked_at(incoming)
        except TimeoutError:
            return None
        return None if isinstance(shown, Answer) else shown

    async def _looked_at(self, incoming: Incoming) -> Dialog | Answer:
        services, policy = self._services, self._source.current.alerts
        if is_added(incoming):
            return await add_dialog(incoming, services, policy, incoming.fields)
        if read_ref(incoming.value) is not None:
            return await extend_dialog(incoming, services, policy, self._clock.now(), is_open=True)
        return await counted_again(incoming, services, policy)

    async def _settle(self, incoming: Incoming) -> Settled:
        """What can be said without slow work: misreadings, and dialogs."""
        match incoming.kind:
            case IncomingKind.COMMAND | IncomingKind.MENTION:
                return await self._command(incoming)
            case IncomingKind.CLICK:
                return await self._click(incoming)
            case IncomingKind.SUBMISSION:
                return self._submission(incoming)

    async def _command(self, incoming: Incoming) -> Settled:
        understood = read(words_of(incoming, self._source.current), self._commands, self._source.current)
        if isinstance(understood, Misread):
            return _refused(incoming, Answer.refusal(understood.slug, understood.text))
        if incoming.kind is IncomingKind.COMMAND and _wants_summary(understood):
            return await self._dialog(
                incoming, Clicked(change=None, name=understood.args["change"]), CardAction.APPROVE
            )
        if incoming.kind is IncomingKind.COMMAND and _wants_silence_dialog(understood):
            return await self._opened(incoming, add_dialog(incoming, self._services, self._source.current.alerts))
        return Settled(ack=Ack())

    async def _click(self, incoming: Incoming) -> Settled:
        if is_about_silences(incoming.action):
            return await self._silence_click(incoming, SilenceAction(incoming.action))
        if is_about_alerts(incoming.action):
            return await self._alert_click(incoming, AlertAction(incoming.action))
        clicked = clicked_on(incoming)
        if clicked is None or incoming.action not in {action.value for action in CardAction}:
            return _refused(incoming, unknown_button())
        action = CardAction(incoming.action)
        if action in DIALOGS:
            return await self._dialog(incoming, clicked, action)
        return Settled(ack=Ack())

    async def _alert_click(self, incoming: Incoming, action: AlertAction) -> Settled:
        if (group := group_of(incoming)) is None:
            return _refused(incoming, unknown_alert_button())
        if action is AlertAction.CHANGE:
            found = await self._services.alert_acts.find(group)
            if found is None or found.change is None:
                return _refused(incoming, unknown_alert_button())
            change = found.change.id
            return await self._dialog(incoming, Clicked(name=change, change=change), CardAction.DETAILS)
        if action not in ALERT_DIALOGS:
            return Settled(ack=Ack())
        return await self._opened(incoming, alert_dialog(incoming, self._services, self._source.current.alerts))

    async def _silence_click(self, incoming: Incoming, action: SilenceAction) -> Settled:
        if read_ref(incoming.value) is None:
            return _refused(incoming, unknown_silence_button())
        if action is not SilenceAction.EXTEND:
            return Settled(ack=Ack())
        policy = self._source.current.alerts
        return await self._opened(incoming, extend_dialog(incoming, self._services, policy, self._clock.now()))

    async def _opened(self, incoming: Incoming, making: Awaitable[Dialog | Answer]) -> Settled:
        try:
            async with asyncio.timeout(DIALOG_SECONDS):
                made = await making
        except TimeoutError:
            return _refused(incoming, _too_slow())
        return _refused(incoming, made) if isinstance(made, Answer) else Settled(ack=Ack(dialog=made))

    def _submission(self, incoming: Incoming) -> Settled:
        if incoming.action == CardAction.REJECT.value and not incoming.fields.get("reason", "").strip():
            ack = Ack(errors={"reason": "Say why, so that everybody can read it."})
            return Settled(ack=ack, answer=Answer.refusal("no-reason", Text()))
        if incoming.action == AlertAction.SILENCE.value:
            wish = read_wish(incoming.fields, self._source.current.alerts)
            if isinstance(wish, dict):
                return Settled(ack=Ack(errors=wish), answer=Answer.refusal("bad-silence", Text()))
        if faults := self._faults_of_silence(incoming):
            return Settled(ack=Ack(errors=faults), answer=Answer.refusal("bad-silence", Text()))
        return Settled(ack=Ack())

    def _faults_of_silence(self, incoming: Incoming) -> dict[str, str]:
        if incoming.action == SilenceAction.ADD.value:
            return faults_of_added(incoming, self._source.current.alerts)
        if incoming.action == SilenceAction.EXTEND.value:
            return faults_of_extension(incoming, self._source.current.alerts, self._clock.now())
        return {}

    async def _dialog(self, incoming: Incoming, clicked: Clicked, action: CardAction) -> Settled:
        try:
            async with asyncio.timeout(DIALOG_SECONDS):
                return await self._make_dialog(incoming, clicked, action)
        except TimeoutError:
            return Settled(ack=Ack(), answer=_too_slow())

    async def _make_dialog(self, incoming: Incoming, clicked: Clicked, action: CardAction) -> Settled:
        reports = self._services.reports
        change = await reports.find_change(clicked.name)
        if change is None:
            return _refused(incoming, no_such_change(clicked.name))
        stage = self._source.current.find_stage(change.application, change.environment)
        if stage is None and action is not CardAction.DETAILS:  # its card offers these, to whoever may look at all
            gone = Text.of(f"{change.title} is no longer in tiphys.yaml.")
            return _refused(incoming, Answer.refusal("no-such-stage", gone, change.id))
        if (refusal := await self._refusal(incoming, change, stage, action)) is not None:
            return _refused(incoming, refusal)
        return Settled(ack=Ack(dialog=await self._dialog_of(change, action)), change=change.id)

    async def _refusal(
        self, incoming: Incoming, change: Change, stage: Stage | None, action: CardAction
    ) -> Answer | None:
        if action is CardAction.APPROVE:
            return await self._services.decisions.refusal_to_approve(incoming.request, change)
        permit = await self._services.access.permit(
            incoming.user, DIALOGS[action], stage, requester=change.requested_by
        )
        if isinstance(permit, Forbidden):
            return Answer.refusal(permit.slug, permit.text, change.id)
        if change.is_over and action is CardAction.REJECT:
            words = f"It is over: #{change.number} is {change.standing}."
            return Answer.refusal("finished", Text.of(words), change.id)
        return None

    async def _dialog_of(self, change: Change, action: CardAction) -> Dialog:
        card = await self._services.reports.card(change)
        match action:
            case CardAction.REJECT:
                explanation = Text.of(f"{change.title} (#{change.number}) ends when you reject it.")
                return ReasonDialog(
                    change=change.id, fingerprint=change.fingerprint or "", title=f"Reject #{change.number}",
                    explanation=explanation,
                )  # fmt: skip
            case CardAction.DIFF:
                return DiffDialog(card=card, diff=change.proposal.diff if change.proposal else "")
            case CardAction.APPROVE:
                return ApproveDialog(card=card, fingerprint=change.fingerprint or "")
            case _:
                return DetailsDialog(card=card, history=await self._services.reports.history(change.id))


def words_of(incoming: Incoming, configuration: Configuration) -> str:
    """The words of a command or mention, verb first, whatever form it came in."""
    if incoming.kind is IncomingKind.MENTION:
        return incoming.text
    name = incoming.action.removeprefix(configuration.slack.command_prefix)
    return incoming.text if name == "gitops" else f"{name} {incoming.text}"


def _wants_summary(understood: Understood) -> bool:
    """`approve <change>` alone: the summary opens, and its confirmation names the fingerprint."""
    given = understood.args.get("fingerprint") or ""
    return understood.command.name == "approve" and len(given) < FINGERPRINT_PREFIX


def _wants_silence_dialog(understood: Understood) -> bool:
    """`silence add` alone: the dialog asks for the rest."""
    args = understood.args
    return understood.command.name == "silence" and args.get("what") == "add" and not args.get("which")


def _too_slow() -> Answer:
    words = "I could not verify your rights in time. Press again in a moment."
    return Answer.refusal("cannot-verify", Text.of(words))


def _refused(incoming: Incoming, answer: Answer) -> Settled:
    return Settled(ack=Ack(text=answer.text if incoming.kind is IncomingKind.COMMAND else None), answer=answer)


def _entry(incoming: Incoming, settled: Settled, now: datetime) -> AuditEntry:
    refused = settled.answer.refused if settled.answer else None
    words = f"{incoming.action} {incoming.text or incoming.value}".strip()
    return AuditEntry(
        at=now, actor=incoming.user, action=f"received.{incoming.kind.value}",
        outcome="refused" if refused else "done", change=settled.answer.change if settled.answer else None,
        text=words[:500], detail={"slug": refused, "request": incoming.id, "channel": incoming.channel},
    )  # fmt: skip
