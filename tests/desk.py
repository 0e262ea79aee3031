"""The middle of the bot over a real database, a real configuration file and a real directory of people.

People act by `Desk.take`, `work` works their acts off, and rows and answers are read back. Argo CD, Git and GitHub are
the real adapters at addresses where nobody answers: what a test does not need is down, not pretended.
"""

import asyncio
import itertools
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy import func, select

import commands
from bot.adapters import Adapters
from bot.chat.command import Command, Services
from bot.chat.front import ChatFront
from bot.chat.inbox import InboxWorker
from bot.chat.registry import load_commands
from bot.config.loading import load
from bot.config.source import ConfigurationSource
from bot.domain.audit import AuditEntry
from bot.domain.change import Change
from bot.domain.identity import ChangeId, ChannelId, UserId
from bot.domain.incoming import Ack, Incoming, IncomingKind
from bot.domain.outgoing import Outgoing
from bot.domain.pipeline import Configuration
from bot.sandbox.feed import Feed
from bot.sandbox.seeded import TOKENS
from bot.sandbox.slack.service import SlackService
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.traffic import Fault, FaultKind, Traffic
from bot.services.access import Access
from bot.services.alerts.acting import AlertActs
from bot.services.alerts.digests import AlertDigests
from bot.services.alerts.listing import AlertListing
from bot.services.alerts.silences import Silences
from bot.services.alerts.silencing import Silencing
from bot.services.channels import Channels
from bot.services.deciding import Decisions
from bot.services.outside import Outside
from bot.services.promoting import Promotions
from bot.services.reports import Reports
from bot.slack.app import Home, new_session, web_client
from bot.slack.directory import SlackDirectory
from bot.slack.manifest import SCOPES
from bot.store.engine import close_engine, open_engine
from bot.store.store import SqlStore, StoreTransaction
from bot.store.tables import approvals, audit_entries, changes, inbound, outbox
from bot.wake import Bells
from tests import examples
from tests.databases import sqlite_in

NOBODY_THERE = "http://127.0.0.1:9"
TIPHYS_YAML = f"""\
version: 1
slack: {{admin_channel: C0ADMIN}}
people:
  developer: {{slack: [U0DEV1], github: [dev-one]}}
argocd:
  main: {{server: {NOBODY_THERE}, token: {{env: ARGOCD_AUTH_TOKEN}}}}
repositories:
  apm: {{github: example/apm, token: {{env: GITHUB_TOKEN}}}}
environments:
  development: {{aliases: [dev], sync: automated}}
  staging: {{aliases: [stg], sync: manual, channel: C0STAGING}}
  production:
    aliases: [prod]
    sync: controlled
    channel: C0DEPLOY
    approvals: {{needed: 2, from: [role:release], notify: S0PLATFORM, expire: 8h, valid_for: 4h}}
applications:
  apm-stack:
    repository: apm
    strategy: {{type: kustomize-images, branch: main, path: "deployments/k8s/overlays/{{environment}}"}}
    argocd: {{instance: main, project: apm, namespace: argocd, name: "apm-stack-{{environment}}"}}
    stages:
      development: {{}}
      staging: {{from: development}}
      production: {{from: staging}}
permissions:
  default: role:readonly
  policy: |
    p, role:developer, changes, promote, */*, allow
    p, role:developer, changes, sync, */staging, allow
    p, role:release, changes, promote, */*, allow
    p, role:release, changes, approve, */production, allow
    p, role:release, changes, abort, */*, allow
    p, role:release, changes, sync, */*, allow
    g, S0PLATFORM, role:release
    g, U0DEV1, role:developer
"""
NOBODY_MAY = (
    TIPHYS_YAML.replace("default: role:readonly", "default: role:nothing").replace("U0DEV1, role", "U0ADMIN, role")
    + "    g, U0GONE, role:nothing\n"
)
"""The same, but looking too is a right that one has to be given."""
ENVIRON = {
    "ARGOCD_AUTH_TOKEN": "argocd-token-1", "GITHUB_TOKEN": "github-token-1", "GITHUB_API_URL": NOBODY_THERE,
    "ALERTMANAGER_WEBHOOK_TOKEN": "alert-token-1",
}  # fmt: skip
MANIFEST: dict[str, Any] = {
    "features": {"slash_commands": [{"command": "/gitops", "description": "everything"}]},
    "oauth_config": {"scopes": {"bot": list(SCOPES)}},
    "settings": {"socket_mode_enabled": True, "event_subscriptions": {"bot_events": ["app_mention"]}},
}
TABLES = (changes, approvals, audit_entries, inbound, outbox)
COMMANDS: tuple[Command, ...] = load_commands(commands)


