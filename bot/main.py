"""The composition root: builds everything from the settings, runs it, closes it."""

import asyncio
import gc
import importlib.metadata
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import structlog
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

import commands
from bot import logs
from bot.adapters import Adapters
from bot.asking import Asking, count_due
from bot.chat.command import Services
from bot.chat.front import ChatFront
from bot.chat.inbox import InboxWorker
from bot.chat.registry import load_commands
from bot.checks.at_start import look_at_start
from bot.clock import SystemClock
from bot.config.source import ConfigurationSource
from bot.domain.alerts.policy import AlertSource
from bot.integrations.alertmanager.webhook import check_snapshot, read_snapshot
from bot.metrics import Metrics, Waiting, read_waiting
from bot.ports import Clock
from bot.ports_store import StoreUnavailable
from bot.redaction import Redaction
from bot.reloading import Reloading
from bot.services.access import Access
from bot.services.alerts.absorbing import Absorbing
from bot.services.alerts.acting import AlertActs
from bot.services.alerts.digests import AlertDigests
from bot.services.alerts.firing import FiringNow
from bot.services.alerts.listing import AlertListing
from bot.services.alerts.opening import Opening
from bot.services.alerts.reconciling import Reconciling
from bot.services.alerts.silences import Silences
from bot.services.alerts.silencing import Silencing
from bot.services.alerts.tying import Destinations
from bot.services.alerts.waking import Waking
from bot.services.approvers import Approvers
from bot.services.channels import Channels
from bot.services.closing import Closing
from bot.services.deciding import Decisions
from bot.services.foreign_pulls import ForeignPulls
from bot.services.hearing import Hearing
from bot.services.merging import Merging
from bot.services.names import Names
from bot.services.outbox import OutboxQueue
from bot.services.outside import Outside
from bot.services.outside_syncs import OutsideSyncs
from bot.services.promoting import Promotions
from bot.services.proposing import Proposing
from bot.services.reconciler import Reconciler, Steps
from bot.services.reports import Reports
from bot.services.reviewing import Reviewing
from bot.services.statuses import Statuses
from bot.services.syncing import Syncing
from bot.services.tidying import Tidying
from bot.services.watching import Watching
from bot.settings import Settings, environment
from bot.slack.connection import SlackConnection
from bot.slack.http_mode import HttpAnswer
from bot.stopping import Stopping
from bot.store.engine import FileLock, is_sqlite, sqlite_path
from bot.store.migrate import ensure_newest, upgrade
from bot.store.replica import Replica
from bot.store.store import SqlStore
from bot.store.unavailable import raise_if_definite
from bot.tasks import TaskSet
from bot.wake import Bells
from bot.web.alert_webhooks import AlertWebhooks
from bot.web.argocd_webhooks import ArgocdWebhooks
from bot.web.health import Readiness, health_routes
from bot.web.metrics import metrics_routes
from bot.web.server import start_server
from bot.web.slack_events import slack_events_routes
from bot.web.webhooks import GithubWebhooks

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 15
RELOAD_SECONDS = 2
DESTINATIONS_SECONDS = 300
DIGESTS_SECONDS = 30
LATE_SECONDS = 60
DATABASE_SECONDS = 2
REST_SECONDS, UNPLUG_SECONDS, FLUSH_SECONDS = 4.0, 1.0, 2.0
"""At the end: for steps and acts under way; meanwhile, for Slack's connections; after both, for the outbox."""


