"""The daily tidying: rows by the one who runs the periodic scans, mirrors by everybody, and what fails waits."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.audit import AuditEntry
from bot.domain.identity import UserId
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.integrations.git import upkeep
from bot.integrations.git.mirror import Mirror
from bot.ports import Git
from bot.services import tidying
from bot.services.tidying import KEPT, Tidying
from bot.store.migrate import upgrade
from bot.store.store import SqlStore
from tests.desk import SetClock
from tests.examples import MINUTE, NOW
from tests.integrations.git.forge import GitServer

NAME = "example/apm"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    await upgrade(url)
    opened = SqlStore(url)
    yield opened
    await opened.close()


@pytest.fixture
async def mirrors(tmp_path: Path) -> AsyncIterator[dict[str, Git]]:
    """Two: of the first the remote is away."""
    server = GitServer(tmp_path / "served")
    await server.start()
    server.create(NAME)
    server.commit(NAME, "main", {"a.yaml": "a: 1\n"})
    found = {
        "away": Mirror(tmp_path / "away.git", "http://127.0.0.1:9/away.git", ""),
        "apm": Mirror(tmp_path / "apm.git", server.url(NAME), ""),
    }
    yield dict(found)
    for mirror in found.values():
        await mirror.close()
    await server.stop()


async def record(store: SqlStore, key: str, minutes: int) -> None:
    at = NOW + minutes * MINUTE
    act = Incoming(id=key, kind=IncomingKind.CLICK, user=UserId("U0DEV1"), channel=None)
    entry = AuditEntry(at=at, actor="U0DEV1", action="received.click", outcome="done", text="…")
    await store.record(act, Ack(), entry, done=True)


async def left(store: SqlStore) -> set[str]:
    async with store.reading() as tx:
        rows = await tx.connection.exec_driver_sql("SELECT id FROM inbound")
        return {row.id for row in rows}


async def test_what_is_older_than_a_month_is_forgotten_in_pages(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "PAGE", 2)
    for number in range(5):
        await record(store, f"old-{number}", -1)
    await record(store, "new", 1)
    with capture_logs() as logs:
        await Tidying(store, {}, SetClock(NOW + KEPT)).tidy()
    assert await left(store) == {"new"}
    [told] = logs
    assert (told["event"], told["inbound"], told["outbox"]) == ("tidying.forgotten", 5, 0)


async def test_only_who_runs_the_periodic_scans_forgets(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(store, "old", -1)
    with monkeypatch.context() as patched:
        patched.setattr(SqlStore, "leads", False)
        await Tidying(store, {}, SetClock(NOW + KEPT)).tidy()
    assert await left(store) == {"old"}


async def test_a_remote_that_is_away_keeps_no_other_mirror_from_being_packed(
    store: SqlStore, mirrors: dict[str, Git], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "MANY", 1)
    with capture_logs() as logs:
        await Tidying(store, mirrors, SetClock()).tidy()
    told = {line["event"]: line.get("repository") for line in logs if line["event"].startswith("tidying.")}
    assert told == {"tidying.forgotten": None, "tidying.not_repacked": "away", "tidying.repacked": "apm"}