@dataclass
class SetClock:
    """A clock that is set by hand."""

    at: datetime = examples.NOW

    def now(self) -> datetime:
        return self.at


class HeldStore(SqlStore):
    """The real store, whose writers wait until they are let go: whoever is at something stays at it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.is_held, self.go_on = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[StoreTransaction]:
        self.is_held.set()
        await self.go_on.wait()
        async with super().writing() as tx:
            yield tx


class Desk:
    """One bot without its outer ends: what people do goes in by hand, what it would show stays in the outbox."""

    def __init__(self, url: str, source: ConfigurationSource, directory: SlackDirectory, adapters: Adapters) -> None:
        self.url, self.source, self.clock, self.bells = url, source, SetClock(), Bells()
        self.store = SqlStore(url)
        outside = Outside(argocd=adapters.argocd, git=adapters.git, forges=adapters.forges, directory=directory)
        self.outside = outside
        self.access = Access(directory, source)
        self.reports = Reports(self.store, outside, self.access, source, self.clock)
        self.decisions = Decisions(self.store, self.access, outside, source, self.clock, self.bells)
        channels = Channels(directory)
        self.alert_acts = AlertActs(self.store, self.access, directory, source, self.clock, self.bells)
        alertmanagers = adapters.alertmanagers
        self.services = Services(
            promotions=Promotions(self.store, self.access, outside, channels, source, self.clock, self.bells),
            decisions=self.decisions, reports=self.reports, access=self.access, alert_acts=self.alert_acts,
            alert_listing=AlertListing(self.store, self.access, alertmanagers, source),
            alert_digests=AlertDigests(self.store, alertmanagers, source, self.clock, self.bells),
            silencing=Silencing(
                self.store, self.access, self.alert_acts, alertmanagers, directory, source, self.clock, self.bells
            ),
            silences=Silences(self.store, self.access, alertmanagers, directory, source, self.clock, self.bells),
        )  # fmt: skip
        self.front = ChatFront(self.store, self.services, COMMANDS, source, self.clock, self.bells)
        self.inbox = self.worker()
        self._ids = itertools.count(1)

    def worker(self, store: SqlStore | None = None) -> InboxWorker:
        """Another worker of the same inbox, as after a restart."""
        return InboxWorker(store or self.store, self.services, COMMANDS, self.source, self.clock, self.bells)

    def act(self, kind: IncomingKind, user: str, **facts: Any) -> Incoming:
        """What somebody does, with an id of its own."""
        known = {"id": f"trigger-{next(self._ids)}", "channel": ChannelId("C0DEPLOY")}
        return Incoming(kind=kind, user=UserId(user), **(known | facts))

    def command(self, user: str, words: str, **facts: Any) -> Incoming:
        return self.act(IncomingKind.COMMAND, user, action="gitops", text=words, **facts)

    def click(self, user: str, action: str, change: Change, **facts: Any) -> Incoming:
        """A press on the change's card as it is now."""
        return self.act(IncomingKind.CLICK, user, action=action, **({"value": value_of(change)} | facts))

    def submission(self, user: str, action: str, change: Change, **facts: Any) -> Incoming:
        return self.act(IncomingKind.SUBMISSION, user, action=action, **({"value": value_of(change)} | facts))

    async def take(self, incoming: Incoming) -> Ack:
        return await self.front.take(incoming)

    async def work(self, worker: InboxWorker | None = None) -> None:
        """Work off what is due now."""
        await (worker or self.inbox).sweep()
        await self.worked_off()

    async def worked_off(self) -> None:
        """Wait until nothing is due and nobody is at anything."""
        deadline = time.monotonic() + 10
        while await self.due_acts() or any(task.get_name().startswith("inbox.") for task in asyncio.all_tasks()):
            assert time.monotonic() < deadline, "the inbox is not worked off"
            await asyncio.sleep(0.002)

    async def tell(self, incoming: Incoming) -> str:
        """Take it and work it off; what the asker is told, at once or later."""
        ack = await self.take(incoming)
        await self.work()
        return ack.text.plain if ack.text else await self.answer(incoming)

    async def due_acts(self) -> int:
        async with self.store.reading() as tx:
            return await tx.inbound.count_due(self.clock.now())

    async def put(self, change: Change) -> Change:
        """Store a change as it is given."""
        async with self.store.writing() as tx:
            inserted = await tx.changes.insert(change)
            return await tx.changes.swap(replace(change, number=inserted.number, version=inserted.version))

    async def get(self, change: ChangeId = examples.CHANGE) -> Change:
        async with self.store.reading() as tx:
            return await tx.changes.get(change)

    async def audit(self, action: str = "") -> list[AuditEntry]:
        async with self.store.reading() as tx:
            return [entry for entry in await tx.audit.list() if entry.action.startswith(action)]

    async def outgoing(self) -> list[Outgoing]:
        """All that waits to be shown."""
        async with self.store.writing() as tx:
            return await tx.outbox.list_due(self.clock.now(), limit=1000)

    async def notes(self) -> list[str]:
        return [item.text.plain for item in await self.outgoing() if item.key.startswith("note:") and item.text]

    async def answer(self, incoming: Incoming, what: str = "") -> str:
        """What the outbox holds for the asker."""
        texts = [item.text for item in await self.outgoing() if item.key == f"answer{what}:{incoming.id}"]
        return texts[0].plain if texts and texts[0] else ""

    async def count(self, table: str) -> int:
        return (await self.counts())[table]

    async def counts(self) -> dict[str, int]:
        """How many rows every table has: a repeated delivery changes none of it."""
        engine = open_engine(self.url, writes=False)
        try:
            async with engine.connect() as connection:
                columns = [select(func.count()).select_from(table).scalar_subquery() for table in TABLES]
                row = (await connection.execute(select(*columns))).one()
        finally:
            await close_engine(engine)
        return {table.name: number for table, number in zip(TABLES, row, strict=True)}


