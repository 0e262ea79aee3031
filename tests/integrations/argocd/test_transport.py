"""What the network does: resets, silence, pages, drips, redirections; and what we never do: hurry or keep cookies."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.domain.identity import Revision
from bot.domain.pipeline import ArgocdInstance
from bot.integrations.argocd.client import ArgocdClient
from bot.integrations.argocd.transport import MOST_AT_ONCE
from bot.ports import Unavailable
from tests.integrations.argocd.conftest import IMPATIENT, SOON, STAGING, TOKEN, Argocd, reference
from tests.integrations.replay import Answer, FixedClock

SHA = Revision("4a6e47f5fb778b86be3fa06ae95321d56fbbf840")
Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _against(connection: Connection, clock: FixedClock, *, answer: float = 0.5) -> AsyncIterator[ArgocdClient]:
    """A client of a server that speaks on the wire whatever the test wants."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await connection(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    instance = ArgocdInstance(name="main", server=f"http://127.0.0.1:{port}", token=TOKEN)
    async with server, ArgocdClient(instance, clock=clock, patience=replace(IMPATIENT, answer=answer)) as client:
        yield client


async def _request(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _reset_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _reset_after_the_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.transport.abort()


async def _close_after_the_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)


async def _half_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"metadata":')
    await writer.drain()


async def _not_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(b"220 mail ready\r\n")
    await writer.drain()


async def _bad_compression(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")
    await writer.drain()


async def _silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One byte at a time, each within every read timeout: only a deadline for the whole ends it."""
    await _request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "connection",
    [
        _reset_at_once,
        _reset_after_the_request,
        _close_after_the_request,
        _half_a_body,
        _not_http,
        _bad_compression,
        _silence,
        _drip,
    ],
)
async def test_whatever_the_network_does_is_no_answer(connection: Connection, clock: FixedClock) -> None:
    async with _against(connection, clock) as client:
        with pytest.raises(Unavailable) as unavailable:
            await asyncio.wait_for(client.get(STAGING), SOON)
        assert unavailable.value.system == "argocd"
        with pytest.raises(Unavailable):
            await asyncio.wait_for(client.start_sync(STAGING, revision=SHA, prune=False, infos={}), SOON)


async def test_nobody_listens(clock: FixedClock) -> None:
    server = await asyncio.start_server(_silence, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    instance = ArgocdInstance(name="main", server=f"http://127.0.0.1:{port}", token=TOKEN)
    async with ArgocdClient(instance, clock=clock, patience=IMPATIENT) as client:
        with pytest.raises(Unavailable, match="no connection"):
            await client.version()


@pytest.mark.parametrize("status", [200, 500, 502, 503])
async def test_a_proxys_page(client: ArgocdClient, replay: Argocd, status: int) -> None:
    page = Answer(status=status, content_type="text/html", text="<html>one moment</html>")
    replay.on("GET", "/api/v1/applications/apm-stack-staging", page)
    replay.on("POST", "/api/v1/applications/apm-stack-staging/sync", page)
    with pytest.raises(Unavailable, match="something other than Argo CD answered"):
        await client.get(STAGING)
    with pytest.raises(Unavailable, match="something other than Argo CD answered"):
        await client.start_sync(STAGING, revision=SHA, prune=False, infos={})


async def test_an_answer_about_something_else(client: ArgocdClient, replay: Argocd) -> None:
    replay.on("GET", "/api/v1/applications/apm-stack-staging", Answer(body={}), Answer(body={"metadata": []}))
    for _ in range(2):
        with pytest.raises(Unavailable, match="something other"):
            await client.get(STAGING)


async def test_a_redirection_is_not_followed(client: ArgocdClient, replay: Argocd) -> None:
    replay.on("GET", "/api/version", Answer(status=302, headers={"Location": "/api/v1/settings"}))
    with pytest.raises(Unavailable, match="it sends us to another path"):
        await client.version()
    assert replay.paths == ["GET /api/version"]


async def test_cookies_are_not_kept(client: ArgocdClient, replay: Argocd) -> None:
    cookie = {"Set-Cookie": "argocd.token=stolen; path=/"}
    replay.on("GET", "/api/version", Answer(body={"Version": "v3.5.1"}, headers=cookie))
    await client.version()
    await client.version()
    assert "Cookie" not in replay.requests[1].headers


async def test_the_environments_proxy_is_not_used(
    replay: Argocd, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    replay.on("GET", "/api/version", Answer(body={"Version": "v3.5.1"}))
    instance = ArgocdInstance(name="main", server=replay.url, token=TOKEN)
    async with ArgocdClient(instance, clock=clock, patience=IMPATIENT) as client:
        assert await client.version() == "v3.5.1"


async def test_only_so_many_requests_at_once(client: ArgocdClient, replay: Argocd) -> None:
    crowd = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        if replay.at_once >= MOST_AT_ONCE:
            crowd.set()
        await asyncio.wait_for(crowd.wait(), SOON)
        return Answer(body={"metadata": {"name": request.match_info["tail"].rpartition("/")[2]}}).response()

    for number in range(20):
        replay.on("GET", f"/api/v1/applications/app-{number}", slow)
    found = await asyncio.gather(*(client.get(reference(f"app-{number}")) for number in range(20)))
    assert [live.name for live in found] == [f"app-{number}" for number in range(20)]
    assert replay.most_at_once == MOST_AT_ONCE


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed one for 127.0.0.1, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    file = tmp_path / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=argocd", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


async def test_a_self_signed_certificate_is_trusted_when_named_and_only_then(
    certificate: Path, clock: FixedClock
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{"Version":"v3.5.1"}')
        await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    trusting = ArgocdInstance(name="main", server=address, token=TOKEN, ca_file=f"{certificate}.crt")
    async with server, ArgocdClient(trusting, clock=clock, patience=IMPATIENT) as client:
        assert await client.version() == "v3.5.1"
        async with ArgocdClient(replace(trusting, ca_file=None), clock=clock, patience=IMPATIENT) as wary:
            with pytest.raises(Unavailable, match=r"not trusted.*`ca_file`"):
                await wary.version()


async def test_a_certificate_authority_of_ones_own_must_be_there(clock: FixedClock, tmp_path: Path) -> None:
    instance = ArgocdInstance(name="main", server="https://127.0.0.1", token=TOKEN, ca_file=f"{tmp_path}/absent.pem")
    with pytest.raises(FileNotFoundError):
        ArgocdClient(instance, clock=clock)
