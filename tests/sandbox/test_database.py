"""The bots' PostgreSQL: migrated before they start, emptied when the world starts over, and never somebody else's."""

import pytest

from bot.domain.audit import AuditEntry
from bot.sandbox.database import ForeignDatabase, is_postgresql, prepare
from bot.store.migrate import ensure_newest, upgrade
from bot.store.store import SqlStore
from tests.examples import NOW

pytestmark = pytest.mark.postgresql


async def entries(url: str, *, add: bool = False) -> int:
    store = SqlStore(url)
    try:
        async with store.writing() as tx:
            if add:
                await tx.audit.add(AuditEntry(at=NOW, actor="U0DEV1", action="x", outcome="done", text=""))
            return len(await tx.audit.list())
    finally:
        await store.close()


async def test_it_is_migrated_kept_and_emptied_when_the_world_starts_over(empty_postgresql: str) -> None:
    await prepare(empty_postgresql.replace("+psycopg", ""), fresh=False)
    await ensure_newest(empty_postgresql)
    await entries(empty_postgresql, add=True)
    await prepare(empty_postgresql, fresh=False)
    assert await entries(empty_postgresql) == 1
    await prepare(empty_postgresql, fresh=True)
    await ensure_newest(empty_postgresql)
    assert await entries(empty_postgresql) == 0


@pytest.mark.parametrize("fresh", [False, True])
async def test_what_no_sandbox_has_written_is_not_touched(empty_postgresql: str, fresh: bool) -> None:
    await upgrade(empty_postgresql)
    await entries(empty_postgresql, add=True)
    with pytest.raises(ForeignDatabase, match="give --database one of its own"):
        await prepare(empty_postgresql, fresh=fresh)
    assert await entries(empty_postgresql) == 1


async def test_one_that_was_migrated_and_never_used_may_be_used(empty_postgresql: str) -> None:
    await upgrade(empty_postgresql)
    await prepare(empty_postgresql, fresh=False)


@pytest.mark.parametrize(
    ("url", "is_one"),
    [("postgresql://h/d", True), ("postgresql+psycopg://h/d", True), ("sqlite:///x.db", False), (None, False)],
)
def test_what_is_postgresql(url: str | None, is_one: bool) -> None:
    assert is_postgresql(url) == is_one
