"""Nothing that is asked while the bot works reads a whole table: what a question costs does not grow with the years."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot.domain.audit import AuditEntry
from bot.domain.outgoing import CardPlacement, OutgoingKind, Pick, Urgency
from bot.domain.text import Text
from bot.metrics import read_waiting
from bot.store.migrate import upgrade
from bot.store.store import SqlStore, StoreTransaction
from tests import examples
from tests.alert_examples import group
from tests.examples import APPROVER, CHANGE, DEPLOYMENTS, HOUR, NOW

BOUNDED = (
    "ix_changes_due_at", "uq_changes_one_open", "ix_inbound_due_at", "ix_outbox_due_at", "ix_alert_intake_due_at",
    "uq_alert_groups_one_open", "ix_alert_groups_labels_key", "ix_alert_groups_due_at", "uq_alert_storms_one_open",
)  # fmt: skip
"""Indexes that hold only what is open, due or put off: reading all of one is reading what there is to do."""
WHOLE = re.compile(r"^SCAN (?!.* INDEX (?:" + "|".join(BOUNDED) + r")\b)")
CARD = OutgoingKind.CARD
Ask = Callable[[StoreTransaction], Awaitable[object]]
ASKED: dict[str, Ask] = {
    "find": lambda tx: tx.changes.find(CHANGE),
    "find_number": lambda tx: tx.changes.find_number(1),
    "find_open": lambda tx: tx.changes.find_open("apm-stack", "production"),
    "list_open": lambda tx: tx.changes.list_open(),
    "list_newest": lambda tx: tx.changes.list_newest("apm-stack", "production", limit=2),
    "list_due": lambda tx: tx.changes.list_due(NOW, limit=32),
    "next_due": lambda tx: tx.changes.next_due(NOW),
    "count_due": lambda tx: tx.changes.count_due(NOW),
    "insert": lambda tx: tx.changes.insert(examples.change(id=CHANGE[::-1])),
    "make_due": lambda tx: tx.changes.make_due(CHANGE, NOW),
    "approvals of a change": lambda tx: tx.approvals.list(CHANGE),
    "add an approval": lambda tx: tx.approvals.add(examples.approval(APPROVER), after=NOW - HOUR),
    "audit of a change": lambda tx: tx.audit.list(change=CHANGE),
    "add to the audit": lambda tx: tx.audit.add(
        AuditEntry(at=NOW, actor="system", action="a", outcome="done", text="")
    ),
    "acts": lambda tx: tx.inbound.list_due(NOW, limit=16),
    "next act": lambda tx: tx.inbound.next_due(NOW),
    "how many acts": lambda tx: tx.inbound.count_due(NOW),
    "finish an act": lambda tx: tx.inbound.finish("a"),
    "postpone an act": lambda tx: tx.inbound.postpone("a", until=NOW, error="no"),
    "touch a card": lambda tx: tx.outbox.touch_card(CHANGE, now=NOW),
    "a note": lambda tx: tx.outbox.note(CHANGE, "a", Text.of("a"), now=NOW),
    "what is to be shown": lambda tx: tx.outbox.list_due(NOW, limit=20),
    "count an attempt": lambda tx: tx.outbox.count_attempt([1]),
    "touch an alert's card": lambda tx: tx.outbox.touch_alert(group(), now=NOW),
    "rank an alert's card": lambda tx: tx.outbox.rank_alert(group()),
    "drop an alert's notes": lambda tx: tx.outbox.drop_notes(group().id),
    "storms": lambda tx: tx.storms.list_open(),
    "the newest storm": lambda tx: tx.storms.find_newest(DEPLOYMENTS),
    "what waits in channels": lambda tx: tx.storms.backlogs(NOW, fresh_since=NOW),
    "what a storm stands for": lambda tx: tx.storms.list_stormed(DEPLOYMENTS, NOW, limit=9),
    "how much a storm changed": lambda tx: tx.storms.count_changed(DEPLOYMENTS, NOW),
    "drop what is over": lambda tx: tx.storms.drop_over(DEPLOYMENTS),
    "touch a storm": lambda tx: tx.storms.touch(DEPLOYMENTS, now=NOW),
    "which alert is to be shown": lambda tx: tx.outbox.list_due(NOW, limit=1, pick=Pick.of(*Urgency)),
    "next to be shown": lambda tx: tx.outbox.next_due(NOW),
    "how many to be shown": lambda tx: tx.outbox.count_due(NOW),
    "forget acts": lambda tx: tx.inbound.forget(NOW, after="a", limit=9),
    "forget what was shown": lambda tx: tx.outbox.forget(NOW, after=0, limit=9),
    "find a placement": lambda tx: tx.outbox.find_placement(CHANGE),
    "set a placement": lambda tx: tx.outbox.set_placement(
        CardPlacement(change=CHANGE, channel=DEPLOYMENTS, ts="1.0", digest=None)  # type: ignore[arg-type]
    ),
    "claim webhooks of alerts": lambda tx: tx.intake.claim(NOW, limit=20),
    "next webhook of alerts": lambda tx: tx.intake.next_due(NOW),
    "newest group": lambda tx: tx.alerts.find_newest("k"),
    "open groups": lambda tx: tx.alerts.list_open(source="default"),
    "open groups of labels": lambda tx: tx.alerts.list_open_by_labels("k"),
    "groups to be asked about": lambda tx: tx.alerts.list_due(NOW, limit=32),
    "next group to be asked about": lambda tx: tx.alerts.next_due(NOW),
    "number a new group": lambda tx: tx.alerts.insert(group()),
    "metrics": lambda tx: read_waiting(tx, NOW + timedelta(hours=1)),
}


@pytest.fixture
async def url(tmp_path: Path) -> str:
    """SQLite whatever the other tests run on: these are its plans."""
    address = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    await upgrade(address)
    return address


async def plans(store: SqlStore, ask: Ask) -> dict[str, list[str]]:
    """For each statement that was executed, how SQLite goes about it."""
    asked: list[tuple[str, Any]] = []
    engine = store._writing.sync_engine

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    async with store.writing() as tx:
        event.listen(engine, "before_cursor_execute", remember)
        try:
            await ask(tx)
        finally:
            event.remove(engine, "before_cursor_execute", remember)
    async with store._reading.connect() as connection:
        return {
            statement: [
                row.detail for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
            for statement, parameters in asked
        }


@pytest.mark.parametrize("what", ASKED)
async def test_it_reads_no_whole_table(store: SqlStore, what: str) -> None:
    async with store.writing() as tx:
        await tx.changes.insert(examples.change(application="other"))
    found = await plans(store, ASKED[what])
    assert found
    assert {statement: plan for statement, plan in found.items() if any(map(WHOLE.match, plan))} == {}


async def test_the_open_change_of_a_stage_is_found_among_the_open_ones(store: SqlStore) -> None:
    """Not among all that the stage ever had."""
    [[plan]] = (await plans(store, ASKED["find_open"])).values()
    assert "uq_changes_one_open" in plan
