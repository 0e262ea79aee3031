"""What all modal views have in common. What a view must know when it is submitted travels in its private metadata: ids
only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.identity import ChannelId, MessageTs
from bot.slack.blocks.elements import Json, named, plain_text
from bot.slack.blocks.limits import VIEW_TITLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a dialog was opened from: there the answer to its submission goes."""

    channel: ChannelId | None = None
    thread: MessageTs | None = None
    respond_to: str | None = None


def modal(
    callback_id: str, title: str, blocks: Sequence[Json | None], *, submit: str | None = None, carries: str = ""
) -> Json:
    made: Json = {
        "type": "modal", "callback_id": callback_id, "title": plain_text(title, VIEW_TITLE), "blocks": named(blocks),
        "close": plain_text("Cancel" if submit else "Close", VIEW_TITLE), "private_metadata": carries,
    }  # fmt: skip
    if submit is not None:
        made["submit"] = plain_text(submit, VIEW_TITLE)
    return made


def metadata(origin: Origin, **ids: str) -> str:
    """These ids and where it was opened from."""
    known = {**ids, "channel": origin.channel, "thread": origin.thread, "respond_to": origin.respond_to}
    return json.dumps({key: value for key, value in known.items() if value}, separators=(",", ":"))


def read_metadata(raw: str) -> tuple[str, Origin]:
    """What a dialog carried, in the form of a button's value, and where it was opened from."""
    try:
        known = json.loads(raw)
    except ValueError:
        return raw, Origin()
    if not isinstance(known, dict):
        return raw, Origin()
    origin = Origin(
        channel=ChannelId(known["channel"]) if known.get("channel") else None,
        thread=MessageTs(known["thread"]) if known.get("thread") else None,
        respond_to=known.get("respond_to") or None,
    )
    for names in (("silence", "source", "ends"), ("dialog",)):
        if known.get(names[0]):
            return json.dumps({name: known.get(name) or "" for name in names}, separators=(",", ":")), origin
    if known.get("group"):
        return json.dumps({"group": known["group"]}, separators=(",", ":")), origin
    carried = {key: known.get(key) or "" for key in ("change", "fingerprint")}
    return json.dumps(carried, separators=(",", ":")), origin
