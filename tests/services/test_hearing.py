"""Hearing of a move in a repository: its open changes are due now, at most once a second, and no others."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.change import Change
from bot.domain.identity import ChangeId
from bot.domain.lifecycle import State
from bot.ports_store import StoreUnavailable
from bot.services import hearing
from bot.services.hearing import APART, Hearing
from bot.store.store import SqlStore, StoreTransaction
from tests import examples
from tests.desk import TIPHYS_YAML, Desk, Office, open_office
from tests.examples import HOUR, NOW

OTHER_REPOSITORY = TIPHYS_YAML.replace(
    "repositories:\n", "repositories:\n  web: {github: example/web, token: {env: GITHUB_TOKEN}}\n"
).replace(
    "applications:\n",
    "applications:\n"
    "  web:\n    repository: web\n"
    '    strategy: {type: kustomize-images, branch: main, path: "overlays/{environment}"}\n'
    "    argocd: {project: apm}\n"
    "    stages: {development: {}, staging: {from: development}}\n",
)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path, OTHER_REPOSITORY) as opened:
        yield opened


@pytest.fixture
async def ears(desk: Desk) -> AsyncIterator[Hearing]:
    made = Hearing(desk.store, desk.source, desk.clock, desk.bells)
    yield made
    await made.close()


async def put(desk: Desk, number: int = 1, **more: object) -> Change:
    change = examples.change(State.WAITING_FOR_CHECKS)
    identity = ChangeId(f"01HZX3K6Q4T8V2M5N7P9R1S3W{number}")
    return await desk.put(replace(change, id=identity, due_at=NOW + HOUR, **more))  # type: ignore[arg-type]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 8
    while not await holds():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)


async def test_the_open_changes_of_the_repository_are_due_now(desk: Desk, ears: Hearing) -> None:
    one = await put(desk, 1)
    two = await put(desk, 2, environment="staging")
    other = await put(desk, 3, application="web", environment="staging")
    assert await ears.heard("Example/APM") == 2
    assert {(await desk.get(change.id)).due_at for change in (one, two)} == {NOW}
    assert (await desk.get(other.id)).due_at == NOW + HOUR
    assert (await desk.get(one.id)).state is State.WAITING_FOR_CHECKS


async def test_bells_are_rung_for_it(desk: Desk, ears: Hearing) -> None:
    """For our changes, and for everybody's pull requests."""
    await put(desk)
    await ears.heard("example/apm")
    async with asyncio.timeout(5):
        await desk.bells.changes.wait(3600)
        await desk.bells.pulls.wait(3600)


async def test_a_repository_of_others(desk: Desk, ears: Hearing) -> None:
    change = await put(desk)
    for name in ("example/apm2", "", "apm", "example/apm/", "\ud800"):
        assert await ears.heard(name) is None
    assert (await desk.get(change.id)).version == change.version


async def test_what_is_over_is_left_alone(desk: Desk, ears: Hearing) -> None:
    done = await desk.put(replace(examples.change(State.REJECTED), due_at=None))
    assert await ears.heard("example/apm") == 0
    assert (await desk.get(done.id)).due_at is None


async def test_a_change_is_woken_at_most_once_a_second(desk: Desk, ears: Hearing) -> None:
    change = await put(desk)

    async def wait_again() -> None:
        async with desk.store.writing() as tx:
            await tx.changes.swap(replace(await tx.changes.get(change.id), due_at=NOW + HOUR))

    assert await ears.heard("example/apm") == 1
    await wait_again()
    for _ in range(20):
        await ears.heard("example/apm")
    assert (await desk.get(change.id)).due_at == NOW + APART
    version = (await desk.get(change.id)).version
    await ears.heard("example/apm")
    assert (await desk.get(change.id)).version == version, "it is due soon: nothing is written"


async def test_a_change_that_may_be_looked_at_now_is_woken_once_more_a_little_later(
    desk: Desk, ears: Hearing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "APART", timedelta(seconds=0.05))
    change = await put(desk)
    async with desk.store.writing() as tx:
        await tx.changes.make_due(change.id, NOW)
    under_way = await desk.get(change.id)
    assert await ears.heard("example/apm") == 0
    assert await desk.get(change.id) == under_way, "the step that is under way is not disturbed"
    async with desk.store.writing() as tx:  # the step ends: it saw nothing new
        await tx.changes.swap(replace(under_way, due_at=NOW + HOUR))

    async def woken() -> bool:
        return (await desk.get(change.id)).due_at == NOW

    await until(woken)


class LostStore(SqlStore):
    """The real store, until its database is away."""

    is_away = False

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[StoreTransaction]:
        if self.is_away:
            raise StoreUnavailable("the server is gone")
        async with super().reading() as tx:
            yield tx


async def test_a_database_that_is_away_is_told_and_the_second_look_is_only_a_hint(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "APART", timedelta(seconds=0.05))
    change = await put(desk)
    async with desk.store.writing() as tx:
        await tx.changes.make_due(change.id, NOW)
    store = LostStore(desk.url)
    ears = Hearing(store, desk.source, desk.clock, desk.bells)
    try:
        assert await ears.heard("example/apm") == 0
        store.is_away = True
        with pytest.raises(StoreUnavailable):
            await ears.heard("example/apm")
        with capture_logs() as logs:

            async def said() -> bool:
                return bool(logs)

            await until(said)
    finally:
        await ears.close()
        await store.close()
    assert [line["event"] for line in logs] == ["hearing.no_database"]
