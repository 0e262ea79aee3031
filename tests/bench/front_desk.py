"""The front half of the product in a process of its own: connection, listeners, front and database; no worker.

`python -m tests.bench.front_desk API_URL FOLDER [PORT]`: `tiphys.yaml` lies in the folder, and what it records stays
due. With a port Slack comes there, over HTTP.
"""

import asyncio
import sys
from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

import commands
from bot import logs
from bot.adapters import Adapters
from bot.chat.command import Services
from bot.chat.front import ChatFront
from bot.chat.registry import load_commands
from bot.clock import SystemClock
from bot.config.source import ConfigurationSource
from bot.redaction import Redaction
from bot.sandbox.seeded import TOKENS
from bot.services.access import Access
from bot.services.alerts.acting import AlertActs
from bot.services.alerts.digests import AlertDigests
from bot.services.alerts.listing import AlertListing
from bot.services.alerts.silences import Silences
from bot.services.alerts.silencing import Silencing
from bot.services.channels import Channels
from bot.services.deciding import Decisions
from bot.services.outbox import OutboxQueue
from bot.services.outside import Outside
from bot.services.promoting import Promotions
from bot.services.reports import Reports
from bot.settings import Settings
from bot.slack.connection import SlackConnection
from bot.store.migrate import upgrade
from bot.store.store import SqlStore
from bot.wake import Bells
from bot.web.server import start_server
from bot.web.slack_events import slack_events_routes
from tests.desk import ENVIRON


async def main(api_url: str, folder: Path, port: int | None = None) -> None:
    settings = Settings(
        _env_file=None, slack_bot_token=SecretStr(TOKENS.slack_bot), slack_api_url=api_url, tiphys_data=folder,
        slack_app_token=SecretStr(TOKENS.slack_app) if port is None else None,
        slack_signing_secret=SecretStr(TOKENS.slack_signing_secret),
    )  # fmt: skip
    source = ConfigurationSource(folder / "tiphys.yaml", lambda: ENVIRON)
    logs.configure(Redaction(settings.secrets()), format="json")
    await upgrade(settings.database)
    clock, bells, store = SystemClock(), Bells(), SqlStore(settings.database)
    slack = SlackConnection(settings, clock=clock, home_only=True)
    adapters = Adapters(folder / "mirrors", clock)
    outside = Outside(argocd=adapters.argocd, git=adapters.git, forges=adapters.forges, directory=slack.directory)
    access = Access(slack.directory, source)
    reports = Reports(store, outside, access, source, clock)
    acts = AlertActs(store, access, slack.directory, source, clock, bells)
    services = Services(
        promotions=Promotions(store, access, outside, Channels(slack.directory), source, clock, bells),
        decisions=Decisions(store, access, outside, source, clock, bells), reports=reports, access=access,
        alert_acts=acts, alert_listing=AlertListing(store, access, adapters.alertmanagers, source),
        alert_digests=AlertDigests(store, adapters.alertmanagers, source, clock, bells),
        silencing=Silencing(store, access, acts, adapters.alertmanagers, slack.directory, source, clock, bells),
        silences=Silences(store, access, adapters.alertmanagers, slack.directory, source, clock, bells),
    )  # fmt: skip
    front = ChatFront(store, services, load_commands(commands), source, clock, bells)
    await slack.start(front, OutboxQueue(store, reports, clock, source), bells, source.current.slack)
    if port is not None:
        app = web.Application()
        app.add_routes(slack_events_routes(slack.receive, TOKENS.slack_signing_secret, clock))
        await start_server(app, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])))
