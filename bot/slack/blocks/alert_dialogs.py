"""The dialogs of alert groups as modal views. The fields keep their ids, so that an update leaves what is typed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.domain.alerts.card import AlertAction
from bot.domain.alerts.dialog import (
    CHOSEN_SOURCE,
    COUNT,
    LENGTH,
    OTHER_LENGTH,
    AssignDialog,
    ExtendDialog,
    SilenceDialog,
)
from bot.domain.alerts.matcher import LONGEST
from bot.domain.alerts.silence import SilenceAction
from bot.domain.alerts.wish import COMMENT, MATCHERS, MOST_COMMENT, OTHER, PRESET, SOURCE
from bot.domain.durations import write_duration
from bot.domain.text import spoken
from bot.slack.blocks.elements import Json, lines, plain_text
from bot.slack.blocks.modal import Origin, metadata, modal

USER = "user"
MOST_LENGTHS, MOST_SOURCES = 20, 100
_AT_ONCE: Json = {"dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]}}


def assign(dialog: AssignDialog, origin: Origin) -> Json:
    select: Json = {"type": "users_select", "action_id": USER, "placeholder": plain_text("Nobody", 50)}
    if dialog.assigned_to is not None:
        select["initial_user"] = dialog.assigned_to
    asked: Json = {"type": "input", "block_id": USER, "label": plain_text("Who?", 50), "element": select,
                   "optional": True, "hint": plain_text("Nobody: it is given back.", 100)}  # fmt: skip
    return modal(
        AlertAction.ASSIGN.value, "Assign", [lines(dialog.explanation), asked], submit="Assign",
        carries=metadata(origin, group=dialog.group),
    )  # fmt: skip


def silence(dialog: SilenceDialog, origin: Origin) -> Json:
    matchers: Json = {
        **_typed(COUNT, dialog.fields.get(MATCHERS, ""), LONGEST), "multiline": True,
        **_AT_ONCE,
    }  # fmt: skip
    comment = {**_typed(COMMENT, dialog.fields.get(COMMENT, ""), MOST_COMMENT), "multiline": True}
    blocks: list[Json | None] = [
        lines(dialog.explanation),
        _sources(dialog),
        *_lengths(dialog.lengths, dialog.fields),
        {
            "type": "input", "block_id": MATCHERS, "label": plain_text("What? All of these must hold", 100),
            "element": matchers, "dispatch_action": True,
            "hint": plain_text('A line each: label="value"; also !=, =~ and !~ with a regular expression.', 150),
        },
        {**(lines(dialog.counted) or {}), "block_id": "counted"} if dialog.counted.parts else None,
        {
            "type": "input", "block_id": COMMENT, "label": plain_text("Why?", 50), "element": comment,
            "hint": plain_text("Everybody who sees the silence can read it.", 150),
        },
    ]  # fmt: skip
    if dialog.group is None:
        carries = metadata(origin, dialog=SilenceAction.ADD.value)
        return modal(SilenceAction.ADD.value, "Silence", blocks, submit="Silence", carries=carries)
    carries = metadata(origin, group=dialog.group)
    return modal(AlertAction.SILENCE.value, "Silence", blocks, submit="Silence", carries=carries)


def extend(dialog: ExtendDialog, origin: Origin) -> Json:
    comment = {**_typed(COMMENT, dialog.fields.get(COMMENT, ""), MOST_COMMENT), "multiline": True}
    blocks: list[Json | None] = [
        lines(dialog.explanation),
        *_lengths(dialog.lengths, dialog.fields, shows_at_once=True),
        {**(lines(dialog.then) or {}), "block_id": "then"} if dialog.then.parts else None,
        {
            "type": "input", "block_id": COMMENT, "label": plain_text("Why?", 50), "element": comment,
            "optional": True, "hint": plain_text("It is added to the comment that it has.", 150),
        },
    ]  # fmt: skip
    carries = metadata(origin, **dialog.silence.parts)
    return modal(SilenceAction.EXTEND.value, "Extend a silence", blocks, submit="Extend", carries=carries)


def _sources(dialog: SilenceDialog) -> Json | None:
    """Which Alertmanager; nothing where there is only one. What it matches is counted anew there."""
    names = dialog.sources[:MOST_SOURCES]
    if dialog.group is not None or len(names) < 2:
        return None
    options: list[Json] = [{"text": plain_text(name, 75), "value": name} for name in names]
    chosen = next((one for one in options if one["value"] == dialog.fields.get(SOURCE)), options[0])
    return {
        "type": "input", "block_id": SOURCE, "label": plain_text("In which Alertmanager?", 50), "dispatch_action": True,
        "element": {
            "type": "static_select", "action_id": CHOSEN_SOURCE, "options": options, "initial_option": chosen,
        },
    }  # fmt: skip


def _lengths(lengths: Sequence[timedelta], fields: Mapping[str, str], *, shows_at_once: bool = False) -> list[Json]:
    """What is offered, and room for anything else. `shows_at_once`: of one that there is; the dialog tells what the
    choice comes to."""
    asked = "How long from now?" if shows_at_once else "For how long?"
    options: list[Json] = [
        {"text": plain_text(spoken(length), 75), "value": write_duration(length)} for length in lengths[:MOST_LENGTHS]
    ]
    made: list[Json] = []
    if options:
        chosen = next((one for one in options if one["value"] == fields.get(PRESET)), options[0])
        made.append({
            "type": "input", "block_id": PRESET, "label": plain_text(asked, 50),
            "element": {"type": "static_select", "action_id": LENGTH if shows_at_once else PRESET, "options": options,
                        "initial_option": chosen},
            **({"dispatch_action": True} if shows_at_once else {}),
        })  # fmt: skip
    other = _typed(OTHER_LENGTH if shows_at_once else OTHER, fields.get(OTHER, ""), 20)
    if shows_at_once:
        other |= _AT_ONCE
    made.append({
        "type": "input", "block_id": OTHER, "element": {**other, "placeholder": plain_text("2h30m", 20)},
        "label": plain_text("Or for another time" if options else asked, 50), "optional": bool(options),
        **({"dispatch_action": True} if shows_at_once else {}),
    })  # fmt: skip
    return made


def _typed(action_id: str, text: str, most: int) -> Json:
    """A text field; what stands in it is a person's to edit, and nothing in it is ever parsed by Slack."""
    made: Json = {"type": "plain_text_input", "action_id": action_id, "max_length": most}
    if text:
        made["initial_value"] = text[:most]
    return made
