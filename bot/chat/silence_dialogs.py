"""The dialogs of silences that belong to no card, and of silences that are to go on; when they open, and while somebody
chooses in them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.chat.command import Services
from bot.chat.silence_clicks import unknown_silence_button
from bot.domain.alerts.dialog import ExtendDialog, SilenceDialog
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.silence import Silence, SilenceRef, read_ref
from bot.domain.alerts.wish import (
    MATCHERS,
    PRESET,
    SOURCE,
    chosen_length,
    length_field,
    read_extension,
    read_matchers,
    read_wish,
    without_mark,
)  # fmt: skip
from bot.domain.dialog import Dialog
from bot.domain.durations import write_duration
from bot.domain.incoming import Incoming
from bot.domain.request import Answer
from bot.domain.text import Code, Moment, Plain, Text, shortened

MOST_WORDS = 300
NOT_LATER = "It ends later than that already: choose a longer time."


async def add_dialog(
    incoming: Incoming, services: Services, policy: AlertsPolicy, fields: Mapping[str, str] | None = None
) -> Dialog | Answer:
    """That of `/silence add` without words: empty, for who may silence anything. `fields`: what stands in it since."""
    answer = await services.silencing.refusal_to_add(incoming.request)
    if answer is not None:
        return answer
    sources = services.silencing.sources()
    if fields is None:
        length = write_duration(policy.silences[0]) if policy.silences else ""
        fields = {PRESET: length}
    counted = Text.of("Nothing is written yet that could match anything.")
    if typed := fields.get(MATCHERS, "").strip():
        matchers = read_matchers(typed)
        if isinstance(matchers, str):
            counted = Text.of(matchers)
        else:
            source = fields.get(SOURCE) or sources[0]
            counted = await services.silencing.count(source, matchers, asker=incoming.user)
    return SilenceDialog(
        group=None, explanation=Text.of("Alertmanager hides what these match, from all who hear of it."),
        lengths=policy.silences, counted=counted, fields=dict(fields), sources=sources,
    )  # fmt: skip


async def extend_dialog(
    incoming: Incoming, services: Services, policy: AlertsPolicy, now: datetime, *, is_open: bool = False
) -> Dialog | Answer:
    """That of the button, for who may extend it; or why it does not open. `is_open`: with what stands in it since."""
    ref = read_ref(incoming.value)
    if ref is None:
        return unknown_silence_button()
    found = await services.silences.look(incoming.user, ref)
    if isinstance(found, Answer):
        return found
    fields = dict(incoming.fields) if is_open else {PRESET: _suited(found.ends_at - now, policy)}
    return ExtendDialog(
        silence=SilenceRef.of(ref.source, found), explanation=_told(found), lengths=policy.silences,
        then=_then(fields, policy, found.ends_at, now), fields=fields,
    )  # fmt: skip


def faults_of_added(incoming: Incoming, policy: AlertsPolicy) -> dict[str, str]:
    wish = read_wish(incoming.fields, policy)
    return wish if isinstance(wish, dict) else {}


def faults_of_extension(incoming: Incoming, policy: AlertsPolicy, now: datetime) -> dict[str, str]:
    """What stands against it, by field, as far as that is known without asking anybody."""
    extension, ref = read_extension(incoming.fields, policy), read_ref(incoming.value)
    if isinstance(extension, dict):
        return extension
    if ref is not None and now + extension.length <= ref.ends_at:
        return {length_field(incoming.fields): NOT_LATER}
    return {}


def _suited(left: timedelta, policy: AlertsPolicy) -> str:
    """The first that is offered and ends later than it does now."""
    longer = [length for length in policy.silences if length > left] or list(policy.silences[-1:])
    return write_duration(longer[0]) if longer else ""


def _told(silence: Silence) -> Text:
    said = without_mark(silence.comment)
    return Text.of(
        "It ends ", Moment(silence.ends_at), " now. It hides ",
        Code(shortened(", ".join(map(str, silence.matchers)), MOST_WORDS)), ", by ",
        Plain(shortened(silence.created_by, MOST_WORDS) or "–"),
        Text.of(": ", Plain(shortened(said, MOST_WORDS))) if said.strip() else "",
    )  # fmt: skip


def _then(fields: Mapping[str, str], policy: AlertsPolicy, ends: datetime, now: datetime) -> Text:
    length = chosen_length(fields, policy)
    if isinstance(length, str):
        return Text.of(length)
    return Text.of("Then it ends ", Moment(now + length), ".") if now + length > ends else Text.of(NOT_LATER)
