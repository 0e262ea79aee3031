"""The whole bot beside real Alertmanagers (the shipped configuration) and a real Prometheus (the shipped rules)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from aiohttp import web

from bot.sandbox.seeded import TOKENS
from tests.alertmanager import (
    Alertmanager,
    alertmanager,
    alertmanager_pair,
    example_configuration,
    firing,
    need_programs,
    resolved,
    until,
)  # fmt: skip
from tests.desk import served
from tests.prometheus import prometheus
from tests.scenarios.conftest import sandbox
from tests.scenarios.workspace import Message, Workspace

pytestmark = pytest.mark.alertmanager

LABELS = {
    "alertname": "HighErrorRate", "severity": "critical", "tiphys_application": "apm-stack",
    "tiphys_environment": "production",
}  # fmt: skip
SYNC_FAILED = (
    'argocd_app_sync_total{name="apm-gateway-staging",namespace="argocd",project="apm",phase="Failed",'
    'dest_server="https://kubernetes.default.svc"} 1\n'
)


@dataclass
class Site:
    """A running sandbox and the address of its bot."""

    workspace: Workspace
    bot: str

    @classmethod
    async def of(cls, workspace: Workspace) -> Self:
        [bot] = (await workspace.call("GET", "/api/ready"))["urls"]["bots"]
        return cls(workspace, bot)

    async def ask(self, url: str) -> None:
        """From now on this is the API of the source `default`; a setting, so that the bot starts anew."""
        stop = {"bot": "bot-1", "do": "stop", "env": {"ALERTMANAGER_URL": url}}
        await self.workspace.call("POST", "/api/bots", stop)
        await self.workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start"})

    async def cards(self) -> list[Message]:
        return [m for m in await self.workspace.messages("alerts")
                if (m.data.get("metadata") or {}).get("event_type") == "tiphys_alert"]  # fmt: skip

    async def says(self, name: str, *words: str, without: str | None = None) -> Message:
        """Wait until the only card of that name says all of this."""

        async def look() -> Message | None:
            cards = [card for card in await self.cards() if card.text.startswith(f"{name}: ")]
            assert len(cards) == 1
            [card] = cards
            said = f"{card.text}\n{card.plain}"
            return card if all(w in said for w in words) and (without is None or without not in said) else None

        try:
            found: Message = await self.workspace.until(look, wants=f"one card of {name} that says {words}")
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {[card.plain for card in await self.cards()]}") from None
        return found

    async def thread_says(self, name: str, *words: str) -> None:
        """Wait until the thread of that card has these words, each in one reply and no more."""

        async def look() -> bool:
            replies = (await self.says(name)).replies
            return [sum(word in reply for reply in replies) for word in words] == [1] * len(words)

        await self.workspace.until(look, wants=f"a thread of {name} that says {words} once")


@dataclass
class Relay:
    """Hands webhooks to the bot, and its answers back when `answers` is set."""

    url: str = ""
    bot: str = ""
    told: list[str] = field(default_factory=list)  # by whom, each time
    statuses: set[int] = field(default_factory=set)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        body, answers = await request.read(), self.answers
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.bot}/webhooks/alertmanager", content=body, headers=headers)
        self.statuses.add(answer.status_code)
        self.told.append(json.loads(body)["externalURL"])
        await answers.wait()
        return web.Response(status=answer.status_code, text=answer.text)


@asynccontextmanager
async def open_relay() -> AsyncIterator[Relay]:
    relay, app = Relay(), web.Application()
    app.router.add_post("/webhooks/alertmanager", relay.handle)
    async with served(app) as relay.url:
        try:
            yield relay
        finally:
            relay.answers.set()


def webhooks_to(address: str, folder: Path) -> str:
    """The shipped configuration, for whoever is to tell the bot there."""
    token = folder / "token"
    token.write_text(TOKENS.alertmanager)
    return example_configuration(f"{address}/webhooks/alertmanager", token)


def high_error_rate(service: str) -> dict[str, Any]:
    return firing(datetime.now(UTC) - timedelta(seconds=30), {**LABELS, "service": service})


async def silences(real: Alertmanager) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(trust_env=False) as http:
        return list((await http.get(f"{real.url}/api/v2/silences")).json())


async def a_group_from_fire_to_end(site: Site, real: Alertmanager) -> None:
    workspace = site.workspace
    one, other = high_error_rate("apm-api"), high_error_rate("apm-worker")
    await real.post(one, other)
    await site.says("HighErrorRate", "HighErrorRate: firing", "2 firing", "apm-api", "apm-worker", "production")
    await real.post(resolved(one))
    card = await site.says("HighErrorRate", "1 firing", "1 resolved")

    view = (await workspace.click("approver-1", "alert.silence", card))["view_id"]
    [opened] = [view for view in await workspace.views("approver-1") if view["open"]]
    assert "Matches 1 alert that fires now (HighErrorRate)." in opened["plain"]
    fields = {"duration": "1h", "matchers": 'service="apm-worker"\nalertname="HighErrorRate"', "comment": "known"}
    assert "errors" not in await workspace.submit("approver-1", view, fields)
    await workspace.told("approver-1", "Silenced until")
    card = await site.says("HighErrorRate", "silenced until")
    [silence] = await silences(real)
    assert (silence["status"]["state"], silence["createdBy"]) == ("active", "approver-1 (U0APPR1)")
    assert silence["comment"].startswith("known (tiphys:")

    view = (await workspace.click("approver-2", "silence.extend", card))["view_id"]
    assert "errors" not in await workspace.submit("approver-2", view, {"duration": "4h", "comment": "still known"})
    await workspace.told("approver-2", "The silence is extended until")
    card = await site.says("HighErrorRate", "silenced until", "still known")
    [longer] = await silences(real)
    assert (longer["id"], longer["createdBy"]) == (silence["id"], silence["createdBy"])
    assert longer["endsAt"] > silence["endsAt"]
    await workspace.click("approver-2", "silence.expire", card)
    await workspace.told("approver-2", "The silence is ended")
    await site.says("HighErrorRate", "HighErrorRate: firing", "1 firing", without="silenced until")
    [silence] = await silences(real)
    assert silence["status"]["state"] == "expired"

    await real.post(resolved(other))
    over = await site.says("HighErrorRate", "HighErrorRate: resolved")
    assert (over.ts, over.actions) == (card.ts, set())


async def test_a_real_alertmanagers_group_and_a_shipped_rule_of_a_real_prometheus(tmp_path: Path) -> None:
    exposed = [SYNC_FAILED]

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(text="".join(exposed))

    need_programs()
    app = web.Application()
    app.router.add_get("/metrics", metrics)
    async with AsyncExitStack() as stack:
        site = await Site.of(await stack.enter_async_context(sandbox(tmp_path / "home", "--speed", "10")))
        real = await stack.enter_async_context(alertmanager(webhooks_to(site.bot, tmp_path)))
        address = (await stack.enter_async_context(served(app))).removeprefix("http://")
        tells = real.url.removeprefix("http://")
        async with asyncio.TaskGroup() as starts:
            starts.create_task(site.ask(real.url))
            beside = prometheus(tmp_path / "prometheus", scrapes=address, tells=tells)
            starts.create_task(stack.enter_async_context(beside))
        rule = "ArgocdApplicationSyncFailed"
        card = await site.says(
            rule, f"{rule}: firing", "apm-gateway", "staging", "A sync of apm-gateway-staging failed"
        )
        await a_group_from_fire_to_end(site, real)
        exposed.clear()
        over = await site.says(rule, f"{rule}: resolved", "apm-gateway", "staging")
        assert over.ts == card.ts
        assert len(await site.cards()) == 2


async def test_a_pair_has_one_card_whoever_of_it_tells_and_however_often(tmp_path: Path) -> None:
    need_programs()
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(open_relay())
        async with asyncio.TaskGroup() as starts:
            home = starts.create_task(stack.enter_async_context(sandbox(tmp_path / "home", "--speed", "10")))
            pair = starts.create_task(stack.enter_async_context(alertmanager_pair(webhooks_to(relay.url, tmp_path))))
        site, (first, second) = await Site.of(home.result()), pair.result()
        relay.bot = site.bot
        await site.ask(second.url)

        async def both(*alerts: dict[str, Any]) -> None:
            """Tell both, and have both tell the bot: the answer to the first comes too late for the other."""
            relay.told, relay.answers = [], asyncio.Event()
            await asyncio.gather(*(each.post(*alerts) for each in (first, second)))
            await until(lambda: set(relay.told) == {first.url, second.url})
            relay.answers.set()

        one, other = high_error_rate("apm-api"), high_error_rate("apm-worker")
        await both(one, other)
        card = await site.says("HighErrorRate", "HighErrorRate: firing", "2 firing")
        await first.stop()  # the other one goes on alone
        await second.post(resolved(one))
        await site.says("HighErrorRate", "1 firing", "1 resolved")
        await first.start()
        await both(resolved(other))
        over = await site.says("HighErrorRate", "HighErrorRate: resolved")
        assert (over.ts, over.actions) == (card.ts, set())
        await site.thread_says("HighErrorRate", "Over: apm-api.", "Resolved after")
        assert relay.statuses == {202}
