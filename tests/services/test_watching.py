"""Listening to Argo CD: what moves there wakes the change that waits for it, over a real stream."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import update
from structlog.testing import capture_logs

from bot.domain.identity import ChangeId
from bot.domain.lifecycle import State
from bot.services.watching import APART, LISTENING, Watching
from bot.store.tables import changes
from tests import examples
from tests.desk import NOBODY_THERE, TIPHYS_YAML, Office, open_office, served
from tests.examples import HOUR, NOW


class Stream:
    """The end of Argo CD that is listened to: it tells of a move when a test wants it."""

    def __init__(self) -> None:
        self.listeners = 0
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()

    def tell(self, application: str, namespace: str = "argocd") -> None:
        spec = {"project": "apm", "destination": {"server": "s", "namespace": "apm"}}
        metadata = {"name": application, "namespace": namespace, "resourceVersion": "7", "uid": "u1"}
        event = {"result": {"type": "MODIFIED", "application": {"metadata": metadata, "spec": spec, "status": {}}}}
        self.lines.put_nowait(f"data: {json.dumps(event)}\n\n".encode())

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/v1/stream/applications", self._stream)
        return app

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.listeners += 1
        try:
            while _is_listened_to(request):
                await response.write(b"" if self.lines.empty() else self.lines.get_nowait())
                await asyncio.sleep(0.01)
            return response
        finally:
            self.listeners -= 1


def _is_listened_to(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


class Watched:
    """A desk whose Argo CD is listened to."""

    def __init__(self, office: Office, stream: Stream) -> None:
        self.office, self.desk, self.stream = office, office.desk, stream
        self.watching = Watching(
            self.desk.store, office.adapters.argocd, self.desk.source, self.desk.clock, self.desk.bells
        )

    async def follow(self) -> None:
        await self.watching.follow()
        await until(lambda: self.stream.listeners == 1)

    async def put(self, state: State, environment: str = "production", number: int = 1) -> ChangeId:
        """A change that is to be looked at in an hour."""
        change = examples.merged_change(
            state, id=ChangeId(f"01HZX3K6Q4T8V2M5N7P9R1S3W{number}"), environment=environment, due_at=NOW + HOUR
        )
        return (await self.desk.put(change)).id

    async def wait_again(self, change: ChangeId) -> None:
        """It was looked at, and there is nothing to do for another hour."""
        async with self.desk.store.writing() as tx:
            await tx.changes.swap(replace(await tx.changes.get(change), due_at=NOW + HOUR))

    async def due(self, change: ChangeId) -> datetime | None:
        return (await self.desk.get(change)).due_at


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 8
    while True:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    stream = Stream()
    async with served(stream.app()) as url, open_office(tmp_path, TIPHYS_YAML.replace(NOBODY_THERE, url)) as office:
        watched = Watched(office, stream)
        yield watched
        await watched.watching.close()


@pytest.mark.parametrize("state", sorted(LISTENING))
async def test_a_move_wakes_the_change_that_waits_for_it(watched: Watched, state: State) -> None:
    change = await watched.put(state)
    await watched.follow()
    watched.stream.tell("apm-stack-production")

    async def woken() -> bool:
        return await watched.due(change) == NOW

    await until(woken)


async def test_other_changes_are_left_to_their_own_time(watched: Watched) -> None:
    """The stages are gone through in their order, so staging was passed by when production is woken."""
    busy = await watched.put(State.SYNCING, "staging", number=2)
    waiting = await watched.put(State.MERGED)
    await watched.follow()
    watched.stream.tell("apm-stack-staging")  # the first word of a stream means that anything may have moved

    async def woken() -> bool:
        return await watched.due(waiting) == NOW

    await until(woken)
    assert await watched.due(busy) == NOW + HOUR


async def test_it_is_woken_at_most_once_a_second_and_only_by_its_own_application(watched: Watched) -> None:
    other = await watched.put(State.MERGED, "staging", number=2)
    change = await watched.put(State.MERGED)
    await watched.follow()
    watched.stream.tell("apm-stack-production")

    async def both_woken() -> bool:
        return {await watched.due(change), await watched.due(other)} == {NOW}

    await until(both_woken)
    await watched.wait_again(change)
    await watched.wait_again(other)
    watched.stream.tell("apm-stack-production")

    async def woken_again() -> bool:
        return await watched.due(change) == NOW + APART

    await until(woken_again)
    assert await watched.due(other) == NOW + HOUR


async def test_a_change_that_cannot_be_read_does_not_end_the_watch(watched: Watched) -> None:
    """A newer version may have written it."""
    newer = await watched.put(State.MERGED, "staging", number=2)
    change = await watched.put(State.MERGED)
    async with watched.desk.store.writing() as tx:
        await tx.connection.execute(update(changes).where(changes.c.id == newer).values(document="{}"))
    await watched.follow()
    with capture_logs() as logs:
        watched.stream.tell("apm-stack-staging")  # the first word of a stream: anything may have moved
        await until(lambda: any(told["event"] == "watch.crashed" for told in logs))
    watched.stream.tell("apm-stack-production")

    async def woken() -> bool:
        return await watched.due(change) == NOW

    await until(woken)


async def test_an_instance_that_moved_is_listened_to_where_it_is_now(watched: Watched) -> None:
    await watched.follow()
    elsewhere = Stream()
    async with served(elsewhere.app()) as url:
        file = watched.office.file
        old = watched.desk.source.current.argocd["main"].server
        file.write_text(file.read_text("utf-8").replace(old, url), "utf-8")
        assert watched.desk.source.reload() == []
        await watched.office.adapters.follow(watched.desk.source.current)
        await watched.watching.follow()
        await until(lambda: (watched.stream.listeners, elsewhere.listeners) == (0, 1))
        await watched.watching.follow()
        assert elsewhere.listeners == 1
        await watched.watching.close()