def run(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM; answers the exit code. Raises what makes a start impossible, in words for people.

    Ten seconds after a signal the process is over, whatever hangs: see `bot.stopping`.
    """
    return asyncio.run(Bot(settings).run())


class Bot:
    """One process of the bot. `run` returns after a signal, with everything closed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock: Clock = SystemClock()
        self._bells, self._asking = Bells(), Asking()
        self._metrics = Metrics(importlib.metadata.version("tiphys"))
        self._stopping: Stopping | None = None
        self._slack: SlackConnection | None = None
        self._store: SqlStore | None = None
        self._waits_for = "starting"
        self._hearing: Hearing | None = None
        self._watching: Watching | None = None
        self._configuration: ConfigurationSource | None = None
        self._workers: tuple[Reconciler | InboxWorker, ...] = ()

    async def run(self) -> int:
        settings = self._settings
        self._stopping = stopping = Stopping()
        stopping.listen()
        redaction = Redaction(settings.secrets())
        logs.configure(redaction, level=settings.log_level, format=settings.log_format)
        source = ConfigurationSource(settings.tiphys_config, environment)
        redaction.add(*source.secrets())
        self._configuration = source
        async with AsyncExitStack() as closing:
            store = self._make_store(closing)
            closing.push_async_callback(self._asking.close)
            await self._serve(closing)
            gc.enable()  # it was off while everything was loaded
            async with stopping.interrupting():
                await self._open(store)
                await self._compose(closing, source, redaction)
                log.info("bot.started", stages=len(source.current.stages()))
            await stopping.wait()
            log.info("bot.stopping")
            await self._wind_down(stopping)
            stopping.stage = "closing"
        log.info("bot.stopped")
        return 0

    async def _wind_down(self, stopping: Stopping) -> None:
        """Nothing new is begun, what is under way ends, what waits to be shown is shown; each in its time."""
        stopping.stage = "steps and acts under way"
        unplugged = self._slack.stop_listening(UNPLUG_SECONDS) if self._slack else asyncio.sleep(0)
        ended = await asyncio.gather(*(worker.rest(REST_SECONDS) for worker in self._workers), unplugged)
        stopping.stage = "outbox"
        is_silent = self._store is not None and self._store.is_silent  # then the outbox cannot be read
        shown = self._slack is None or await self._slack.flush(0.0 if is_silent else FLUSH_SECONDS)
        log.info("bot.wound_down", cut_off=False in ended, all_shown=shown)

    def _make_store(self, closing: AsyncExitStack) -> SqlStore:
        """The store, and the lock that makes this process the only one in its place."""
        settings = self._settings
        replica = Replica(settings.tiphys_data.absolute())
        if (path := sqlite_path(settings.database)) is not None:
            closing.enter_context(FileLock(path))
        else:
            closing.enter_context(replica)
        store = SqlStore(settings.database, replica=replica.name, on_move=self._metrics.moved)
        closing.push_async_callback(self._close_store, store)
        return store

    async def _close_store(self, store: SqlStore) -> None:
        """Last of all: what is still claimed is handed back by it."""
        self._store = None  # what is served over HTTP is served to the last
        await store.close()

    async def _open(self, store: SqlStore) -> None:
        """Wait for the database. Raises what no waiting will mend."""
        url = self._settings.database
        while self._store is None:
            try:
                await (upgrade(url) if is_sqlite(url) else ensure_newest(url))
                await store.join(self._bells.ring)
                self._store, self._clock = store, store.clock
            except StoreUnavailable as error:
                raise_if_definite(error)
                log.warning("database.no_answer", reason=error.reason)
                self._waits_for = f"database: {error.reason}"
                await asyncio.sleep(DATABASE_SECONDS)

    def routes(self) -> list[web.RouteDef]:
        """All that is served on `TIPHYS_LISTEN`. Without its secret a system could be told from nobody: then not."""
        routes = [*health_routes(self._readiness), *metrics_routes(self._exposition)]
        secret = self._settings.slack_signing_secret
        if self._settings.slack_app_token is None and secret is not None:
            routes += slack_events_routes(self._receive_from_slack, secret.get_secret_value(), SystemClock())
        if (secret := self._settings.github_webhook_secret) is not None:
            routes += GithubWebhooks(secret.get_secret_value(), self._hear).routes()
        if (secret := self._settings.argocd_webhook_token) is not None:
            routes += ArgocdWebhooks(secret.get_secret_value(), self._instances, self._hear_argocd).routes()
        routes += AlertWebhooks(self._sources, check_snapshot, self._take_in, meter=self._metrics).routes()
        return routes

    async def _serve(self, closing: AsyncExitStack) -> None:
        app = web.Application()
        app.add_routes(self.routes())
        runner = await start_server(app, self._settings.listen.host, self._settings.listen.port)
        closing.push_async_callback(runner.cleanup)

    async def _hear(self, repository: str) -> int | None:
        """Before the rest is composed nobody needs to be woken: everything is looked at right after the start."""
        return await self._hearing.heard(repository) if self._hearing else 0

    def _instances(self) -> frozenset[str] | None:
        return None if self._configuration is None else frozenset(self._configuration.current.argocd)

    async def _hear_argocd(self, instance: str, application: str, namespace: str) -> int | None:
        """As with a forge: at first everything is looked at anyway."""
        return await self._watching.heard(instance, application, namespace) if self._watching else 0

    def _sources(self) -> Mapping[str, AlertSource] | None:
        """Who may send alerts, by the configuration in force; None before they can be stored."""
        if self._configuration is None or self._store is None:
            return None
        return self._configuration.current.alerts.sources

    async def _take_in(self, source: str, body: str) -> None:
        """Stored before it is answered, whatever else is not composed yet."""
        if self._store is None:
            raise StoreUnavailable(self._waits_for)
        await self._store.take_in(source, body, self._clock.now())
        self._bells.intake.ring()

    async def _compose(self, closing: AsyncExitStack, source: ConfigurationSource, redaction: Redaction) -> None:
        """Build the graph, from the outside in, and start what runs."""
        clock, bells, store = self._clock, self._bells, self._store
        if store is None:
            raise RuntimeError("the store is opened before the rest is composed")
        adapters = Adapters(self._settings.mirrors, clock, redaction.add_passing, meter=self._metrics)
        closing.push_async_callback(adapters.close)
        await adapters.follow(source.current)
        home_only = source.current.slack.home_workspace_only
        slack = SlackConnection(self._settings, clock=clock, home_only=home_only, meter=self._metrics)
        closing.push_async_callback(slack.close)
        outside = Outside(argocd=adapters.argocd, git=adapters.git, forges=adapters.forges, directory=slack.directory)
        access, names = Access(slack.directory, source), Names(slack.directory)
        approvers = Approvers(store, access, clock)
        firing = FiringNow(store, adapters.alertmanagers, clock)
        reviewing = Reviewing(outside, approvers, firing, clock)
        reports = Reports(store, outside, access, source, clock)
        alert_acts = AlertActs(store, access, slack.directory, source, clock, bells)
        alertmanagers = adapters.alertmanagers
        services = Services(
            promotions=Promotions(store, access, outside, Channels(slack.directory), source, clock, bells),
            decisions=Decisions(store, access, outside, source, clock, bells),
            reports=reports,
            access=access,
            alert_acts=alert_acts,
            silencing=Silencing(store, access, alert_acts, alertmanagers, slack.directory, source, clock, bells),
            silences=Silences(store, access, alertmanagers, slack.directory, source, clock, bells),
            alert_listing=AlertListing(store, access, alertmanagers, source),
            alert_digests=AlertDigests(store, alertmanagers, source, clock, bells),
        )
        specs = load_commands(commands)
        front = ChatFront(store, services, specs, source, clock, bells)
        statuses = Statuses(outside, names)
        steps = Steps(
            proposing=Proposing(outside, names, clock), reviewing=reviewing, statuses=statuses,
            merging=Merging(outside, reviewing, statuses, names, clock),
            syncing=Syncing(outside, names, firing, clock),
            closing=Closing(outside, names), approvers=approvers, clock=clock,
        )  # fmt: skip
        reconciler = Reconciler(store, steps, source, clock, bells, meter=self._metrics)
        inbox = InboxWorker(store, services, specs, source, clock, bells)
        self._hearing = hearing = Hearing(store, source, clock, bells)
        outside_syncs = OutsideSyncs(store, adapters.argocd, source, clock, bells)
        watching = Watching(store, adapters.argocd, source, clock, bells, moved=outside_syncs.moved)
        self._watching = watching
        reloading = Reloading(source, adapters, watching, redaction, store, clock, bells)
        tasks = TaskSet("bot")
        closing.push_async_callback(tasks.close)
        for worker in (reconciler, inbox, watching, hearing):
            closing.push_async_callback(worker.close)
        self._workers = (reconciler, inbox)
        tasks.start(reconciler.run(), name="reconciler")
        tasks.start(inbox.run(), name="inbox")
        destinations = Destinations(adapters.argocd, source)
        opening = Opening(source, destinations.namespace_of)
        waking = Waking(store, firing, source, clock, bells)
        tasks.start(waking.run(), name="waking")
        absorbing = Absorbing(store, read_snapshot, opening, source, clock, bells, waking=waking)
        tasks.start(absorbing.run(), name="absorbing")
        checks = Reconciling(store, adapters.alertmanagers, opening, source, clock, bells, waking=waking)
        tasks.start(checks.run(), name="reconciling-alerts")
        tasks.start(outside_syncs.run(), name="outside-syncs")
        tasks.start(ForeignPulls(store, outside, source, bells).run(), name="foreign-pulls")
        tasks.start(Tidying(store, adapters.git, clock).run(), name="tidying")
        await watching.follow()
        await slack.start(front, OutboxQueue(store, reports, clock, source), bells, source.current.slack)
        self._slack = slack
        look = look_at_start(source.current, adapters, store, clock, bells)
        tasks.start(look, name="look-at-start")
        self._schedule(closing, reloading, destinations, services.alert_digests)

    def _schedule(
        self, closing: AsyncExitStack, reloading: Reloading, destinations: Destinations, digests: AlertDigests
    ) -> None:
        """APScheduler is a clock: what is due lives in tables, jobs are made anew at every start."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        options = {"misfire_grace_time": LATE_SECONDS, "coalesce": True, "max_instances": 1}
        scheduler.add_job(self._sweep, "interval", seconds=SWEEP_SECONDS, **options)
        now = datetime.now(UTC)
        scheduler.add_job(destinations.look, "interval", seconds=DESTINATIONS_SECONDS, next_run_time=now, **options)
        scheduler.add_job(digests.look, "interval", seconds=DIGESTS_SECONDS, **options)
        scheduler.add_job(reloading.look, "interval", seconds=RELOAD_SECONDS, **options)
        scheduler.start()
        closing.callback(scheduler.shutdown, wait=False)

    def _sweep(self) -> None:
        """The periodic scan; one of the replicas runs it."""
        if self._store is not None and self._store.leads:
            self._bells.ring_all()

    async def _receive_from_slack(self, payload: Mapping[str, Any], headers: Mapping[str, str]) -> HttpAnswer | None:
        return None if self._slack is None else await self._slack.receive(payload, headers)

    async def _readiness(self) -> Readiness:
        problems = self._problems()
        if self._store is None:
            return Readiness(problems=problems, waiting={})
        waiting = await self._asking.ask(self._store, lambda tx: count_due(tx, self._clock.now()))
        if isinstance(waiting, StoreUnavailable):
            return Readiness(problems=(f"database: {waiting.reason}", *problems), waiting={})
        return Readiness(problems=problems, waiting=waiting)

    def _problems(self) -> tuple[str, ...]:
        """Why we cannot work now, as far as the database does not have to be asked for it."""
        if self._stopping is not None and self._stopping.is_asked:
            return ("stopping",)
        if self._store is None:
            return (self._waits_for,)
        return ("starting",) if self._slack is None else self._slack.problems()

    async def _exposition(self, accept: str) -> tuple[bytes, str]:
        """A database that gives no answer takes its own gauges away, and no others."""
        waiting: Waiting | None = None
        if self._store is not None:
            found = await self._asking.ask(self._store, lambda tx: read_waiting(tx, self._clock.now()))
            if isinstance(found, StoreUnavailable):
                log.warning("metrics.database_unreadable", reason=found.reason)
            else:
                waiting = found
        self._metrics.show(waiting)
        return self._metrics.exposition(accept)
