"""What the bot says back without the Web API: in an acknowledgement, or by a response URL."""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.seeded import BOT_USER_ID
from bot.sandbox.slack.blocks import TOO_LONG, validate_message_blocks
from bot.sandbox.slack.interactions import Interaction, UrlRefused
from bot.sandbox.slack.messages import TEXT_LIMIT, Content, Json, Via, stored_blocks
from bot.sandbox.slack.parts import Parts


class AnswerRefused(Exception):
    """The answer is not one that Slack shows; the code is the message."""

    def __init__(self, error: str, problems: list[str] | None = None) -> None:
        super().__init__(error)
        self.error, self.problems = error, problems or []


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A message in answer to an act. Without `in_channel` only the person sees it."""

    content: Content
    in_channel: bool
    replace_original: bool
    delete_original: bool
    thread_ts: str | None

    @property
    def is_empty(self) -> bool:
        return not (self.content.text or self.content.blocks or self.content.attachments)


def read_answer(body: Any) -> Answer:
    """Parse what came. Raises `AnswerRefused`."""
    if isinstance(body, str):
        body = {"text": body}
    if not isinstance(body, dict):
        raise AnswerRefused("invalid_payload")
    blocks = body.get("blocks") or []
    if problems := validate_message_blocks(blocks):
        raise AnswerRefused(TOO_LONG if problems[0].startswith(TOO_LONG) else "invalid_blocks", problems)
    content = Content(
        text=str(body.get("text") or "")[:TEXT_LIMIT], blocks=blocks, attachments=body.get("attachments") or [],
        metadata=body.get("metadata"),
    )  # fmt: skip
    thread_ts = body.get("thread_ts")
    return Answer(
        content=content, in_channel=body.get("response_type") == "in_channel",
        replace_original=_is_true(body.get("replace_original")), delete_original=_is_true(body.get("delete_original")),
        thread_ts=str(thread_ts) if thread_ts else None,
    )  # fmt: skip


def show(parts: Parts, answer: Answer, act: Interaction, via: Via) -> None:
    """Put a new message where it belongs: into the channel, or before the person's eyes only."""
    if act.channel is None or answer.is_empty:
        return
    if answer.in_channel:
        parts.workspace.post(act.channel, BOT_USER_ID, answer.content, thread_ts=answer.thread_ts)
    else:
        parts.workspace.whisper(act.user, act.channel, via, answer.content)
    parts.touched()


def shown_ack(parts: Parts, body: Any, act: Interaction) -> Json:
    """Show what a command's acknowledgement carries; what to tell whoever drives the sandbox about it."""
    if not body:
        return {}
    try:
        answer = read_answer(body)
    except AnswerRefused as refused:
        return {"error": refused.error, "problems": refused.problems}
    show(parts, answer, act, "ack")
    plain = parts.plain(answer.content)
    return {"plain": plain} if plain else {}


async def response_url(parts: Parts, request: web.Request) -> web.Response:
    """The endpoint behind response URLs: five uses in 30 minutes."""
    try:
        body = json.loads(await request.text())
    except ValueError:
        return _refusal(400, "invalid_payload")
    try:
        answer = read_answer(body)
        if answer.is_empty and not answer.delete_original:
            return _refusal(400, "no_text")
        act = parts.interactions.use_url(request.match_info["secret"])
    except AnswerRefused as refused:
        return _refusal(400, refused.error)
    except UrlRefused as refused:
        return _refusal(404, refused.error)
    _apply(parts, answer, act)
    act.answered.set()
    parts.touched()
    return web.Response(text="ok") if act.is_command else web.json_response({"ok": True})


def _apply(parts: Parts, answer: Answer, act: Interaction) -> None:
    workspace = parts.workspace
    original = workspace.find_message(act.channel or "", act.message_ts) if act.message_ts else None
    ephemeral = workspace.find_ephemeral(act.ephemeral_id) if act.ephemeral_id else None
    if answer.delete_original:
        if original is not None:
            workspace.delete(original)
        if ephemeral is not None:
            ephemeral.deleted = True
    elif answer.replace_original and original is not None and not original.deleted:
        answer.content.metadata = answer.content.metadata or original.content.metadata
        workspace.rewrite(original, answer.content)
    elif answer.replace_original and ephemeral is not None:
        answer.content.blocks = stored_blocks(answer.content.blocks)
        ephemeral.content = answer.content
    else:
        show(parts, answer, act, "response_url")


def _is_true(value: Any) -> bool:
    return value is True or value in ("true", "1")


def _refusal(status: int, error: str) -> web.Response:
    return web.json_response({"ok": False, "error": error}, status=status)
