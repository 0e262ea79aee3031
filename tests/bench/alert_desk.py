"""Receivers of alerts in a process of their own. `python -m tests.bench.alert_desk bare|storing|absorbing FOLDER PORT`:

`bare` is aiohttp that parses JSON and commits one row, `storing` our route and store, `absorbing` with the worker too.
"""

import asyncio
import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from bot import logs
from bot.clock import SystemClock
from bot.domain.alerts.policy import AlertSource, AlertsPolicy
from bot.domain.identity import ChannelId
from bot.integrations.alertmanager.webhook import check_snapshot, read_snapshot
from bot.redaction import Redaction
from bot.services.alerts.absorbing import Absorbing
from bot.services.alerts.opening import Opening
from bot.store.migrate import upgrade
from bot.store.store import SqlStore
from bot.tasks import TaskSet
from bot.wake import Bells
from bot.web.alert_webhooks import PATH, AlertWebhooks
from bot.web.server import start_server
from tests.bench.bare_rows import open_rows
from tests.desk import configuration

TASKS = TaskSet("bench")
TOKEN = "made-up-token-of-the-bench"


async def bare(folder: Path) -> list[web.RouteDef]:
    record, numbers = await open_rows(folder), itertools.count()

    async def take(request: web.Request) -> web.Response:
        await record({"trigger_id": str(next(numbers)), **json.loads(await request.text())})
        return web.Response(status=202)

    return [web.post(PATH, take)]


async def ours(folder: Path, *, absorbs: bool) -> list[web.RouteDef]:
    url = f"sqlite+aiosqlite:///{folder}/tiphys.db"
    logs.configure(Redaction([]), format="json")
    await upgrade(url)
    store, bells, clock = SqlStore(url), Bells(), SystemClock()
    one = AlertSource(name="default", webhook_tokens=(TOKEN,))
    policy = AlertsPolicy(sources={"default": one}, channel=ChannelId("C0ALERTS"))

    class Source:
        current = replace(configuration(), alerts=policy)

    async def take_in(source: str, body: str) -> None:
        await store.take_in(source, body, clock.now())
        bells.intake.ring()

    if absorbs:
        worker = Absorbing(store, read_snapshot, Opening(Source()), Source(), clock, bells)
        TASKS.start(worker.run(), name="absorbing")
    return AlertWebhooks(lambda: policy.sources, check_snapshot, take_in).routes()


async def main(kind: str, folder: Path, port: int) -> None:
    app = web.Application()
    app.add_routes(await bare(folder) if kind == "bare" else await ours(folder, absorbs=kind == "absorbing"))
    await start_server(app, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
