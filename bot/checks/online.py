"""All checks at once: systems side by side, none waits for another, and the whole ends in time."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bot.adapters import Adapters
from bot.checks import alertmanager, argocd, forge, people, slack, slack_http, stages
from bot.checks.database import SILENT as DATABASE_SILENT
from bot.checks.database import check_database
from bot.checks.finding import Finding, Findings, within
from bot.clock import SystemClock
from bot.domain.pipeline import ArgocdInstance, Configuration, Repository, Stage
from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.integrations.argocd.client import ArgocdClient
from bot.integrations.forges.github.client import GithubForge
from bot.ports import Clock
from bot.settings import Settings
from bot.slack.inspection import SlackInspection, Workspace
from bot.slack.own_door import OwnDoor

GITHUB = "https://api.github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long what may take, in seconds: a stage waits for the longer of the first two, then has `more`."""

    answer: float = 6.0  # to the question whether a system answers at all
    fetch: float = 10.0
    more: float = 6.0


async def check_online(
    settings: Settings, configuration: Configuration | None, *, patience: Patience | None = None,
    learn: Callable[[str], None] = lambda _: None,
) -> Findings:  # fmt: skip
    """Everything that the live systems tell; without a valid `tiphys.yaml` only what the settings name.

    Reads only, with clients and a Git mirror of its own. Raises nothing that a system does. `learn` is told of every
    secret that is issued meanwhile.
    """
    clock, patience = SystemClock(), patience or Patience()
    async with AsyncExitStack() as closing:
        scratch = tempfile.TemporaryDirectory(prefix="tiphys-check-", dir=_room(settings), ignore_cleanup_errors=True)
        folder = closing.enter_context(scratch)
        inspection = SlackInspection(
            bot_token=settings.slack_bot_token.get_secret_value(),
            app_token=settings.slack_app_token.get_secret_value() if settings.slack_app_token else None,
            api_url=settings.slack_api_url,
        )
        closing.push_async_callback(inspection.close)
        adapters = Adapters(Path(folder), clock, learn)
        closing.push_async_callback(adapters.close)
        groups: list[Awaitable[Findings]] = [
            check_slack(inspection, configuration, patience),
            *_over_http(settings, patience),
            within(patience.more, check_database(settings.database), silent=DATABASE_SILENT),
        ]
        if configuration is not None:
            await adapters.follow(configuration)
            groups += [
                *_forges(configuration, adapters, clock, patience),
                _Live(configuration, adapters, patience).check(),
                *(
                    _check_alertmanager(name, adapters.alertmanagers.get(name), patience)
                    for name in configuration.alerts.sources
                ),
            ]
        else:
            groups += _named_by_settings(settings, closing, clock, patience)
        found = await asyncio.gather(*groups)
    return [finding for findings in found for finding in findings]


def _room(settings: Settings) -> Path | None:
    """Where mirrors have room; None: where all that is temporary goes, which is small in a container."""
    data = settings.tiphys_data.absolute()
    return data if data.is_dir() and os.access(data, os.W_OK | os.X_OK) else None


async def check_slack(inspection: SlackInspection, configuration: Configuration | None, patience: Patience) -> Findings:
    """The tokens first: without a workspace nothing else can be asked."""
    app_silent = Finding(
        slug="slack.socket-mode-unknown", subject=slack.SUBJECT, evidence="apps.connections.open: no answer in time",
        fix="Try again when Slack answers",
    )  # fmt: skip
    opened: list[Workspace] = []

    async def bot_token() -> Findings:
        found, workspace = await slack.check_bot_token(inspection)
        opened.extend([workspace] if workspace else [])
        return found

    checks = [within(patience.answer, bot_token(), silent=slack.SILENT)]
    if inspection.has_app_token:
        checks.append(within(patience.answer, slack.check_app_token(inspection), silent=app_silent))
    found = await asyncio.gather(*checks)
    if opened and configuration is not None:
        found += await asyncio.gather(
            within(patience.more, slack.check_channels(inspection, configuration, opened[0]), silent=slack.SILENT),
            within(patience.more, people.check_people(inspection, configuration, opened[0]), silent=slack.SILENT),
        )
    return list(dict.fromkeys(finding for findings in found for finding in findings))


def _over_http(settings: Settings, patience: Patience) -> list[Awaitable[Findings]]:
    """Without an app-level token Slack comes to us."""
    if settings.slack_app_token is not None or settings.slack_signing_secret is None:
        return []
    door = OwnDoor(*settings.listen, settings.slack_signing_secret.get_secret_value())
    return [within(patience.answer, slack_http.check_http_mode(door), silent=slack_http.silent(door.url))]


