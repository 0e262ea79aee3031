"""What a pressed button or submitted dialog of an alert group's card means: which group, which act."""

import json

from bot.chat.command import Services
from bot.domain.alerts.card import AlertAction
from bot.domain.alerts.group import AlertGroupId
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.wish import read_wish
from bot.domain.identity import UserId, is_change_id
from bot.domain.incoming import Incoming, IncomingKind
from bot.domain.request import Answer
from bot.domain.text import Code, Text
from bot.services.access import Action, AlertRight, Right

ALERT_NEEDS: dict[AlertAction, Right] = {
    AlertAction.ACKNOWLEDGE: AlertRight.ACKNOWLEDGE,
    AlertAction.UNACKNOWLEDGE: AlertRight.ACKNOWLEDGE,
    AlertAction.ASSIGN: AlertRight.ACKNOWLEDGE,
    AlertAction.SILENCE: AlertRight.SILENCE,
    AlertAction.CHANGE: Action.GET,
}
"""The right that each button takes; the services ask for it, this roster is what the test walks over."""


def is_about_alerts(action: str) -> bool:
    return action in {known.value for known in AlertAction}


def group_of(incoming: Incoming) -> AlertGroupId | None:
    """The group that a button or dialog names; None when it names none.

    The value is a key to look up, never an authority: what may be done is decided from our own rows.
    """
    try:
        data = json.loads(incoming.value)
    except (ValueError, RecursionError):
        return None
    group = data.get("group") if isinstance(data, dict) else None
    return AlertGroupId(group) if isinstance(group, str) and is_change_id(group) else None


def unknown_alert_button() -> Answer:
    words = Text.of("This button is no longer known. Look at the newest card, or type ", Code("/gitops alerts"), ".")
    return Answer.refusal("unknown-button", words)


async def act_on_alert(incoming: Incoming, services: Services, policy: AlertsPolicy) -> Answer:
    """Do what was clicked or submitted. The services check, store and answer."""
    group, request = group_of(incoming), incoming.request
    if group is None:
        return unknown_alert_button()
    is_submitted = incoming.kind is IncomingKind.SUBMISSION
    match AlertAction(incoming.action):
        case AlertAction.ACKNOWLEDGE:
            return await services.alert_acts.acknowledge(request, group)
        case AlertAction.UNACKNOWLEDGE:
            return await services.alert_acts.unacknowledge(request, group)
        case AlertAction.ASSIGN if is_submitted:
            user = incoming.fields.get("user", "")
            return await services.alert_acts.assign(request, group, UserId(user) if user else None)
        case AlertAction.SILENCE if is_submitted:
            wish = read_wish(incoming.fields, policy)
            if isinstance(wish, dict):  # the configuration was reloaded meanwhile
                return Answer.refusal("bad-silence", Text.of(" ".join(wish.values())))
            return await services.silencing.silence(request, group, wish)
        case _:
            return unknown_alert_button()
