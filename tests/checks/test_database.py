"""Every finding about the database, shown by files."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.checks.catalogue import CATALOGUE, Severity
from bot.checks.database import check_database, judge_schema
from bot.checks.finding import Finding
from bot.ports_store import StoreUnavailable
from bot.store.engine import FileLock
from bot.store.migrate import revisions, upgrade
from bot.store.unavailable import DatabaseRefused, raise_if_definite
from tests.postgresql import USER, Cluster

FIRST, LATER = "0001", "9999"
NOBODY_THERE = "postgresql+psycopg://tiphys@127.0.0.1:1/tiphys"


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


async def absent(file: Path) -> None:
    assert not file.exists()


async def current(file: Path) -> None:
    await upgrade(url_of(file))


async def of_the_future(file: Path) -> None:
    await upgrade(url_of(file))
    database = sqlite3.connect(file)
    with database:
        database.execute("UPDATE alembic_version SET version_num = ?", (LATER,))
    database.close()


async def no_database(file: Path) -> None:
    file.write_bytes(b"dear diary, " * 100)


def older(*, migrates_itself: bool) -> Finding:
    """This version's schema, as a version that needs a later one sees it."""
    return judge_schema("tiphys.db", FIRST, LATER, migrates_itself=migrates_itself)


CASES: dict[str, tuple[Callable[[Path], Awaitable[None]], str] | Finding] = {
    "database.current": (current, ": schema 0"),
    "database.empty": (absent, "nothing there yet; `tiphys run` makes it"),
    "database.old": older(migrates_itself=True),
    "database.must-upgrade": older(migrates_itself=False),
    "database.newer": (of_the_future, "schema 9999, this version needs"),
    "database.unusable": (no_database, "file is not a database"),
    "database.refused": (absent, 'role "nobody" does not exist'),
    "database.no-answer": (absent, "Connection refused"),
}
NEEDED = {"database.refused": [pytest.mark.postgresql]}


@pytest.mark.parametrize("slug", [pytest.param(slug, marks=NEEDED.get(slug, ())) for slug in CASES])
async def test_every_finding_is_shown(slug: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    case, file = CASES[slug], tmp_path / "tiphys.db"
    if isinstance(case, Finding):
        finding, words = case, "schema 0001, this version needs 9999"
    else:
        arrange, words = case
        await arrange(file)
        [finding] = await check_database(address_of(slug, file, request))
    assert finding.slug == slug
    assert words in finding.evidence
    assert finding.fix or CATALOGUE[slug].severity is Severity.INFO


def address_of(slug: str, file: Path, request: pytest.FixtureRequest) -> str:
    if slug == "database.refused":
        return str(request.getfixturevalue("empty_postgresql")).replace(f"{USER}@", "nobody@")
    return NOBODY_THERE if slug == "database.no-answer" else url_of(file)


@pytest.mark.postgresql
async def test_what_run_refuses_to_start_with_is_an_error(cluster: Cluster) -> None:
    """As `raise_if_definite` judges it at the start."""
    url = cluster.url("no_such_database")
    with pytest.raises(StoreUnavailable) as raised:
        await revisions(url)
    with pytest.raises(DatabaseRefused):
        raise_if_definite(raised.value)
    [finding] = await check_database(url)
    assert finding.severity is Severity.ERROR
    assert 'database "no_such_database" does not exist' in finding.evidence


async def test_a_running_bot_is_looked_at_beside(tmp_path: Path) -> None:
    """The lock is a running bot's: it says nothing against the database."""
    file = tmp_path / "tiphys.db"
    await upgrade(url_of(file))
    with FileLock(file):
        [finding] = await check_database(url_of(file))
    assert finding.slug == "database.current"


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    [finding] = await check_database(url_of(tmp_path))
    assert finding.slug == "database.unusable"


async def test_nothing_is_made(tmp_path: Path) -> None:
    await check_database(url_of(tmp_path / "deep/in/tiphys.db"))
    assert list(tmp_path.iterdir()) == []


async def test_an_empty_file_stays_empty(tmp_path: Path) -> None:
    file = tmp_path / "tiphys.db"
    file.touch()
    [finding] = await check_database(url_of(file))
    assert finding.slug == "database.empty"
    assert file.read_bytes() == b""


async def test_nothing_is_migrated(tmp_path: Path) -> None:
    file = tmp_path / "tiphys.db"
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE alembic_version (version_num TEXT)")
    database.close()
    [finding] = await check_database(url_of(file))
    assert finding.slug == "database.empty"
    assert (await revisions(url_of(file)))[0] is None


async def test_a_folder_that_is_none_can_hold_no_database(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    [finding] = await check_database(url_of(tmp_path / "file/tiphys.db"))
    assert finding.slug == "database.unusable"
    assert finding.fix == "Let Tiphys write there, or set TIPHYS_DATA"


def test_an_empty_database_that_is_not_migrated_at_start_is_an_error() -> None:
    assert judge_schema("the database", None, FIRST, migrates_itself=False).slug == "database.must-upgrade"
