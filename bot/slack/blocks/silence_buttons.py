"""What can be pressed where a silence is shown: on the card of what it hides, and in a list."""

from bot.domain.alerts.silence import SilenceAction, SilenceRef
from bot.slack.blocks.elements import Json, actions, button, confirm

SHORT_ID = 8


def silence_buttons(silence: SilenceRef, *, which: str = "silence") -> Json | None:
    """Both in a block of their own: an action id stands once in a block. `which` tells it from others beside it.

    None where the id is none that would come back.
    """
    if not silence.can_travel:
        return None
    value = silence.written()
    asks = confirm(
        "End the silence?", "What it hides and still fires shows as firing again, to everybody.", "End it",
        no="Keep it", style="danger",
    )  # fmt: skip
    return actions([
        button(SilenceAction.EXTEND.value, f"{_label('Extend', which)}…", value,
               says=f"Extend the silence {short(silence.id)}"),
        button(SilenceAction.EXPIRE.value, _label("Expire", which), value, asks=asks, style="danger",
               says=f"Expire the silence {short(silence.id)}"),
    ])  # fmt: skip


def _label(verb: str, which: str) -> str:
    return f"{verb} {which}" if which else verb


def short(silence: str) -> str:
    """As commands take it."""
    return silence[:SHORT_ID]
