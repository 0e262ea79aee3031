"""Faults where a server answers by raising, as for a route that it does not have."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.traffic import Fault, FaultKind, Traffic
from tests.desk import served


@asynccontextmanager
async def server(traffic: Traffic) -> AsyncIterator[str]:
    app = web.Application(middlewares=[traffic.middleware("slack")])
    async with served(app) as url:
        yield url


@pytest.mark.parametrize("do", ["apply_then_reset", "kill_after"])
async def test_an_answer_that_was_raised_is_lost_like_any_other(do: FaultKind) -> None:
    traffic, killed = Traffic(), list[str]()

    async def kill(name: str) -> None:
        killed.append(name)

    traffic.kill = kill
    traffic.add_fault(Fault(id="", service="slack", do=do))
    async with server(traffic) as url, aiohttp.ClientSession() as session:
        traffic.assign_port(int(url.rpartition(":")[2]), "bot-1")
        with pytest.raises(aiohttp.ClientError):
            await session.post(f"{url}/no/such/route")
    [entry], _ = traffic.requests()
    assert (entry.status, entry.applied) == (404, False)
    assert killed == (["bot-1"] if do == "kill_after" else [])


@pytest.mark.parametrize("status", [200, 204, 302, 304])
async def test_a_fault_may_answer_as_a_login_page_or_a_redirect_does(status: int) -> None:
    traffic = Traffic()
    traffic.add_fault(Fault(id="", service="slack", do="html", status=status, headers={"Location": "/login"}))
    async with (
        server(traffic) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/api/auth.test", allow_redirects=False) as answer,
    ):
        body = await answer.text()
    assert (answer.status, answer.headers["Location"]) == (status, "/login")
    assert ("<html>" in body) == (status not in (204, 304))


def test_numbers_go_on_after_a_restart() -> None:
    before, after = Traffic(), Traffic()
    before.add_fault(Fault(id="", service="slack", do="reset"))
    after.load(before.dump())
    assert after.add_fault(Fault(id="", service="slack", do="reset")).id == "F2"
    assert after.faults()[0].id == "F2"
