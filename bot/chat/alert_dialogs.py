"""The dialogs of alert groups: who may see them, and what stands in them when they open."""

from collections.abc import Mapping

from bot.chat.alert_clicks import group_of, unknown_alert_button
from bot.chat.command import Services
from bot.domain.alerts.card import AlertAction
from bot.domain.alerts.dialog import AssignDialog, SilenceDialog
from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.matcher import LONGEST
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.wish import MATCHERS, PRESET, read_matchers, suited
from bot.domain.dialog import Dialog
from bot.domain.durations import write_duration
from bot.domain.incoming import Incoming
from bot.domain.request import Answer
from bot.domain.text import Strong, Text
from bot.services.access import AlertRight
from bot.services.alerts.acting import named, no_such_alert

ALERT_DIALOGS = {AlertAction.ASSIGN: AlertRight.ACKNOWLEDGE, AlertAction.SILENCE: AlertRight.SILENCE}
"""Buttons that open a dialog, and the right that it takes to see it."""


async def alert_dialog(incoming: Incoming, services: Services, policy: AlertsPolicy) -> Dialog | Answer:
    """The dialog of the button, or why it does not open."""
    group = group_of(incoming)
    if group is None:
        return unknown_alert_button()
    found = await services.alert_acts.find(group)
    if AlertAction(incoming.action) is AlertAction.ASSIGN:
        answer = await services.alert_acts.refusal(incoming.request, found, AlertRight.ACKNOWLEDGE)
        if answer is not None or found is None:
            return answer or no_such_alert()
        words = Text.of("Who has ", Strong(named(found)), "? He is told in its thread.")
        return AssignDialog(group=found.id, explanation=words, assigned_to=found.assigned_to or incoming.user)
    answer = await services.silencing.refusal(incoming.request, found)
    if answer is not None or found is None:
        return answer or no_such_alert()
    prefilled = "\n".join(map(str, suited(found, policy)))
    fields = {PRESET: write_duration(policy.silences[0]) if policy.silences else ""}
    if len(prefilled) <= LONGEST:
        return await silence_dialog(found, services, policy, fields | {MATCHERS: prefilled})
    # A cut leaves conditions out, without which it would hide more than this group.
    why = (
        f"Nothing is filled in: what sets this group apart takes {len(prefilled):,} characters, and {LONGEST:,} have "
        "room. Write the conditions that matter."
    )
    return _opened(found, policy, fields, Text.of(why))


async def counted_again(incoming: Incoming, services: Services, policy: AlertsPolicy) -> Dialog | Answer:
    """The dialog with what is typed in it now, and what that matches. For who might silence the group alone."""
    group = group_of(incoming)
    found = await services.alert_acts.find(group) if group is not None else None
    answer = await services.silencing.refusal(incoming.request, found)
    if answer is not None or found is None:
        return answer or no_such_alert()
    return await silence_dialog(found, services, policy, incoming.fields)


async def silence_dialog(
    group: AlertGroup, services: Services, policy: AlertsPolicy, fields: Mapping[str, str]
) -> SilenceDialog:
    matchers = read_matchers(fields.get(MATCHERS, ""))
    if isinstance(matchers, str):
        counted = Text.of(matchers)
    else:
        counted = await services.silencing.count(group.source, matchers)
    return _opened(group, policy, fields, counted)


def _opened(group: AlertGroup, policy: AlertsPolicy, fields: Mapping[str, str], counted: Text) -> SilenceDialog:
    return SilenceDialog(
        group=group.id, explanation=Text.of("Alertmanager hides what these match, from all who hear of it."),
        lengths=policy.silences, counted=counted, fields=dict(fields),
    )  # fmt: skip
