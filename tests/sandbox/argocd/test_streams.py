"""The watch: silent before the first event, cut at the end, filtered, kept alive (sheet 5.3)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.sandbox.seeded import TOKENS
from tests.sandbox.argocd.conftest import World, Worlds, overlay

STAGING = "apm-stack-staging"
FIELDS = "result.type,result.application.metadata.name,result.application.status.health.status,error"


@asynccontextmanager
async def raw(world: World, path: str, accept: str = "*/*") -> AsyncIterator[asyncio.StreamReader]:
    """A bare connection: what comes over the wire, byte by byte."""
    host, _, port = world.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}:{port}", f"Authorization: Bearer {TOKENS.argocd_tiphys}")
    writer.write("\r\n".join([*lines, f"Accept: {accept}", "", ""]).encode())
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
@pytest.mark.parametrize("query", ["resourceVersion=1", "resourceVersion=abc", "name=nope", "projects=nope"])
async def test_5_3_no_byte_comes_before_the_first_event(worlds: Worlds, accept: str, query: str) -> None:
    world = await worlds.start(speed=1)
    async with raw(world, f"/api/v1/stream/applications?{query}", accept) as reader:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read(1)


async def test_5_3_with_a_resource_version_the_first_change_brings_the_headers(world: World) -> None:
    async with raw(world, "/api/v1/stream/applications?resourceVersion=1") as reader:
        world.git.commit(overlay("staging", web="2.0.0"))
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_5_3_the_end_has_no_final_chunk(world: World) -> None:
    async with world.api.stream("GET", "/api/v1/stream/applications") as response:
        lines = response.aiter_lines()
        assert json.loads(await anext(lines))["result"]["type"] == "ADDED"
        await world.service.close()
        with pytest.raises(httpx.RemoteProtocolError):
            [line async for line in lines]


async def test_5_3_the_snapshot_is_one_added_per_application(world: World) -> None:
    async with world.watching(STAGING) as seen:
        await world.refresh(STAGING)
        await world.seen(seen, lambda events: len(events) > 1)
    assert [event["type"] for event in seen[:2]] == ["ADDED", "MODIFIED"]


async def test_5_3_sse_frames_and_the_keep_alive_after_the_first_event(worlds: Worlds) -> None:
    world = await worlds.start(speed=100)
    path = f"/api/v1/stream/applications?name={STAGING}&fields={FIELDS}"
    async with raw(world, path, "text/event-stream") as reader:
        while await reader.readline() != b"\r\n":
            pass
        await reader.readline()
        data = await reader.readline()
        assert data.startswith(b'data: {"result":{"application":{"metadata":{"name":"apm-stack-staging"}')
        assert data.endswith(b"} \n")
        rest = await reader.readuntil(b":\n\r\n")
        assert rest.startswith(b"\n\n")


async def test_5_3_an_accept_list_is_not_sse(world: World) -> None:
    headers = {"Accept": "text/event-stream, */*"}
    async with world.api.stream("GET", "/api/v1/stream/applications", headers=headers) as response:
        assert response.headers["Content-Type"] == "application/json"


async def test_5_3_identical_payloads_are_suppressed(world: World) -> None:
    fields = FIELDS.removeprefix("result.type,")
    path = f"/api/v1/stream/applications?name={STAGING}&fields={fields}"
    async with world.api.stream("GET", path) as response:
        lines = response.aiter_lines()
        await anext(lines)
        await world.refresh(STAGING)
        health = {"resource": "Deployment/web", "status": "Degraded", "message": "x"}
        await world.act(STAGING, "health", **health)
        assert json.loads(await anext(lines))["result"]["application"]["status"]["health"]["status"] == "Degraded"


async def test_5_3_a_deleted_application_is_told(world: World) -> None:
    async with world.watching(STAGING) as seen:
        assert (await world.admin.delete(f"/api/v1/applications/{STAGING}")).json() == {}
        await world.seen(seen, lambda events: events[-1]["type"] == "DELETED")
    gone = await world.api.get(f"/api/v1/applications/{STAGING}", params={"project": "apm"})
    assert gone.status_code == 404


async def test_5_3_the_tree_stream_tells_changes_only(world: World) -> None:
    path = f"/api/v1/stream/applications/{STAGING}/resource-tree"
    async with raw(world, path) as reader:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(1)
        await world.act(STAGING, "drift", resource="Deployment/web", patch={"spec": {"replicas": 3}})
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
