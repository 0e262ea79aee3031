"""Rows of acts, written by a bare cursor into SQLite: each once, and as they were given."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack
from bot.domain.request import Answer
from bot.domain.text import Text
from bot.store.acts import Act, ActRows, touches
from bot.store.audit import audit_row
from bot.store.commits import errors_as_usual
from bot.store.engine import open_blocking_engine
from bot.store.inbound import inbound_row
from bot.store.migrate import upgrade
from bot.store.outbox import answer_row
from bot.store.tables import audit_entries, inbound, outbox
from tests.examples import HOUR
from tests.store.test_recorder import NOW, act, entry


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    url = f"sqlite+aiosqlite:///{tmp_path}/tiphys.db"
    await upgrade(url)
    engine = open_blocking_engine(url)
    with engine.connect() as made:
        yield made
    engine.dispose()


def an_act(name: str) -> Act:
    return Act(
        id=name, at=NOW, received=inbound_row(act(name), Ack(), now=NOW, done=False), audited=audit_row(entry()),
        answered=None, touch=None, known=asyncio.get_running_loop().create_future(),
    )  # fmt: skip


def write(connection: Connection, *acts: Act) -> list[str | None]:
    rows, cursor = ActRows(connection.dialect), connection.connection.cursor()
    return [rows.write(cursor, one) for one in acts]


def counted(connection: Connection) -> list[int]:
    return [
        connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
        for table in ("inbound", "audit_entries", "outbox")
    ]


async def test_each_is_written_once_and_a_second_delivery_answered(connection: Connection) -> None:
    given = an_act("a").received["ack"]
    with connection.begin():
        assert write(connection, an_act("a"), an_act("b"), an_act("a")) == [None, None, given]
        assert write(connection, an_act("b"), an_act("c")) == [given, None]
        assert counted(connection) == [3, 3, 0]


async def test_what_is_to_be_shown_is_written_with_a_first_one_alone(connection: Connection) -> None:
    answer = Answer.refusal("unknown-button", Text.of("no such button"))
    made = replace(an_act("a"), answered=answer_row(act("a").request, answer, now=NOW))
    with connection.begin():
        assert write(connection, made, made)[0] is None
        assert counted(connection) == [1, 1, 1]
        [row] = connection.execute(select(outbox)).all()
    assert (row.key, row.created_at, row.attempts) == ("answer:a", NOW, 0)


async def test_columns_keep_their_values(connection: Connection) -> None:
    made = an_act("a")
    with connection.begin():
        write(connection, made)
        [received] = connection.execute(select(inbound)).mappings().all()
        [audited] = connection.execute(select(audit_entries)).mappings().all()
    assert {name: received[name] for name in made.received} == made.received
    assert {name: audited[name] for name in made.audited} == made.audited


async def test_the_drivers_errors_are_those_of_the_store(connection: Connection) -> None:
    made = an_act("a")
    broken = replace(made, audited={**made.audited, "actor": None})
    with pytest.raises(IntegrityError), connection.begin(), errors_as_usual(connection.dialect):
        write(connection, broken)
    with connection.begin():
        assert counted(connection) == [0, 0, 0]


async def test_cards_are_touched_once_each_in_one_order_and_by_new_acts_alone() -> None:
    first, second = ChangeId("01JNB0QRS0000000000000000A"), ChangeId("01JNB0QRS0000000000000000B")
    acts = [
        replace(an_act("a"), touch=second), replace(an_act("b"), touch=first, at=NOW + HOUR),
        replace(an_act("c"), touch=first), replace(an_act("d"), touch=ChangeId("0")), an_act("e"),
    ]  # fmt: skip
    assert touches(acts, [None, None, None, "{}", None]) == [(first, NOW + HOUR), (second, NOW)]


async def test_who_has_gone_is_told_nothing_and_nobody_twice() -> None:
    gone, late, taken = an_act("a"), an_act("b"), an_act("c")
    gone.known.cancel()
    late.end(TimeoutError())
    for one in (gone, late, taken):
        one.end("{}")
    assert gone.known.cancelled()
    assert isinstance(late.known.exception(), TimeoutError)
    assert taken.known.result() == "{}"
