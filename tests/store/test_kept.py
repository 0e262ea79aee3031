"""A kept connection: what is sent at once is answered at once, and after an error or a loss nobody is left waiting."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.errors import ForeignKeyViolation, QueryCanceled
from sqlalchemy import make_url

from bot.store.kept import Found, KeptConnection, answers
from tests.postgresql import Cluster
from tests.store.conftest import eventually

pytestmark = pytest.mark.postgresql
SECONDS = 2


@pytest.fixture
async def kept(postgresql: str) -> AsyncIterator[KeptConnection]:
    opened = await KeptConnection.open(postgresql, SECONDS)
    yield opened
    opened.close()


async def test_each_statement_gives_its_first_value_or_what_it_did(kept: KeptConnection) -> None:
    found = await kept.ask([
        ("SELECT $1::text || $2::int, 'more'", ("a", 1)), ("SELECT NULL", ()), ("SELECT 1 WHERE false", ()),
        ("BEGIN", ()), ("CREATE TABLE x (y int)", ()), ("ROLLBACK", ()),
    ])  # fmt: skip
    assert found == ["a1", None, None, "BEGIN", "CREATE TABLE", "ROLLBACK"]


async def test_it_is_used_for_many_things_in_turn_and_at_once(kept: KeptConnection) -> None:
    found: list[Found] = []
    for number in range(5):
        kept.send([("SELECT $1::int * 2", (number,)), ("SELECT $1::text", (f"n{number}",))], found.append)
    assert await kept.ask([("SELECT 1", ())]) == ["1"]
    assert found == [[str(number * 2), f"n{number}"] for number in range(5)]


async def test_a_statement_is_prepared_once(kept: KeptConnection) -> None:
    for number in range(3):
        await kept.ask([("SELECT $1::int", (number,)), ("SELECT $1::text", ("x",))])
    count = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql IS false"
    assert await kept.ask([(count, ())]) == ["3"]


async def test_text_and_numbers_arrive_as_they_are(kept: KeptConnection) -> None:
    words = "\u00fc \u2192 \U0001f680 ' \" \\ $1 \n"
    assert await kept.ask([("SELECT $1::text", (words,)), ("SELECT $1::bigint", (-(2**60),))]) == [words, str(-(2**60))]


async def test_more_than_the_system_takes_at_once(kept: KeptConnection) -> None:
    large = "x" * 3_000_000
    found = await kept.ask([("SELECT $1::text", (f"{number}{large}",)) for number in range(5)])
    assert found == [f"{number}{large}" for number in range(5)]


async def test_the_first_error_is_told_and_what_came_before_it_undone(kept: KeptConnection, postgresql: str) -> None:
    entry = "INSERT INTO audit_entries (at, actor, action, outcome, text, detail) SELECT $1, 'u', 'x', 'done', '', '{}'"
    bad = ("INSERT INTO approvals (change_id, user_id, person, fingerprint, at) SELECT $1, 'u', 'p', 'f', 1", ("none",))
    found = await kept.ask([(entry, (1,)), bad, (entry, (None,)), ("SELECT 1", ())])
    with pytest.raises(ForeignKeyViolation):
        answers(found)
    kept.close()
    again = await KeptConnection.open(postgresql, SECONDS)
    assert await again.ask([("SELECT count(*) FROM audit_entries", ())]) == ["0"]
    again.close()


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_text_that_the_database_does_not_have_is_refused_and_not_cut_off(kept: KeptConnection, text: str) -> None:
    assert isinstance(await kept.ask([("SELECT $1::text", (text,))]), psycopg.DataError)


async def test_nothing_takes_longer_than_was_said(postgresql: str) -> None:
    kept = await KeptConnection.open(postgresql, 1)
    assert isinstance(await kept.ask([("SELECT pg_sleep(60)", ())]), QueryCanceled)
    kept.close()


async def test_a_connection_that_is_dropped_is_noticed_by_itself(
    kept: KeptConnection, postgresql: str, cluster: Cluster
) -> None:
    assert kept.is_open
    cluster.drop_connections(make_url(postgresql).database or "")
    await eventually(lambda: not kept.is_open)
    assert isinstance(await kept.ask([("SELECT 1", ())]), psycopg.OperationalError)


async def test_who_waits_for_a_connection_that_is_dropped_is_told(
    kept: KeptConnection, postgresql: str, cluster: Cluster
) -> None:
    found: list[Found] = []
    kept.send([("SELECT pg_sleep(60)", ())], found.append)
    kept.send([("SELECT 1", ())], found.append)
    cluster.drop_connections(make_url(postgresql).database or "")
    await eventually(lambda: len(found) == 2)
    assert all(isinstance(one, psycopg.OperationalError) for one in found)
    assert "terminating connection" in str(found[0])


async def test_closing_tells_who_waits_and_may_be_repeated(kept: KeptConnection) -> None:
    found: list[Found] = []
    kept.send([("SELECT pg_sleep(60)", ())], found.append)
    kept.close()
    kept.close()
    assert [type(one) for one in found] == [psycopg.OperationalError]


async def test_who_no_longer_waits_hinders_nobody(kept: KeptConnection) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await kept.ask([("SELECT pg_sleep(0.1)", ())])
    assert await kept.ask([("SELECT 1", ())]) == ["1"]


async def test_what_goes_along_is_not_waited_for_and_its_error_is_nobodys(kept: KeptConnection) -> None:
    assert await kept.ask([("SELECT 1", ()), ("SELECT 2", ())], after=("SELECT pg_sleep(1)", ())) == ["1", "2"]
    assert len(kept._under_way) == 1, "the server is still at it"
    assert await kept.ask([("SELECT 3", ())], after=("SELECT 1 / $1::int", (0,))) == ["3"]
    assert await kept.ask([("SELECT 4", ())]) == ["4"]
