"""The whole world: four servers over one set of repositories, the bots, and the control API with its page."""

import asyncio
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

import commands
from bot.chat.registry import load_commands
from bot.config.loading import read_document, slack_policy
from bot.sandbox.alertmanager.service import AlertmanagerService
from bot.sandbox.alertmanager.webhooks import AlertTarget
from bot.sandbox.argocd.notifications import NotificationTarget
from bot.sandbox.argocd.service import ArgocdService
from bot.sandbox.bots import Bot, Bots
from bot.sandbox.database import is_postgresql, prepare
from bot.sandbox.feed import Feed
from bot.sandbox.github.service import GithubService
from bot.sandbox.github.webhooks.deliveries import HookTarget
from bot.sandbox.home import occupy
from bot.sandbox.ports import Ports
from bot.sandbox.repositories import Repositories
from bot.sandbox.seed.applications import application_seeds
from bot.sandbox.seed.gateway import seed_gateway
from bot.sandbox.seed.seed import seed_apm
from bot.sandbox.service import Service
from bot.sandbox.slack.deliveries import Mode
from bot.sandbox.slack.http_door import Target
from bot.sandbox.slack.service import SlackService
from bot.sandbox.surroundings import FIRST_BOT, bot_environment, bot_names, remember_slack, seeded_configuration
from bot.sandbox.traffic import Traffic
from bot.slack.manifest import manifest
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)

SAVE_EVERY = 1.0
"""Seconds between two saves, or so many times what the last one took: a world that has grown old saves more rarely."""
SAVE_SHARE = 20
DATABASE_FILE, CONFIG_FILE = "database_url", "config_path"
"""For `tiphys sandbox env`: which database the bots have, if not the one in the home, and which configuration."""
SEEDED_FILE = "tiphys.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    home: Path
    port: int = 8600
    fresh: bool = False
    config: Path | None = None
    database: str | None = None
    bots: bool = True
    replicas: int = 1
    speed: float = 1.0
    slack: Mode = "socket"


