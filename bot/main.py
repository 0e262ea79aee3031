"""The composition root: builds everything from the settings, runs it, closes it."""

import asyncio
import signal
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime

import structlog
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

import commands
from bot import logs
from bot.adapters import Adapters
from bot.chat.command import Services
from bot.chat.front import ChatFront
from bot.chat.inbox import InboxWorker
from bot.chat.registry import load_commands
from bot.checking import check_live, look_at_start
from bot.clock import SystemClock
from bot.config.problems import Problem
from bot.config.source import ConfigurationSource
from bot.domain.pipeline import Configuration
from bot.ports import Clock
from bot.ports_store import Store, StoreUnavailable
from bot.redaction import Redaction
from bot.reloading import Reloading
from bot.services.access import Access
from bot.services.approvers import Approvers
from bot.services.channels import Channels
from bot.services.closing import Closing
from bot.services.deciding import Decisions
from bot.services.merging import Merging
from bot.services.names import Names
from bot.services.outbox import OutboxQueue
from bot.services.outside import Outside
from bot.services.promoting import Promotions
from bot.services.proposing import Proposing
from bot.services.reconciler import Reconciler, Steps
from bot.services.reports import Reports
from bot.services.reviewing import Reviewing
from bot.services.syncing import Syncing
from bot.services.watching import Watching
from bot.settings import Settings, environment
from bot.slack.connection import SlackConnection
from bot.store.engine import FileLock, is_sqlite, sqlite_path
from bot.store.migrate import ensure_newest, upgrade
from bot.store.replica import Replica
from bot.store.store import SqlStore
from bot.store.unavailable import raise_if_definite
from bot.tasks import TaskSet
from bot.wake import Bells
from bot.web.health import Readiness, health_routes

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 15
RELOAD_SECONDS = 2
LATE_SECONDS = 60
DATABASE_SECONDS = 2
COUNT_SECONDS = 2


