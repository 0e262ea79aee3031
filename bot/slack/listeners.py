"""What people do in Slack, brought to the front, and its answer given inside Slack's three seconds.

An acknowledgement leaves only after `Front.take` has committed. When it cannot record, the asker is told so (an event
is not acknowledged at all then: Slack delivers it again). What cannot be read is answered 400, which over Socket Mode
is no acknowledgement either.
"""

import asyncio
import re
import time
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.alerts.dialog import LOOKS
from bot.domain.dialog import Dialog
from bot.domain.incoming import Ack, Incoming
from bot.domain.request import Answer
from bot.domain.text import Code, Text, marked
from bot.meter import SILENT, Meter
from bot.ports_chat import Front
from bot.ports_store import StoreUnavailable
from bot.slack import incoming as read
from bot.slack.activity import Activity
from bot.slack.app import Identity
from bot.slack.blocks.dialogs import view
from bot.slack.blocks.message import said
from bot.slack.blocks.modal import Origin
from bot.slack.calls import Done, Refused, call
from bot.slack.posting import Posting
from bot.slack.short_way import ShortWay
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)

NOT_RECORDED = Text.of(
    "That could not be recorded, so nothing has happened. Try again in a moment; if it stays like this, tell whoever "
    "runs Tiphys here."
)
FOREIGN = Answer.refusal(
    "foreign-workspace", Text.of("Tiphys takes orders only from the workspace that it is installed in.")
)
TOO_LATE = Text.of("Slack did not let me open the dialog in time. Nothing has happened: press or type it again.")
NEEDS_COMMAND = Text.of("This opens a dialog, and Slack opens those only for commands and buttons: use ",
                        Code("/gitops"), " or the button on the card.")  # fmt: skip
PAUSE_SECONDS = 0.3
CATCH_ALL = re.compile(r"")


class NotRecorded(Exception):
    """An event that could not be recorded, and that Slack is to deliver again."""


