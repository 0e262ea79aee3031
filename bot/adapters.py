"""The outside systems as the configuration in force names them: built, kept, and replaced after a reload."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bot.domain.pipeline import ArgocdInstance, Configuration, Repository
from bot.integrations.argocd.client import ArgocdClient
from bot.integrations.forges.github.client import GithubForge
from bot.integrations.git.mirror import Mirror
from bot.meter import SILENT, Meter
from bot.ports import Clock


class Adapters:
    """Three mappings that services look into. `follow` brings them to a configuration; what did not change stays."""

    def __init__(self, mirrors: Path, clock: Clock, *, meter: Meter = SILENT) -> None:
        self._mirrors, self._clock, self._meter = mirrors, clock, meter
        self.argocd: dict[str, ArgocdClient] = {}
        self.git: dict[str, Mirror] = {}
        self.forges: dict[str, GithubForge] = {}
        self._built: dict[str, ArgocdInstance | Repository] = {}

    async def follow(self, configuration: Configuration) -> set[str]:
        """Build what is new or changed, close what it replaces; answers the names of new Argo CD instances."""
        new = set()
        for name, instance in configuration.argocd.items():
            if self._built.get(f"argocd.{name}") != instance:
                await _close(self.argocd.get(name))
                self.argocd[name] = ArgocdClient(instance, clock=self._clock, meter=self._meter)
                self._built[f"argocd.{name}"] = instance
                new.add(name)
        for name, repository in configuration.repositories.items():
            if self._built.get(f"repository.{name}") != repository:
                folder = self._mirrors / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.git"
                await _close(self.git.get(name))
                await _close(self.forges.get(name))
                self.git[name] = Mirror(folder, repository.clone_url, repository.token, meter=self._meter)
                self.forges[name] = GithubForge(repository, meter=self._meter)
                self._built[f"repository.{name}"] = repository
        return new

    async def close(self) -> None:
        everything: tuple[Mapping[str, Closable], ...] = (self.argocd, self.git, self.forges)
        for adapters in everything:
            for adapter in adapters.values():
                await _close(adapter)


class Closable(Protocol):
    async def close(self) -> None: ...


async def _close(adapter: Closable | None) -> None:
    if adapter is not None:
        await adapter.close()