def run(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM; answers the exit code. Raises what makes a start impossible, in words for people."""
    return asyncio.run(Bot(settings).run())


class Bot:
    """One process of the bot. `run` returns after a signal, with everything closed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock: Clock = SystemClock()
        self._bells = Bells()
        self._stopped = asyncio.Event()
        self._slack: SlackConnection | None = None
        self._store: SqlStore | None = None
        self._waits_for = "starting"
        self._counting = TaskSet("readiness")

    async def run(self) -> int:
        settings = self._settings
        redaction = Redaction(settings.secrets())
        logs.configure(redaction, level=settings.log_level, format=settings.log_format)
        source = ConfigurationSource(settings.tiphys_config, environment)
        redaction.add(*source.secrets())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopped.set)
        async with AsyncExitStack() as closing:
            store = self._make_store(closing)
            closing.push_async_callback(self._counting.close)
            await self._serve(closing)
            if await self._open(store):
                await self._compose(closing, source, redaction)
                log.info("bot.started", stages=len(source.current.stages()))
                await self._stopped.wait()
            log.info("bot.stopping")
        log.info("bot.stopped")
        return 0

    def _make_store(self, closing: AsyncExitStack) -> SqlStore:
        """The store, and the lock that makes this process the only one in its place."""
        settings = self._settings
        replica = Replica(settings.tiphys_data.absolute())
        if (path := sqlite_path(settings.database)) is not None:
            closing.enter_context(FileLock(path))
        else:
            closing.enter_context(replica)
        store = SqlStore(settings.database, replica=replica.name)
        closing.push_async_callback(store.close)
        return store

    async def _open(self, store: SqlStore) -> bool:
        """Wait for the database; False when we were stopped meanwhile. Raises what no waiting will mend."""
        url = self._settings.database
        while not self._stopped.is_set():
            try:
                await (upgrade(url) if is_sqlite(url) else ensure_newest(url))
                await store.join(self._bells.ring)
            except StoreUnavailable as error:
                raise_if_definite(error)
                log.warning("database.no_answer", reason=error.reason)
                self._waits_for = f"database: {error.reason}"
                with suppress(TimeoutError):
                    async with asyncio.timeout(DATABASE_SECONDS):
                        await self._stopped.wait()
            else:
                self._store, self._clock = store, store.clock
                return True
        return False

    async def _serve(self, closing: AsyncExitStack) -> None:
        app = web.Application()
        app.add_routes(health_routes(self._readiness))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        closing.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self._settings.listen.host, self._settings.listen.port).start()

    async def _compose(self, closing: AsyncExitStack, source: ConfigurationSource, redaction: Redaction) -> None:
        """Build the graph, from the outside in, and start what runs."""
        clock, bells, store = self._clock, self._bells, self._store
        if store is None:
            raise RuntimeError("the store is opened before the rest is composed")
        adapters = Adapters(self._settings.mirrors, clock)
        closing.push_async_callback(adapters.close)
        await adapters.follow(source.current)
        slack = SlackConnection(self._settings, clock=clock, home_only=source.current.slack.home_workspace_only)
        closing.push_async_callback(slack.close)
        outside = Outside(argocd=adapters.argocd, git=adapters.git, forges=adapters.forges, directory=slack.directory)
        access, names = Access(slack.directory, source), Names(slack.directory)
        approvers = Approvers(store, access, clock)
        reviewing = Reviewing(outside, approvers, clock)
        reports = Reports(store, outside, access, source, clock)
        services = Services(
            promotions=Promotions(store, access, outside, Channels(slack.directory), source, clock, bells),
            decisions=Decisions(store, access, outside, source, clock, bells),
            reports=reports,
            access=access,
        )
        specs = load_commands(commands)
        front = ChatFront(store, services, specs, source, clock, bells)
        steps = Steps(
            proposing=Proposing(outside, names, clock), reviewing=reviewing,
            merging=Merging(outside, reviewing, names, clock), syncing=Syncing(outside, names, clock),
            closing=Closing(outside), approvers=approvers, clock=clock,
        )  # fmt: skip
        reconciler = Reconciler(store, steps, source, clock, bells)
        inbox = InboxWorker(store, services, specs, source, clock, bells)
        watching = Watching(store, adapters.argocd, source, clock, bells)
        reloading = Reloading(source, adapters, watching, redaction, store, clock, bells)
        tasks = TaskSet("bot")
        closing.push_async_callback(tasks.close)
        for worker in (reconciler, inbox, watching):
            closing.push_async_callback(worker.close)
        tasks.start(reconciler.run(), name="reconciler")
        tasks.start(inbox.run(), name="inbox")
        await watching.follow()
        await slack.start(front, OutboxQueue(store, reports, clock), bells.outbox, source.current.slack)
        self._slack = slack
        look = look_at_start(self._settings.tiphys_config, source.current, adapters, store, clock, bells)
        tasks.start(look, name="look-at-start")
        self._schedule(closing, reloading)

    def _schedule(self, closing: AsyncExitStack, reloading: Reloading) -> None:
        """APScheduler is a clock: what is due lives in tables, jobs are made anew at every start."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        options = {"misfire_grace_time": LATE_SECONDS, "coalesce": True, "max_instances": 1}
        scheduler.add_job(self._sweep, "interval", seconds=SWEEP_SECONDS, **options)
        scheduler.add_job(reloading.look, "interval", seconds=RELOAD_SECONDS, **options)
        scheduler.start()
        closing.callback(scheduler.shutdown, wait=False)

    def _sweep(self) -> None:
        """The periodic scan; one of the replicas runs it."""
        if self._store is not None and self._store.leads:
            self._bells.ring_all()

    async def _readiness(self) -> Readiness:
        if self._store is None:
            return Readiness(problems=(self._waits_for,), waiting={})
        problems = ["starting"] if self._slack is None else list(self._slack.problems())
        count = self._counting.start(_count_due(self._store, self._clock.now()), name="count")
        await asyncio.wait({count}, timeout=COUNT_SECONDS)
        if not count.done():
            return Readiness(problems=("database: it does not answer in time", *problems), waiting={})
        waiting = count.result()
        if isinstance(waiting, StoreUnavailable):
            return Readiness(problems=(f"database: {waiting.reason}", *problems), waiting={})
        return Readiness(problems=tuple(problems), waiting=waiting)


async def _count_due(store: Store, now: datetime) -> dict[str, int] | StoreUnavailable:
    """How much waits to be done now."""
    try:
        async with store.reading() as tx:
            return {
                "inbound": await tx.inbound.count_due(now),
                "due": await tx.changes.count_due(now),
                "outbox": await tx.outbox.count_due(now),
            }
    except StoreUnavailable as error:
        return error


def check_online(settings: Settings, configuration: Configuration) -> list[Problem]:
    """What the live systems say against the configuration."""
    return asyncio.run(check_live(settings.tiphys_config, configuration))
