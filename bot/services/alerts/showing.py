"""What people see of a group that was written: its card anew, and what happened in the card's thread."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.alerts.group import AlertGroup
from bot.domain.text import Text
from bot.ports_store import Transaction


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
