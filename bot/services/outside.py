"""Which of the outside systems belongs to which stage."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.pipeline import Configuration, Stage
from bot.ports import Argocd, Directory, Forge, Git


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The adapters of one process, by the names that the configuration gives them."""

    argocd: Mapping[str, Argocd]
    git: Mapping[str, Git]
    forges: Mapping[str, Forge]
    directory: Directory

    def argocd_of(self, stage: Stage) -> Argocd:
        return self.argocd[stage.argocd.instance]

    def git_of(self, configuration: Configuration, application: str) -> Git:
        return self.git[configuration.applications[application].repository]

    def forge_of(self, configuration: Configuration, application: str) -> Forge:
        return self.forges[configuration.applications[application].repository]
