"""The audit: what is added stays, in order, whole."""

from bot.domain.audit import AuditEntry
from bot.store.store import SqlStore
from tests.examples import CHANGE, HOUR, NOW


def entry(action: str, **facts: object) -> AuditEntry:
    known: dict[str, object] = {"at": NOW, "actor": "U0DEV1", "action": action, "outcome": "done", "text": "…"}
    return AuditEntry(**(known | facts))  # type: ignore[arg-type]


async def test_entries_come_back_oldest_first_and_as_they_were(store: SqlStore) -> None:
    entries = [
        entry("received.command", detail={"slug": None, "nested": {"a": [1, "ü"]}}),
        entry("change.merged", at=NOW - HOUR, change=CHANGE, application="apm-stack", environment="production"),
        entry("asked.approve", outcome="refused", change=CHANGE, text="<!channel> not you"),
    ]
    async with store.writing() as tx:
        for each in entries:
            await tx.audit.add(each)
    async with store.reading() as tx:
        assert await tx.audit.list() == entries
        assert await tx.audit.list(change=CHANGE) == entries[1:]
        assert await tx.audit.list(limit=1) == entries[:1]


async def test_details_that_json_does_not_know_are_written_as_text(store: SqlStore) -> None:
    async with store.writing() as tx:
        await tx.audit.add(entry("x", detail={"at": NOW}))
    async with store.reading() as tx:
        [found] = await tx.audit.list()
    assert found.detail == {"at": "2026-03-04 14:05:00+00:00"}
