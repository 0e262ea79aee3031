"""Rows of acts, written by a bare cursor: each once, whatever the database."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.domain.incoming import Ack
from bot.store.acts import Act, ActRows
from bot.store.audit import audit_row
from bot.store.engine import open_blocking_engine
from bot.store.inbound import inbound_row
from tests.store.test_recorder import NOW, act, entry


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    engine = open_blocking_engine(url)
    with engine.connect() as made:
        yield made
    engine.dispose()


async def an_act(name: str) -> Act:
    return Act(
        id=name, at=NOW, received=inbound_row(act(name), Ack(), now=NOW, done=False), audited=audit_row(entry()),
        answered=None, touch=None, known=asyncio.get_running_loop().create_future(),
    )  # fmt: skip


async def test_a_first_one_is_written_and_a_second_one_answered(connection: Connection) -> None:
    rows = ActRows(connection.dialect)
    with connection.begin():
        cursor = connection.connection.cursor()
        assert rows.write(cursor, await an_act("a")) is None
        assert rows.write(cursor, await an_act("a")) == (await an_act("a")).received["ack"]
        counted = [connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
                   for table in ("inbound", "audit_entries")]  # fmt: skip
    assert counted == [1, 1]


async def test_the_drivers_errors_are_those_of_the_store(connection: Connection) -> None:
    rows, made = ActRows(connection.dialect), await an_act("a")
    incomplete = {**made.received, "kind": None}
    broken = Act(id="a", at=NOW, received=incomplete, audited=made.audited, answered=None, touch=None, known=made.known)
    with pytest.raises(IntegrityError), connection.begin(), rows.errors_as_usual():
        rows.write(connection.connection.cursor(), broken)