@dataclass(frozen=True)
class Office:
    """A desk and the workspace around it."""

    desk: Desk
    adapters: Adapters
    people: Workspace
    traffic: Traffic
    file: Path

    def silence(self, method: str, do: FaultKind = "status", **more: Any) -> None:
        """Slack gives no good answer to this method any more."""
        self.traffic.add_fault(Fault(id="", service="slack", path=re.compile(re.escape(method)), do=do, **more))


def value_of(change: Change) -> str:
    return json.dumps({"change": change.id, "fingerprint": change.fingerprint or ""})


@asynccontextmanager
async def open_office(home: Path, yaml: str = TIPHYS_YAML, *, url: str | None = None) -> AsyncIterator[Office]:
    """A workspace on a socket with the seeded people, and a desk over a fresh database: in `home`, or at `url`."""
    file = home / "tiphys.yaml"
    file.write_text(yaml, "utf-8")
    source = ConfigurationSource(file, lambda: ENVIRON)
    if url is None:
        url = await sqlite_in(home)
    async with AsyncExitStack() as closing:
        traffic = Traffic()
        service = SlackService(traffic, Feed())
        service.install(MANIFEST)
        closing.push_async_callback(service.close)
        address = await closing.enter_async_context(served(service.app()))
        service.base_url = address
        session = await closing.enter_async_context(new_session())
        client = web_client(TOKENS.slack_bot, f"{address}/api/", session)
        directory = SlackDirectory(client, Home(client))
        closing.push_async_callback(directory.close)
        adapters = Adapters(home / "mirrors", SetClock())
        await adapters.follow(source.current)
        closing.push_async_callback(adapters.close)
        desk = Desk(url, source, directory, adapters)
        closing.push_async_callback(desk.store.close)
        closing.push_async_callback(desk.inbox.close)
        yield Office(desk, adapters, service.parts.workspace, traffic, file)


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def configuration(yaml: str = TIPHYS_YAML) -> Configuration:
    """What a file says, without a desk."""
    found = load(yaml, file="tiphys.yaml", environ=ENVIRON, read_file=lambda path: Path(path).read_text("utf-8"))
    assert not isinstance(found, list), "\n".join(map(str, found))
    return found
