"""The outside systems as the configuration in force names them: built, kept, and replaced after a reload."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from bot.credentials import Credential, FixedToken
from bot.domain.alerts.policy import AlertSource
from bot.domain.pipeline import ArgocdInstance, Configuration, GithubApp, Repository
from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.integrations.argocd.client import ArgocdClient
from bot.integrations.forges.github.app.installations import Installations
from bot.integrations.forges.github.client import GithubForge
from bot.integrations.git.mirror import Mirror
from bot.meter import SILENT, Meter
from bot.ports import Clock

AppOnGithub = tuple[str, GithubApp]
"""An App, and the API of the GitHub that it lives on."""


class Adapters:
    """Four mappings that services look into. `follow` brings them to a configuration; what did not change stays.

    `alertmanagers` has the sources of alerts that have an API, and none that is no longer configured.
    `learn` is told of every secret that is made while we run.
    """

    def __init__(
        self, mirrors: Path, clock: Clock, learn: Callable[[str], None] = lambda _: None, *, meter: Meter = SILENT
    ) -> None:
        self._mirrors, self._clock, self._learn, self._meter = mirrors, clock, learn, meter
        self.argocd: dict[str, ArgocdClient] = {}
        self.git: dict[str, Mirror] = {}
        self.forges: dict[str, GithubForge] = {}
        self.alertmanagers: dict[str, AlertmanagerClient] = {}
        self._apps: dict[AppOnGithub, Installations] = {}
        self._built: dict[str, ArgocdInstance | Repository | AlertSource] = {}

    async def follow(self, configuration: Configuration) -> set[str]:
        """Build what is new or changed, close what it replaces; answers the names of new Argo CD instances.

        Raises `OSError` where a `ca_file` cannot be read any more: what was there stays open, and it may be repeated.
        """
        new = set()
        for name, instance in configuration.argocd.items():
            if self._built.get(f"argocd.{name}") != instance:
                client = ArgocdClient(instance, clock=self._clock, meter=self._meter)
                await _close(self.argocd.get(name))
                self.argocd[name] = client
                self._built[f"argocd.{name}"] = instance
                new.add(name)
        wanted = self._serve_apps(configuration)
        for name, repository in configuration.repositories.items():
            if self._built.get(f"repository.{name}") != repository:
                folder = self._mirrors / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.git"
                await _close(self.git.get(name))
                await _close(self.forges.get(name))
                credential = self._credential(repository)
                self.git[name] = Mirror(folder, repository.clone_url, credential, meter=self._meter)
                self.forges[name] = GithubForge(repository, credential, meter=self._meter)
                self._built[f"repository.{name}"] = repository
        for unused in set(self._apps) - wanted:
            await self._apps.pop(unused).close()
        await self._follow_alerts({name: each for name, each in configuration.alerts.sources.items() if each.url})
        return new

    async def close(self) -> None:
        everything: tuple[Iterable[Closable], ...] = (
            self.argocd.values(), self.git.values(), self.forges.values(), self._apps.values(),
            self.alertmanagers.values(),
        )  # fmt: skip
        for adapters in everything:
            for adapter in adapters:
                await _close(adapter)

    async def _follow_alerts(self, sources: Mapping[str, AlertSource]) -> None:
        for name in set(self.alertmanagers) - set(sources):
            del self._built[f"alertmanager.{name}"]
            await self.alertmanagers.pop(name).close()
        for name, source in sources.items():
            if self._built.get(f"alertmanager.{name}") != source:
                client = AlertmanagerClient(source, clock=self._clock, meter=self._meter)
                await _close(self.alertmanagers.get(name))
                self.alertmanagers[name] = client
                self._built[f"alertmanager.{name}"] = source

    def _serve_apps(self, configuration: Configuration) -> set[AppOnGithub]:
        """Tell every App which repositories it is for; answers the Apps that there are now."""
        served: dict[AppOnGithub, set[str]] = {}
        for repository in configuration.repositories.values():
            if repository.app is not None:
                served.setdefault((repository.api_url, repository.app), set()).add(repository.github)
        for key, repositories in served.items():
            if key not in self._apps:
                self._apps[key] = Installations(*key, self._clock, self._learn)
            self._apps[key].serve(repositories)
        return set(served)

    def _credential(self, repository: Repository) -> Credential:
        if repository.app is None:
            return FixedToken(repository.token)
        return self._apps[(repository.api_url, repository.app)].credential(repository.github)


class Closable(Protocol):
    async def close(self) -> None: ...


async def _close(adapter: Closable | None) -> None:
    if adapter is not None:
        await adapter.close()