class Listeners:
    """`register` once; `close` lets dialogs and whispers under way arrive."""

    def __init__(
        self, front: Front, client: AsyncWebClient, posting: Posting, identity: Identity,
        *, home_workspace_only: bool = True, meter: Meter = SILENT,
    ) -> None:  # fmt: skip
        self._meter = meter
        self._front, self._client, self._posting, self._identity = front, client, posting, identity
        self._home_only = home_workspace_only
        self._tasks = TaskSet("slack.listeners")
        self._activity = Activity()
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._log = log.bind()  # once: to find the logger anew takes longer than to read a command

    def register(self, app: ShortWay) -> None:
        app.answer_commands(self._on_command, self._on_error)
        app.event("app_mention")(self._on_mention)
        app.event(CATCH_ALL)(self._on_other_event)
        app.action(CATCH_ALL)(self._on_click)
        app.view(CATCH_ALL)(self._on_submission)
        app.error(self._on_error)

    async def rest(self, seconds: float) -> bool:
        """Wait until nothing is being taken, opened or whispered; False when that takes longer."""
        return await self._activity.rest(seconds)

    async def close(self, *, patience: float = 2.0) -> None:
        if not await self.rest(patience):
            log.warning("slack.listeners_interrupted")
        await self._tasks.close()

    async def _on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        incoming = read.command(body)
        answer = await self._take(incoming, body)
        if answer.text is not None:
            message = said(answer.text)
            await ack(text=message.text, blocks=message.blocks, response_type="ephemeral")
        else:
            await ack()
        self._open(answer.dialog, incoming, body)

    async def _on_mention(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        incoming = read.mention(body, self._identity.user_id)
        if incoming is not None:
            answer = await self._take(incoming, body, is_event=True)
            self._whisper(incoming, answer.text or (NEEDS_COMMAND if answer.dialog else None))
        await ack()

    async def _on_click(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        incoming = read.click(body)
        if incoming is not None and incoming.action in LOOKS:
            self._look(incoming, body)
        elif incoming is not None:
            answer = await self._take(incoming, body)
            self._open(answer.dialog, incoming, body)
            self._whisper(incoming, answer.text)
        await ack()

    async def _on_submission(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        incoming = read.submission(body)
        answer = await self._take(incoming, body)
        if answer.errors:
            # Slack shows plain text there.
            errors = {field: marked(words).plain for field, words in answer.errors.items()}
            await ack(response_action="errors", errors=errors)
        elif answer.dialog is not None:
            await ack(response_action="update", view=view(answer.dialog, _origin(incoming)))
        else:
            await ack()
        self._whisper(incoming, answer.text)

    async def _on_other_event(self, ack: AsyncAck) -> None:
        """Nothing that we asked for; acknowledged, so that it does not come again."""
        await ack()

    async def _on_error(self, error: Exception) -> BoltResponse:
        if isinstance(error, NotRecorded):
            return BoltResponse(status=500)
        # The error of a payload that neither we nor the SDK can read; its text may quote what is in there.
        what = str(error) if isinstance(error, read.Unreadable) else ""
        log.error("slack.unreadable", error=type(error).__name__, what=what)
        return BoltResponse(status=400)

    async def _take(self, incoming: Incoming, body: dict[str, Any], *, is_event: bool = False) -> Ack:
        began = time.monotonic()
        told = {
            "kind": incoming.kind.value, "action": incoming.action, "user": incoming.user, "channel": incoming.channel,
            "delivery": incoming.id[:40],
        }  # fmt: skip
        if self._is_foreign(body):
            self._log.warning("slack.foreign_workspace", workspace=read.workspace_of(body), **told)
            refusal = FOREIGN
        else:
            refusal = None
        try:
            with self._activity.one_more():
                answer = await self._front.take(incoming, refusal=refusal)
        except Exception as error:
            if isinstance(error, StoreUnavailable):
                self._log.warning("slack.not_recorded", reason=error.reason, **told)
            else:
                self._log.exception("slack.not_recorded", **told)
            self._meter.acknowledged(incoming.kind.value, "not-recorded", time.monotonic() - began)
            if is_event:
                raise NotRecorded from error
            return Ack(text=NOT_RECORDED)
        self._meter.acknowledged(incoming.kind.value, "recorded", time.monotonic() - began)
        self._log.debug("slack.taken", ms=round((time.monotonic() - began) * 1000, 1), **told)
        return answer

    def _open(self, dialog: Dialog | None, incoming: Incoming, body: dict[str, Any]) -> None:
        if dialog is not None:
            self._tasks.start(self._open_now(dialog, incoming, body.get("trigger_id") or ""), name="dialog")

    async def _open_now(self, dialog: Dialog, incoming: Incoming, trigger_id: str) -> None:
        with self._activity.one_more():
            opened = await call(self._client.views_open(trigger_id=trigger_id, view=view(dialog, _origin(incoming))))
        if isinstance(opened, Done):
            return
        if isinstance(opened, Refused) and opened.error == "exchanged_trigger_id":
            return  # delivered twice: the dialog was opened the first time
        log.warning("slack.dialog_not_opened", user=incoming.user, action=incoming.action, error=str(opened))
        await self._whisper_now(incoming, TOO_LATE)

    def _look(self, incoming: Incoming, body: dict[str, Any]) -> None:
        """Somebody types in a dialog: once he pauses, show what that means. Only the newest of what he typed counts."""
        if self._is_foreign(body):
            return
        name = read.view_of(body)
        if (earlier := self._looks.get(name)) is not None:
            earlier.cancel()
        task = self._tasks.start(self._look_now(incoming, name), name="look")
        self._looks[name] = task
        task.add_done_callback(lambda ended: self._looks.pop(name) if self._looks.get(name) is ended else None)

    async def _look_now(self, incoming: Incoming, name: str) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        with self._activity.one_more():
            try:
                dialog = await self._front.look(incoming)
            except StoreUnavailable as error:
                log.warning("slack.not_counted", reason=error.reason)
                return
            if dialog is not None:
                shown = await call(self._client.views_update(view_id=name, view=view(dialog, _origin(incoming))))
                if not isinstance(shown, Done):  # closed meanwhile, most often
                    log.info("slack.dialog_not_updated", user=incoming.user, error=str(shown))

    def _is_foreign(self, body: dict[str, Any]) -> bool:
        return self._home_only and read.workspace_of(body) not in (None, self._identity.team_id)

    def _whisper(self, incoming: Incoming, text: Text | None) -> None:
        if text is not None and text.parts:
            self._tasks.start(self._whisper_now(incoming, text), name="whisper")

    async def _whisper_now(self, incoming: Incoming, text: Text) -> None:
        message = said(text)
        with self._activity.one_more():
            if incoming.respond_to:
                answer = await self._posting.respond(incoming.respond_to, message, thread=incoming.thread)
                if not isinstance(answer, Refused):
                    return
            if incoming.channel is not None:
                await self._posting.whisper(incoming.channel, incoming.user, message, thread=incoming.thread)


def _origin(incoming: Incoming) -> Origin:
    return Origin(channel=incoming.channel, thread=incoming.thread, respond_to=incoming.respond_to)
