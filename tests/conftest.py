"""What all tests share: the long matrices on demand, a real PostgreSQL, and no proxy before their own servers."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from bot.store.migrate import upgrade
from tests.databases import fresh
from tests.nursery import NURSERY
from tests.postgresql import Cluster, need_programs
from tests.sampling import draw, spread

for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(variable, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long matrices whole, not a sample of them")
    parser.addoption(
        "--sample", nargs="?", const=date.today().isoformat(), metavar="SEED",  # noqa: DTZ011 - any day will do
        help="tell some of the scenarios only; without a seed it is the day",
    )  # fmt: skip


def pytest_report_header(config: pytest.Config) -> str:
    """With what the same tests are run again."""
    seed = config.getoption("--sample")
    return f"scenarios: the sample of --sample={seed}" if seed else "scenarios: all"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the whole matrices to `--long`, and measurements to `-m bench`; begin with what takes longest."""
    wants_benches = "bench" in str(config.option.markexpr)
    left_out = [
        item
        for item in items
        if (item.get_closest_marker("long") and not config.getoption("--long"))
        or (item.get_closest_marker("bench") and not wants_benches)
    ]
    if seed := config.getoption("--sample"):
        told = {item.nodeid: str(item.path) for item in items if _is_of_a_world(item) and item not in left_out}
        drawn = draw(told, seed)
        left_out += [item for item in items if item.nodeid in told and item.nodeid not in drawn]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: "test_kill_matrix" not in item.nodeid)
    items[:] = spread(items, longest=_takes_long, workers=int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _takes_long(item: pytest.Item) -> bool:
    return "tests/scenarios/" in item.nodeid or "tests/properties/" in item.nodeid


def _is_of_a_world(item: pytest.Item) -> bool:
    """Whether it has a sandbox of its own, on either database: see `tests/scenarios/conftest.py`."""
    return isinstance(item, pytest.Function) and "database" in item.fixturenames


@pytest.fixture(scope="session", autouse=True)
def nursery() -> Iterator[None]:
    """Ended at the end, if anybody asked for it."""
    yield
    NURSERY.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of our own; skips where there is none, which is a failure under CI."""
    made = Cluster(need_programs())
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def migrated(cluster: Cluster) -> str:
    """The name of a database of the newest schema, to be copied."""
    name = cluster.create()
    with ThreadPoolExecutor(1) as aside:  # whoever asks first may be inside a running loop
        aside.submit(lambda: asyncio.run(upgrade(cluster.url(name)))).result()
    return name


@pytest.fixture
def postgresql(cluster: Cluster, migrated: str) -> Iterator[str]:
    """The address of a fresh PostgreSQL database of the newest schema."""
    name = cluster.create(template=migrated)
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture
async def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh database: on SQLite; with `tests.databases.BOTH` as its parameters on both."""
    return await fresh(request, tmp_path)


@pytest.fixture
def empty_postgresql(cluster: Cluster) -> Iterator[str]:
    """The address of a PostgreSQL database without any schema."""
    name = cluster.create()
    yield cluster.url(name)
    cluster.drop(name)
