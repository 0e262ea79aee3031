"""The dialogs of alert groups as modal views. The fields keep their ids, so that an update leaves what is typed."""

from bot.domain.alerts.card import AlertAction
from bot.domain.alerts.dialog import COUNT, AssignDialog, SilenceDialog
from bot.domain.alerts.matcher import LONGEST
from bot.domain.alerts.wish import COMMENT, MATCHERS, MOST_COMMENT, OTHER, PRESET
from bot.domain.durations import write_duration
from bot.domain.text import spoken
from bot.slack.blocks.elements import Json, lines, plain_text
from bot.slack.blocks.modal import Origin, metadata, modal

USER = "user"
MOST_LENGTHS = 20


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
        "dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]},
    }  # fmt: skip
    comment = {**_typed(COMMENT, dialog.fields.get(COMMENT, ""), MOST_COMMENT), "multiline": True}
    blocks: list[Json | None] = [
        lines(dialog.explanation),
        *_lengths(dialog),
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
    return modal(
        AlertAction.SILENCE.value, "Silence", blocks, submit="Silence", carries=metadata(origin, group=dialog.group)
    )


def _lengths(dialog: SilenceDialog) -> list[Json]:
    """What is offered, and room for anything else."""
    options: list[Json] = [
        {"text": plain_text(spoken(length), 75), "value": write_duration(length)}
        for length in dialog.lengths[:MOST_LENGTHS]
    ]
    made: list[Json] = []
    if options:
        chosen = next((one for one in options if one["value"] == dialog.fields.get(PRESET)), options[0])
        made.append({
            "type": "input", "block_id": PRESET, "label": plain_text("For how long?", 50),
            "element": {"type": "static_select", "action_id": PRESET, "options": options, "initial_option": chosen},
        })  # fmt: skip
    other = _typed(OTHER, dialog.fields.get(OTHER, ""), 20)
    made.append({
        "type": "input", "block_id": OTHER, "element": {**other, "placeholder": plain_text("2h30m", 20)},
        "label": plain_text("Or for another time" if options else "For how long?", 50), "optional": bool(options),
    })  # fmt: skip
    return made


def _typed(action_id: str, text: str, most: int) -> Json:
    """A text field; what stands in it is a person's to edit, and nothing in it is ever parsed by Slack."""
    made: Json = {"type": "plain_text_input", "action_id": action_id, "max_length": most}
    if text:
        made["initial_value"] = text[:most]
    return made
