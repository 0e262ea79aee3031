"""A message as it goes to Slack: fallback text, blocks and metadata."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.alerts.group import AlertGroupId
from bot.domain.identity import ChangeId, ChannelId
from bot.domain.text import Part, Plain, SilenceButtons, Text
from bot.slack.blocks.elements import Json, lines, named
from bot.slack.blocks.silence_buttons import silence_buttons
from bot.slack.escape import SECTION_TEXT, bounded, mrkdwn

CHANGE_EVENT = "tiphys_change"
NOTE_EVENT = "tiphys_note"
ALERT_EVENT = "tiphys_alert"
STORM_EVENT = "tiphys_storm"
FALLBACK_TEXT = 3_000
WHOLE_TEXT = 10_000
_MENTION = re.compile(r"<(?:@|!subteam\^)(\w+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMessage:
    """What a message shows. Metadata holds ids only: everybody in the workspace can read it."""

    text: str
    blocks: list[Json]
    metadata: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """Of everything that people see: equal digests need no update."""
        return hashlib.sha256(json.dumps([self.text, self.blocks], sort_keys=True).encode()).hexdigest()


def said(text: Text, *, metadata: Mapping[str, Any] | None = None) -> RenderedMessage:
    """Words as a message of their own; too long ones are cut, and say so."""
    sections = [_section(piece) for piece in _pieces(bounded(text, WHOLE_TEXT).parts)]
    return RenderedMessage(text=mrkdwn(text, FALLBACK_TEXT) or "–", blocks=named(sections), metadata=metadata)


def change_metadata(change: ChangeId) -> Json:
    return {"event_type": CHANGE_EVENT, "event_payload": {"change": change}}


def alert_metadata(group: AlertGroupId) -> Json:
    return {"event_type": ALERT_EVENT, "event_payload": {"group": group}}


def storm_metadata(channel: ChannelId, since: datetime) -> Json:
    """`since` in whole seconds: with the channel it tells one storm from another."""
    return {"event_type": STORM_EVENT, "event_payload": {"channel": channel, "since": int(since.timestamp())}}


def note_metadata(key: str) -> Json:
    return {"event_type": NOTE_EVENT, "event_payload": {"key": key}}


def without_mentions(message: RenderedMessage) -> RenderedMessage:
    """The same words, pinging nobody: for the first posting of a card. Updates never notify."""
    return RenderedMessage(
        text=_MENTION.sub(r"@\1", message.text), blocks=named(_quiet(message.blocks)), metadata=message.metadata
    )


def _quiet(value: Any) -> Any:
    if isinstance(value, list):
        return [_quiet(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value.get("type"):
        case "user":
            return {"type": "text", "text": f"@{value['user_id']}"}
        case "usergroup":
            return {"type": "text", "text": f"@{value['usergroup_id']}"}
        case "mrkdwn":
            return {**value, "text": _MENTION.sub(r"@\1", value["text"])}
    return {key: _quiet(item) for key, item in value.items() if key != "block_id"}


def _section(piece: Text) -> Json | None:
    match piece.parts:
        case (SilenceButtons(silence=silence),):
            return silence_buttons(silence, which="")
        case _:
            return lines(piece)


def _pieces(parts: tuple[Part, ...]) -> Iterator[Text]:
    """The parts, in order, in texts that fit a section each; buttons by themselves."""
    held: list[Part] = []
    length, follows_buttons = 0, False
    for part in (piece for whole in parts for piece in _cut(whole)):
        if isinstance(part, SilenceButtons):
            if held:
                yield Text(tuple(held))
            yield Text((part,))
            held, length, follows_buttons = [], 0, True
            continue
        if follows_buttons and isinstance(part, Plain):  # a block begins a line of its own
            part = Plain(part.text.removeprefix("\n"))
        follows_buttons = False
        size = len(Text((part,)).plain)
        if held and length + size > SECTION_TEXT:
            yield Text(tuple(held))
            held, length = [], 0
        held.append(part)
        length += size
    if held:
        yield Text(tuple(held))


def _cut(part: Part) -> Iterator[Part]:
    """A long plain part in pieces, at line ends where there are some."""
    if not isinstance(part, Plain):
        yield part
        return
    text = part.text
    while len(text) > SECTION_TEXT:
        at = text.rfind("\n", 1, SECTION_TEXT)
        at = at if at > 0 else SECTION_TEXT
        yield Plain(text[:at])
        text = text[at:].removeprefix("\n")
    yield Plain(text)
