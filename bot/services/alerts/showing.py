"""What people see of a group that was written: its card anew, and what happened in the card's thread."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.policy import AlertsPolicy
from bot.domain.alerts.severity import Severity
from bot.domain.text import Mention, Text
from bot.ports_store import Transaction
from bot.services.alerts.routing import called

MOST_CALLED = 10


async def show(
    tx: Transaction, group: AlertGroup, notes: Sequence[Text], *, at: datetime | None, now: datetime
) -> None:
    """In the transaction that wrote it: `group` as it is stored now, whose version makes each note the only one.

    `at`: when the card is to be made anew; None: it looks the same.
    """
    if at is not None:
        await tx.outbox.touch_alert(group, now=at)
    for number, note in enumerate(notes):
        await tx.outbox.alert_note(group, f"{group.version}.{number}", note, now=now)


async def call(
    tx: Transaction, before: AlertGroup, group: AlertGroup, policy: AlertsPolicy, now: datetime
) -> Sequence[Text]:
    """A note for the thread that pings those whom the card, which stands, has not: an edit of it would ping nobody.
    While it does not stand its first message does that."""
    who = called(before, group, policy, now)
    if not who or await tx.alerts.find_placement(group.id) is None:
        return []
    shown = [part for one in who[:MOST_CALLED] for part in (" ", Mention(one))]
    more = f" and {len(who) - MOST_CALLED} more" if len(who) > MOST_CALLED else ""
    grade = "it has no severity" if group.severity is Severity.NONE else f"it is {group.severity.value}"
    return [Text.of("📣", *shown, f"{more}: {grade} now.")]
