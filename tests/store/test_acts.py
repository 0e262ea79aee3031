"""Rows of acts, written by a bare cursor: each once, whatever the database."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from bot.domain.incoming import Ack
from bot.domain.request import Answer
from bot.domain.text import Text
from bot.store.acts import Act, ActRows
from bot.store.audit import audit_row
from bot.store.engine import open_blocking_engine
from bot.store.inbound import inbound_row
from bot.store.outbox import answer_row
from bot.store.tables import audit_entries, inbound, outbox
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


def counted(connection: Connection) -> list[int]:
    return [
        connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
        for table in ("inbound", "audit_entries", "outbox")
    ]


async def test_each_is_written_once_and_a_second_delivery_answered(connection: Connection) -> None:
    rows, driver = ActRows(connection.dialect), connection.connection.driver_connection
    given = (await an_act("a")).received["ack"]
    with connection.begin():
        assert rows.write_all(driver, [await an_act("a"), await an_act("b"), await an_act("a")]) == [None, None, given]
        assert rows.write_all(driver, [await an_act("b"), await an_act("c")]) == [given, None]
        assert counted(connection) == [3, 3, 0]


async def test_what_is_to_be_shown_is_written_with_a_first_one_alone(connection: Connection) -> None:
    rows, driver = ActRows(connection.dialect), connection.connection.driver_connection
    answer = Answer.refusal("unknown-button", Text.of("no such button"))
    made = replace(await an_act("a"), answered=answer_row(act("a").request, answer, now=NOW))
    with connection.begin():
        assert rows.write_all(driver, [made, made])[0] is None
        assert counted(connection) == [1, 1, 1]
        [row] = connection.execute(select(outbox)).all()
    assert (row.key, row.created_at, row.attempts) == ("answer:a", NOW, 0)


async def test_columns_keep_their_values(connection: Connection) -> None:
    rows, made = ActRows(connection.dialect), await an_act("a")
    with connection.begin():
        rows.write_all(connection.connection.driver_connection, [made])
        [received] = connection.execute(select(inbound)).mappings().all()
        [audited] = connection.execute(select(audit_entries)).mappings().all()
    assert {name: received[name] for name in made.received} == made.received
    assert {name: audited[name] for name in made.audited} == made.audited


async def test_the_drivers_errors_are_those_of_the_store(connection: Connection) -> None:
    rows, made = ActRows(connection.dialect), await an_act("a")
    broken = replace(made, received={**made.received, "kind": None})
    with pytest.raises(IntegrityError), connection.begin(), rows.errors_as_usual():
        rows.write_all(connection.connection.driver_connection, [made, broken, made])
    with connection.begin():
        assert counted(connection) == [0, 0, 0]
