"""What a pressed button or submitted dialog of a silence means: which silence, which act."""

import json

from bot.chat.command import Services
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.silence import SilenceAction, read_ref
from bot.domain.alerts.wish import SOURCE, read_extension, read_wish
from bot.domain.incoming import Incoming, IncomingKind
from bot.domain.request import Answer
from bot.domain.text import Code, Text
from bot.services.access import AlertRight

SILENCE_NEEDS: dict[SilenceAction, AlertRight] = dict.fromkeys(SilenceAction, AlertRight.SILENCE)
"""The right that each takes; the services ask for it, this roster is what the test walks over."""


def is_about_silences(action: str) -> bool:
    return action in {known.value for known in SilenceAction}


def is_added(incoming: Incoming) -> bool:
    """Whether it comes from the dialog of a silence that belongs to no card."""
    try:
        data = json.loads(incoming.value)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and data.get("dialog") == SilenceAction.ADD.value


def unknown_silence_button() -> Answer:
    words = Text.of(
        "This button is no longer known. Type ", Code("/gitops silence list"), " for the silences in force."
    )
    return Answer.refusal("unknown-button", words)


async def act_on_silence(incoming: Incoming, services: Services, policy: AlertsPolicy) -> Answer:
    """Do what was clicked or submitted. The services check, store and answer."""
    request, ref = incoming.request, read_ref(incoming.value)
    is_submitted = incoming.kind is IncomingKind.SUBMISSION
    match SilenceAction(incoming.action):
        case SilenceAction.ADD if is_submitted:
            wish = read_wish(incoming.fields, policy)
            if isinstance(wish, dict):  # the configuration was reloaded meanwhile
                return Answer.refusal("bad-silence", Text.of(" ".join(wish.values())))
            return await services.silencing.add(request, wish, incoming.fields.get(SOURCE) or None)
        case SilenceAction.EXTEND if is_submitted and ref is not None:
            extension = read_extension(incoming.fields, policy)
            if isinstance(extension, dict):
                return Answer.refusal("bad-silence", Text.of(" ".join(extension.values())))
            return await services.silences.extend(request, ref, extension)
        case SilenceAction.EXPIRE if not is_submitted and ref is not None:
            return await services.silences.expire(request, ref)
        case _:
            return unknown_silence_button()
