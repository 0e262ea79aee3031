"""The watch over a real socket: recorded streams, late headers, lost ends, refusals, slow consumers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.domain.pipeline import ArgocdInstance, ArgocdReference
from bot.integrations.argocd.client import ArgocdClient
from bot.integrations.argocd.transport import Patience
from bot.integrations.argocd.watch import FIELDS, Moved
from bot.tasks import TaskSet
from tests.integrations.argocd.conftest import IMPATIENT, SOON, TOKEN, Argocd, recorded_stream, reference, until
from tests.integrations.replay import Answer, FixedClock

PATH = "/api/v1/stream/applications"


class Listener:
    """Someone who iterates the watch and keeps what he heard."""

    def __init__(self, stream: AsyncGenerator[ArgocdReference | None, None]) -> None:
        self.stream = stream
        self._heard: asyncio.Queue[ArgocdReference | None] = asyncio.Queue()

    async def listen(self) -> None:
        async for moved in self.stream:
            self._heard.put_nowait(moved)

    async def next(self) -> ArgocdReference | None:
        return await asyncio.wait_for(self._heard.get(), SOON)

    @property
    def has_heard_nothing_more(self) -> bool:
        return self._heard.empty()


@asynccontextmanager
async def listening(
    replay: Argocd, clock: FixedClock, *, patience: Patience = IMPATIENT, projects: tuple[str, ...] = ()
) -> AsyncIterator[Listener]:
    instance = ArgocdInstance(name="main", server=replay.url, token=TOKEN)
    async with (
        ArgocdClient(instance, clock=clock, patience=patience, projects=projects) as client,
        aclosing(client.watch()) as stream,
    ):
        listener, tasks = Listener(stream), TaskSet("test")
        tasks.start(listener.listen(), name="listener")
        try:
            yield listener
        finally:
            await tasks.close()


async def test_the_opening_snapshot_means_anything_and_what_follows_is_named(replay: Argocd, clock: FixedClock) -> None:
    chunks = recorded_stream("stream_applications", "SSE with a small projection")["chunks"]
    async with listening(replay, clock) as listener:
        connection = await replay.connection()
        connection.send(*chunks[:11])
        assert await listener.next() is None  # it lives
        assert await listener.next() is None  # the snapshot is over, and the subscription has begun
        connection.send(*chunks[11:])
        assert await listener.next() == reference("apm-small")


async def test_what_is_asked(replay: Argocd, clock: FixedClock) -> None:
    async with listening(replay, clock, projects=("apm", "other")):
        await replay.connection()
        (seen,) = replay.requests
        assert seen.query == [("projects", "apm"), ("projects", "other"), ("fields", FIELDS)]
        assert seen.headers["Accept"] == "text/event-stream"
        assert "error" in FIELDS.split(",")


async def test_something_new_and_something_gone_after_the_snapshot(replay: Argocd, clock: FixedClock) -> None:
    async with listening(replay, clock) as listener:
        connection = await replay.connection()
        connection.event("ADDED", "old")
        assert [await listener.next(), await listener.next()] == [None, None]
        connection.event("ADDED", "new", namespace="team-a")
        assert await listener.next() == reference("new", namespace="team-a")
        connection.event("DELETED", "old")
        assert await listener.next() == reference("old")


async def test_a_change_within_the_snapshot_is_not_kept_back(replay: Argocd, clock: FixedClock) -> None:
    async with listening(replay, clock, patience=replace(IMPATIENT, settle=60, settle_most=60)) as listener:
        connection = await replay.connection()
        connection.event("ADDED", "one")
        assert await listener.next() is None
        connection.event("MODIFIED", "one")
        assert await listener.next() == reference("one")


async def test_a_snapshot_that_never_falls_quiet_is_over_in_the_end(replay: Argocd, clock: FixedClock) -> None:
    async with listening(replay, clock, patience=replace(IMPATIENT, settle=60, settle_most=0.1)) as listener:
        connection = await replay.connection()
        connection.event("ADDED", "one")
        connection.event("ADDED", "two")
        assert [await listener.next(), await listener.next()] == [None, None]


async def test_a_life_as_the_watch_tells_it(replay: Argocd, clock: FixedClock) -> None:
    """Created, synced and deleted while we watch, as recorded."""
    chunks = recorded_stream("stream_lifecycle", "create, sync, delete")["chunks"]
    async with listening(replay, clock) as listener:
        connection = await replay.connection()
        connection.send(*chunks[:11])
        assert [await listener.next(), await listener.next()] == [None, None]
        connection.send(*chunks[11:])
        assert await listener.next() == reference("apm-tmp")


async def test_an_application_that_changes_its_project_is_told_under_both(replay: Argocd, clock: FixedClock) -> None:
    async with listening(replay, clock) as listener:
        connection = await replay.connection()
        connection.event("ADDED", "wanderer", project="apm")
        assert [await listener.next(), await listener.next()] == [None, None]
        connection.event("MODIFIED", "wanderer", project="other")
        told = {await listener.next(), await listener.next()}
        assert told == {reference("wanderer", project="apm"), reference("wanderer", project="other")}


async def test_no_headers_before_the_first_event(replay: Argocd, clock: FixedClock) -> None:
    """Where nothing is visible nothing comes at all, no headers either: after the silence it is tried again."""
    async with listening(replay, clock, patience=replace(IMPATIENT, silence=0.1)) as listener:
        await replay.connection()
        connection = await replay.connection()
        connection.event("ADDED", "late")
        assert await listener.next() is None


async def test_comments_keep_a_quiet_stream_alive(replay: Argocd, clock: FixedClock) -> None:
    silence = 0.3
    opening, *comments = recorded_stream("stream_applications", "SSE with a snapshot, then quiet")["chunks"]
    async with listening(replay, clock, patience=replace(IMPATIENT, silence=silence)) as listener:
        connection = await replay.connection()
        connection.send(opening)
        assert [await listener.next(), await listener.next()] == [None, None]
        loop = asyncio.get_running_loop()
        end = loop.time() + 2 * silence
        while loop.time() < end:
            connection.send(comments[0])
            await asyncio.sleep(silence / 6)
        assert not connection.closed.is_set()
        assert listener.has_heard_nothing_more
        assert len(replay.requests) == 1


@pytest.mark.parametrize("orderly", [True, False])
async def test_a_stream_that_ends_is_opened_again_and_all_is_looked_at(
    replay: Argocd, clock: FixedClock, *, orderly: bool
) -> None:
    """A stopping server closes the connection without a final chunk: as normal as the other end."""
    chunks = recorded_stream("stream_server_restart", "SSE, server stopped")["chunks"]
    with capture_logs() as logs:
        async with listening(replay, clock) as listener:
            connection = await replay.connection()
            connection.send(*chunks)
            assert await listener.next() is None
            if orderly:
                connection.end()
            else:
                connection.cut()
            again = await replay.connection()
            again.event("ADDED", "apm-small")
            heard = await listener.next()
            while heard is not None:
                heard = await listener.next()
    assert [entry["event"] for entry in logs if entry["log_level"] != "debug"] == []


async def test_trouble_is_told_once_and_so_is_its_end(replay: Argocd, clock: FixedClock) -> None:
    refusals = [503, 502, 401, 401, 500]

    async def refuse(request: web.Request) -> web.StreamResponse:
        if refusals:
            return Answer(status=refusals.pop(), body={"error": {"http_code": 0, "message": "no"}}).response()
        return await replay.open_stream(request)

    replay.on("GET", PATH, refuse)
    with capture_logs() as logs:
        async with listening(replay, clock) as listener:
            connection = await replay.connection()
            connection.event("ADDED", "one")
            assert await listener.next() is None
    told = [entry["event"] for entry in logs if entry["log_level"] != "debug"]
    assert told == ["argocd.watch.failing", "argocd.watch.recovered"]


async def test_a_token_that_is_refused_is_not_tried_again_soon(replay: Argocd, clock: FixedClock) -> None:
    stream = recorded_stream("stream_applications", "no token, SSE")
    refusal = Answer(status=401, content_type=stream["content_type"], text=stream["chunks"][0])
    replay.on("GET", PATH, refusal)
    with capture_logs() as logs:
        async with listening(replay, clock, patience=replace(IMPATIENT, back_off_denied=60, relist=0.05)) as listener:
            assert await listener.next() is None  # the reminder goes on: people still look
            assert await listener.next() is None
            await until(lambda: bool(logs))
    assert len(replay.requests) == 1
    assert [(entry["event"], entry["instance"]) for entry in logs] == [("argocd.watch.failing", "main")]
    assert TOKEN not in str(logs)


async def test_an_error_within_the_stream_ends_it(replay: Argocd, clock: FixedClock) -> None:
    async with listening(replay, clock) as listener:
        connection = await replay.connection()
        connection.event("ADDED", "one")
        assert await listener.next() is None
        # An error chunk has no newline at its end.
        connection.send('{"error":{"grpc_code":14,"http_code":503,"message":"broken pipe","http_status":"x"}}')
        connection.end()
        await replay.connection()


@pytest.mark.parametrize(
    "garbage", ["data: {]\n\n", "data: {}\n\n", 'data: {"result":{"application":[]}}\n\n', "{{{\n"]
)
async def test_what_is_not_understood_ends_the_stream_and_not_the_watch(
    replay: Argocd, clock: FixedClock, garbage: str
) -> None:
    async with listening(replay, clock) as listener:
        connection = await replay.connection()
        connection.event("ADDED", "one")
        assert await listener.next() is None
        connection.send(garbage)
        again = await replay.connection()
        again.event("ADDED", "one")
        assert await listener.next() is None


async def test_a_sign_on_page_is_no_stream(replay: Argocd, clock: FixedClock) -> None:
    replay.on("GET", PATH, Answer(content_type="text/html", text="<html>sign on</html>"))
    with capture_logs() as logs:
        async with listening(replay, clock):
            await until(lambda: any(entry["log_level"] == "warning" for entry in logs))
    (told,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert "something other than Argo CD answered: text/html" in told["reason"]


async def test_lines_without_data_are_read_too(replay: Argocd, clock: FixedClock) -> None:
    """What comes where a proxy widened our Accept."""
    chunks = recorded_stream("stream_applications", "NDJSON with a small projection")["chunks"]
    async with listening(replay, clock) as listener:
        connection = await replay.connection()
        connection.send(*chunks)
        assert [await listener.next(), await listener.next()] == [None, None]


async def test_a_slow_consumer_does_not_stop_the_reader(replay: Argocd, clock: FixedClock) -> None:
    instance = ArgocdInstance(name="main", server=replay.url, token=TOKEN)
    async with ArgocdClient(instance, clock=clock, patience=IMPATIENT) as client, aclosing(client.watch()) as stream:
        tasks = TaskSet("test")
        first = tasks.start(anext(stream), name="first")
        connection = await replay.connection()
        connection.event("ADDED", "one")
        assert await asyncio.wait_for(first, SOON) is None
        assert await asyncio.wait_for(anext(stream), SOON) is None
        for number in range(3000):
            connection.event("MODIFIED", ("one", "two", "three")[number % 3])
        connection.event("MODIFIED", "last")
        await until(lambda: connection.is_drained)
        heard = set()
        async with asyncio.timeout(SOON):
            while reference("last") not in heard:
                heard.add(await anext(stream))
        assert heard == {reference(name) for name in ("one", "two", "three", "last")}


async def test_closing_ends_the_connection(replay: Argocd, clock: FixedClock) -> None:
    async with listening(replay, clock) as listener:
        connection = await replay.connection()
        connection.event("ADDED", "one")
        assert await listener.next() is None
    await asyncio.wait_for(connection.closed.wait(), SOON)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("argocd.main")]


async def test_moved_tells_each_once_in_order_and_anything_covers_all() -> None:
    moved = Moved()
    for name in ("a", "b", "a", "c"):
        moved.add(reference(name))
    assert [await moved.next(), await moved.next()] == [reference("a"), reference("b")]
    moved.add_anything()
    moved.add_anything()
    assert await moved.next() is None
    moved.add(reference("a"))
    assert await moved.next() == reference("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(moved.next(), 0.01)