class World:
    """`start` returns when everything answers; `close` ends every child, saves and gives the home free.

    Raises `ForeignHome` or `HomeInUse` when it cannot have the home.
    """

    def __init__(self, options: WorldOptions) -> None:
        self.options = options
        self.home = options.home.absolute()
        if options.config is not None:
            options.config.stat()  # said before anything is touched
        self._lock = occupy(self.home, fresh=options.fresh)
        _keep(self.home / DATABASE_FILE, options.database)
        self.ports = Ports(self.home)
        self.traffic, self.feed = Traffic(), Feed()
        self.repositories = Repositories(self.home / "repositories")
        remember_slack(self.home, options.slack)
        self.slack = SlackService(self.traffic, self.feed, options.slack)
        self.github = GithubService(self.traffic, self.feed, self.repositories, options.speed)
        self.argocd = ArgocdService(self.traffic, self.feed, self.repositories, application_seeds(), options.speed)
        self.alertmanager = AlertmanagerService(self.traffic, self.feed, options.speed)
        self.services: tuple[Service, ...] = (self.slack, self.github, self.argocd, self.alertmanager)
        self.config = options.config.absolute() if options.config else self.home / SEEDED_FILE
        _keep(self.home / CONFIG_FILE, str(self.config))
        self.bot_names = bot_names(options.replicas)
        names = self.bot_names if options.bots else ()
        self.bots = Bots({name: Bot(name, self.home, partial(self._environment, name)) for name in names})
        self.slack.parts.deliveries.beside = self.github.webhooks
        self.github.webhooks.next_number = self.slack.parts.deliveries.next_number
        self.github.webhooks.targets = self._webhook_targets
        self.alertmanager.sender.targets = self._alert_targets
        self.argocd.notifications.targets = self._notification_targets
        self.ready = False
        self.page_url = ""
        self._runners: list[web.AppRunner] = []
        self._tasks = TaskSet("world")
        self._saved = -1
        self._is_whole = False
        self._kept_extra: dict[str, dict[str, str]] = {}

    async def start(self, control: web.Application) -> None:
        """Start servers, then bots. `control` is the control API with its page.

        Raises `BotFailed`, and `ForeignDatabase` or `StoreUnavailable` when the bots cannot have their database.
        """
        self.traffic.touched = self.feed.touch
        self.traffic.kill = self.bots.kill_and_restart
        self._load()
        page = self.ports.listen("page", wanted=self.options.port)
        self.page_url = f"http://127.0.0.1:{page.getsockname()[1]}"
        self.ports.keep("page", page.getsockname()[1])
        await self._serve(control, [page])
        for service in self.services:
            await self._serve(service.app(), self._sockets(service.name))
        for bot in self.bot_names:
            self.ports.reserve(bot)
        self.slack.reach(*(
            Target(bot=f"http://127.0.0.1:{self.ports.find(bot)}", slack=self._main_url(f"slack.{bot}"))
            for bot in self.bot_names
        ))  # fmt: skip
        self.slack.base_url, self.slack.page_url = self._main_url("slack"), self.page_url
        self.repositories.base_url = self._main_url("github")
        self.alertmanager.base_url = self._main_url("alertmanager")
        await self._seed()
        self.prepare_app()
        self.slack.install(self._manifest())
        for service in self.services:
            await service.start()
        self._is_whole = True
        self._tasks.start(self._keep_saving(), name="save")
        if self.options.bots and self.options.database and is_postgresql(self.options.database):
            await prepare(self.options.database, fresh=self.options.fresh)
        await self.bots.start()
        self.ready = True
        self.feed.touch()

    async def close(self) -> None:
        """Also of a world whose start failed or was cut off: what was only half seeded is not kept.

        Raises `OSError` when it could not be saved; everything has ended nevertheless.
        """
        self.ready = False
        await self.bots.close()
        await self._tasks.close()
        try:
            if self._is_whole:
                self.save()
        finally:
            self._is_whole = False
            for service in self.services:
                await service.close()
            for runner in reversed(self._runners):
                await runner.cleanup()
            self._lock.release()

    def save(self) -> None:
        """Write the servers' state, whole or not at all."""
        state: dict[str, Any] = {service.name: service.dump() for service in self.services}
        state |= {"traffic": self.traffic.dump(), "environment": self._extra()}
        unfinished = self.home / "world.json.partial"
        unfinished.write_text(json.dumps(state))
        unfinished.replace(self.home / "world.json")
        self._saved = self.feed.count

    def _extra(self) -> dict[str, dict[str, str]]:
        """What the bots were given beside our own environment; one that is not here now is not forgotten."""
        return self._kept_extra | {name: bot.extra for name, bot in self.bots.by_name.items()}

    def urls(self) -> dict[str, Any]:
        return {
            "page": self.page_url,
            "slack_api": f"{self._main_url('slack')}/api/",
            "argocd": self._main_url("argocd"),
            "github_api": f"{self._main_url('github')}/api/v3",
            "alertmanager": self._main_url("alertmanager"),
            "bots": [bot.address for bot in self.bots.by_name.values()],
        }

    def database_url(self) -> str:
        return self._environment(FIRST_BOT)["DATABASE_URL"]

    def _environment(self, bot: str) -> dict[str, str]:
        return bot_environment(
            self.home, self.ports, bot, database=self.options.database, config=self.config, slack=self.options.slack
        )

    def _webhook_targets(self) -> list[HookTarget]:
        """Every bot that has a webhook secret."""
        return [
            HookTarget(url=f"http://{address}/webhooks/github", secret=secret)
            for _, address, secret in self._listening("GITHUB_WEBHOOK_SECRET")
        ]

    def _alert_targets(self) -> list[AlertTarget]:
        """Every bot that has a token for alerts; who is down is told of later, or another instead of him."""
        return [
            AlertTarget(url=f"http://{address}/webhooks/alertmanager", token=token)
            for _, address, token in self._listening("ALERTMANAGER_WEBHOOK_TOKEN")
        ]

    def _notification_targets(self) -> list[NotificationTarget]:
        """Every bot that has a token for Argo CD's notifications."""
        return [
            NotificationTarget(bot=bot, url=f"http://{address}", token=token)
            for bot, address, token in self._listening("ARGOCD_WEBHOOK_TOKEN")
        ]

    def _listening(self, secret: str) -> list[tuple[str, str, str]]:
        """Name, address and secret of every bot that has this one; without bots of our own, of those that may have been
        started by hand."""
        found = []
        for name in self.bot_names:
            bot = self.bots.by_name.get(name)
            environment = {**self._environment(name), **(bot.extra if bot else {})}
            if value := environment.get(secret):
                found.append((name, environment["TIPHYS_LISTEN"], value))
        return found

    def _main_url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports.find(service)}"

    def _sockets(self, service: str) -> list[socket.socket]:
        """The main port, and one for each bot: that is how the log knows who asked."""
        sockets = [self.ports.listen(service)]
        for bot in self.bot_names:
            own = self.ports.listen(f"{service}.{bot}")
            self.traffic.assign_port(own.getsockname()[1], bot)
            sockets.append(own)
        return sockets

    async def _serve(self, app: web.Application, sockets: Sequence[socket.socket]) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        self._runners.append(runner)
        try:
            await runner.setup()
            for bound in sockets:
                await web.SockSite(runner, bound).start()
        except BaseException:  # what is not served yet is nobody's to close
            for bound in sockets:
                bound.close()
            raise

    async def _seed(self) -> None:
        await asyncio.gather(seed_apm(self.repositories), seed_gateway(self.repositories))
        if self.config == self.home / SEEDED_FILE and not self.config.is_file():
            self.config.write_text(seeded_configuration())

    def configure(self, text: str) -> bool:
        """Write the home's `tiphys.yaml`, whole for whoever reads it meanwhile: a file of somebody's own is left alone.
        True when the bots have been told of another file until now: they look at this one from their next start on."""
        file = self.home / SEEDED_FILE
        unfinished = file.with_suffix(".yaml.partial")
        unfinished.write_text(text, "utf-8")
        unfinished.replace(file)
        is_another = self.config != file
        self.config = file
        _keep(self.home / CONFIG_FILE, str(file))
        self.prepare_app()
        return is_another

    def prepare_app(self) -> None:
        """Make the GitHub App's key if the configuration names an App: a bot that has one reads it when it starts."""
        document, _, _ = read_document(self.config.read_text("utf-8"), file=str(self.config))
        if document is not None and any(repository.app for repository in (document.repositories or {}).values()):
            self.github.forge.apps.key_file()

    def _manifest(self) -> dict[str, Any]:
        document, _, _ = read_document(self.config.read_text("utf-8"), file=str(self.config))
        policy = slack_policy(document.slack if document else None)
        # Slack takes https addresses alone; where the bots really are, the door is told.
        return manifest(
            load_commands(commands), mode=self.options.slack, url="https://tiphys.example.com", policy=policy
        )

    def _load(self) -> None:
        stored = self.home / "world.json"
        if stored.is_file():
            state = json.loads(stored.read_text())
            for service in self.services:
                if service.name in state:
                    service.load(state[service.name])
            if "traffic" in state:
                self.traffic.load(state["traffic"])
            self._kept_extra = state.get("environment", {})
            for name, bot in self.bots.by_name.items():
                bot.extra = self._kept_extra.get(name, {})

    async def _keep_saving(self) -> None:
        pause = SAVE_EVERY
        while True:
            await asyncio.sleep(pause)
            if self.feed.count != self._saved:
                began = time.monotonic()
                try:
                    self.save()  # in one go, so that what it writes belongs together: nobody is served meanwhile
                except Exception as error:  # a full disk may have room again: the next try comes in a moment
                    log.error("sandbox.not_saved", home=str(self.home), error=repr(error))
                pause = max(SAVE_EVERY, SAVE_SHARE * (time.monotonic() - began))


def _keep(file: Path, text: str | None) -> None:
    """None: nothing to keep. It may hold a password."""
    file.unlink(missing_ok=True)
    if text is not None:
        file.touch(0o600)
        file.write_text(text, "utf-8")