def _named_by_settings(
    settings: Settings, closing: AsyncExitStack, clock: Clock, patience: Patience
) -> list[Awaitable[Findings]]:
    """Argo CD and GitHub as far as tokens and addresses go, before a file says what they are for."""
    checks: list[Awaitable[Findings]] = []
    if settings.argocd_server and settings.argocd_auth_token:
        token = settings.argocd_auth_token.get_secret_value()
        client = ArgocdClient(ArgocdInstance(name="main", server=settings.argocd_server, token=token), clock=clock)
        closing.push_async_callback(client.close)
        checks.append(within(patience.answer, _instance_alone(client), silent=argocd.silent("main")))
    if settings.github_token:
        github = Repository(
            name="github", github="", api_url=settings.github_api_url or GITHUB,
            token=settings.github_token.get_secret_value(),
        )  # fmt: skip
        forge_client = GithubForge(github)
        closing.push_async_callback(forge_client.close)
        check = forge.check_token(forge_client.inspection(), clock.now())
        checks.append(within(patience.answer, check, silent=forge.silent(github)))
    return checks


async def _instance_alone(client: ArgocdClient) -> Findings:
    found, _ = await argocd.check_instance("main", client)
    return found


def _forges(
    configuration: Configuration, adapters: Adapters, clock: Clock, patience: Patience
) -> list[Awaitable[Findings]]:
    return [
        within(
            patience.fetch,
            forge.check_repository(
                repository, forge.governed_in(configuration, repository),
                adapters.forges[name].inspection(), now=clock.now(),
                our_app=repository.app.id if repository.app else None,
            ),
            silent=forge.silent(repository),
        )
        for name, repository in configuration.repositories.items()
    ]  # fmt: skip


async def _check_alertmanager(name: str, client: AlertmanagerClient | None, patience: Patience) -> Findings:
    """Its status first: who does not answer, or does not know us, is asked for nothing more."""
    if client is None:
        return [alertmanager.heard_only(name)]
    usable = False

    async def status() -> Findings:
        nonlocal usable
        found, usable = await alertmanager.check_status(name, client)
        return found

    found = await within(patience.answer, status(), silent=alertmanager.silent(name))
    if not usable:
        return found
    alerts, silences = await asyncio.gather(
        within(
            patience.more, alertmanager.check_alerts(name, client),
            silent=alertmanager.silent_list(name, alertmanager.ALERTS),
        ),
        within(
            patience.more, alertmanager.check_silences(name, client),
            silent=alertmanager.silent_list(name, alertmanager.SILENCES),
        ),
    )  # fmt: skip
    return [*found, *alerts, *silences]


class _Live:
    """Instances and fetches first, each in its own time; a stage waits for the two that it needs."""

    def __init__(self, configuration: Configuration, adapters: Adapters, patience: Patience) -> None:
        self._configuration, self._adapters, self._patience = configuration, adapters, patience
        self._instances: dict[str, argocd.Instance] = {}
        self._fetched: set[str] = set()

    async def check(self) -> Findings:
        stages_of = self._configuration.stages()
        async with asyncio.TaskGroup() as group:
            instances = {name: group.create_task(self._instance(name)) for name in self._configuration.argocd}
            rights = [group.create_task(self._rights(name, task)) for name, task in instances.items()]
            fetches = {
                name: group.create_task(self._fetch(repository))
                for name, repository in self._configuration.repositories.items()
            }
            compared = [
                group.create_task(
                    self._stage(
                        stage, instances[stage.argocd.instance],
                        fetches[self._configuration.applications[stage.application].repository],
                    )
                )
                for stage in stages_of
            ]  # fmt: skip
        done = (*instances.values(), *rights, *fetches.values(), *compared)
        return [finding for task in done for finding in task.result()]

    async def _instance(self, name: str) -> Findings:
        client = self._adapters.argocd[name]

        async def ask() -> Findings:
            found, self._instances[name] = await argocd.check_instance(name, client)
            return found

        return await within(self._patience.answer, ask(), silent=argocd.silent(name))

    async def _rights(self, name: str, instance: "asyncio.Task[Findings]") -> Findings:
        await asyncio.wait([instance])
        known = self._instances.get(name)
        if known is None or not known.usable:
            return []
        own = [stage for stage in self._configuration.stages() if stage.argocd.instance == name]
        rights = argocd.check_rights(name, self._adapters.argocd[name], own, known)
        return await within(self._patience.more, rights, silent=argocd.silent(name, "can-i: no answer in time"))

    async def _fetch(self, repository: Repository) -> Findings:
        async def fetch() -> Findings:
            found, usable = await forge.check_git(repository, self._adapters.git[repository.name])
            if usable:
                self._fetched.add(repository.name)
            return found

        return await within(self._patience.fetch, fetch(), silent=forge.git_silent(repository))

    async def _stage(
        self, stage: Stage, instance: "asyncio.Task[Findings]", fetch: "asyncio.Task[Findings]"
    ) -> Findings:
        await asyncio.wait([instance, fetch])
        known = self._instances.get(stage.argocd.instance)
        if known is None or not known.usable:
            return [stages.not_told(stage, f"argocd.{stage.argocd.instance} could not be asked")]
        git = {name: mirror for name, mirror in self._adapters.git.items() if name in self._fetched}
        check = stages.check_stage(stage, self._configuration, self._adapters.argocd, git)
        return await within(self._patience.more, check, silent=stages.not_told(stage, "no answer in time"))
