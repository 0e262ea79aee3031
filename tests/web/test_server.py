"""What the server itself answers, before any of our routes is asked."""

import pytest
from aiohttp import web

from bot.web.server import start_server
from tests.web.raw import ask, exchange


@pytest.mark.parametrize("path", ["/known", "/unknown"])
@pytest.mark.parametrize("expected", [b"\x80", b"miracles", "früh"])
async def test_what_nobody_knows_cannot_be_expected(path: str, expected: str | bytes) -> None:
    async def known(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/known", known)
    runner = await start_server(app, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        assert (await ask(url, "GET", path, [("Expect", expected)])).status == 417
        assert (await ask(url, "GET", "/known", [])).status == 200
    finally:
        await runner.cleanup()


async def test_no_versions_are_named() -> None:
    runner = await start_server(web.Application(), "127.0.0.1", 0)
    try:
        answered = await ask(f"http://127.0.0.1:{runner.addresses[0][1]}", "GET", "/unknown", [])
        assert (answered.status, "server" in answered.headers) == (404, False)
    finally:
        await runner.cleanup()


async def test_a_port_in_use_is_said() -> None:
    runner = await start_server(web.Application(), "127.0.0.1", 0)
    try:
        with pytest.raises(OSError, match="in use"):
            await start_server(web.Application(), "127.0.0.1", runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def test_errors_of_ours_are_logged_and_what_others_send_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError("ours")

    app = web.Application()
    app.router.add_get("/broken", broken)
    runner = await start_server(app, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        assert (await exchange(url, b"GET / HTTP/1.1\r\nhush-hush\r\n\r\n")).status == 400
        assert caplog.text == ""
        assert (await ask(url, "GET", "/broken", [])).status == 500
        assert "ours" in caplog.text
    finally:
        await runner.cleanup()
