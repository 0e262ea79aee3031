"""Every effective value of the configuration, and where it comes from. Secrets are named, never shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from enum import Enum
from typing import assert_never

from bot.config.alertmanagers import WEBHOOK_TOKEN, main_source
from bot.config.document_base import SecretDocument
from bot.config.documents import TiphysDocument
from bot.config.effective import (
    ANY,
    Effective,
    EffectiveAlerts,
    EffectiveApprovals,
    EffectivePolicy,
    EffectiveTimeouts,
    policy_of,
)
from bot.config.hours import write_days, write_hours, write_time
from bot.config.loading import load, read_document
from bot.config.outside import ARGOCD_TOKEN, GITHUB_TOKEN, main_instance, overrides
from bot.config.problems import ConfigurationError, Path, Problems, written
from bot.config.secrets import ReadFile, Surroundings
from bot.domain.alerts.policy import AlertLabels, AlertMention
from bot.domain.alerts.severity import Severity
from bot.domain.durations import write_duration
from bot.domain.pipeline import Configuration, EnvironmentBranches, KustomizeImages, Strategy
from bot.domain.text import counted

BUILT_IN = "built in"


@dataclass(frozen=True, slots=True)
class Explained:
    """`path` as it would stand in the file, the value as it would be written, and where it was found."""

    path: str
    value: str
    origin: str


def explain(text: str, *, file: str, environ: Mapping[str, str], read_file: ReadFile) -> list[Explained]:
    """Takes what `load` takes. Raises `ConfigurationError` where that finds problems."""
    configuration = load(text, file=file, environ=environ, read_file=read_file)
    if isinstance(configuration, list):
        raise ConfigurationError(configuration)
    document, _, problems = read_document(text, file=file)
    assert document is not None, "a configuration has a document"  # noqa: S101
    teller = _Teller(
        configuration, document, document.model_dump(by_alias=True), problems, Surroundings(file, environ, read_file)
    )
    parts = (
        teller.slack(), teller.people(), teller.argocd(), teller.repositories(), teller.alertmanagers(),
        teller.alerts(), teller.environments(), teller.applications(), teller.rest(),
    )  # fmt: skip
    return [line for part in parts for line in part]


@dataclass(frozen=True, slots=True)
class _Teller:
    configuration: Configuration
    document: TiphysDocument
    data: dict[str, object]  # the document as plain data
    problems: Problems
    surroundings: Surroundings

    def slack(self) -> Iterator[Explained]:
        slack = self.configuration.slack
        for key in ("admin_channel", "commands", "command_prefix", "home_workspace_only"):
            yield self._told(("slack", key), getattr(slack, key))

    def people(self) -> Iterator[Explained]:
        for name, person in self.configuration.people.items():
            for key in ("slack", "github", "argocd", "emails"):
                yield self._told(("people", name, key), getattr(person, key))

    def argocd(self) -> Iterator[Explained]:
        instances = self.document.argocd or {}
        address = overrides(self.surroundings, self.problems).argocd_server
        for name, instance in self.configuration.argocd.items():
            path: Path = ("argocd", name)
            wins = "ARGOCD_SERVER" if address and name == main_instance(instances) else None
            yield self._told((*path, "server"), instance.server, variable=wins)
            yield self._secret((*path, "token"), instances[name].token, ARGOCD_TOKEN)
            yield self._told((*path, "ca_file"), instance.ca_file)

    def repositories(self) -> Iterator[Explained]:
        address = overrides(self.surroundings, self.problems).github_api_url
        for name, repository in self.configuration.repositories.items():
            path: Path = ("repositories", name)
            yield self._told((*path, "github"), repository.github)
            yield self._told((*path, "api_url"), repository.api_url, variable="GITHUB_API_URL" if address else None)
            document = (self.document.repositories or {})[name]
            if document.app is None:
                yield self._secret((*path, "token"), document.token, GITHUB_TOKEN)
            else:
                yield self._told((*path, "app", "id"), document.app.id)
                yield self._secret((*path, "app", "private_key"), document.app.private_key, "")

    def alertmanagers(self) -> Iterator[Explained]:
        sources = self.document.alertmanagers or {}
        address = overrides(self.surroundings, self.problems).alertmanager_url
        for name, source in self.configuration.alerts.sources.items():
            path: Path = ("alertmanagers", name)
            written = sources[name]
            webhook = written.webhook if written else None
            if webhook is None or webhook.token:
                yield self._secret((*path, "webhook", "token"), webhook.token if webhook else None, WEBHOOK_TOKEN)
            for position, token in enumerate((webhook.tokens if webhook else None) or ()):
                yield self._secret((*path, "webhook", "tokens", position), token, "")
            if webhook and webhook.basic:
                yield self._told((*path, "webhook", "basic", "username"), webhook.basic.username)
                yield self._secret((*path, "webhook", "basic", "password"), webhook.basic.password, "")
            wins = "ALERTMANAGER_URL" if address and name == main_source(sources) else None
            yield self._told((*path, "url"), source.url, variable=wins)
            yield self._told((*path, "tenant"), source.tenant)
            if written and written.token:
                yield self._secret((*path, "token"), written.token, "")
            if written and written.basic:
                yield self._told((*path, "basic", "username"), written.basic.username)
                yield self._secret((*path, "basic", "password"), written.basic.password, "")
            for key in ("ca_file", "receivers", "poll"):
                yield self._told((*path, key), getattr(source, key))

    def alerts(self) -> Iterator[Explained]:
        """Nothing, where none come in."""
        alerts, path = self.configuration.alerts, ("alerts",)
        if not alerts.sources:
            return
        yield self._told((*path, "channel"), alerts.channel)
        yield from self._mentions((*path, "mention"), alerts.mentions)
        for position, route in enumerate(alerts.routes):
            here: Path = (*path, "routes", position)
            yield self._told((*here, "match"), route.matchers)
            yield self._told((*here, "channel"), route.channel)
            yield from self._mentions((*here, "mention"), route.mentions)
        for position, rule in enumerate(alerts.applications):
            here = (*path, "applications", position)
            yield self._told((*here, "match"), rule.matchers)
            yield self._told((*here, "application"), rule.application)
            yield self._told((*here, "environment"), rule.environment)
        for label in fields(AlertLabels):
            yield self._told((*path, "labels", label.name), getattr(alerts.labels, label.name))
        for severity in (Severity.CRITICAL, Severity.WARNING, Severity.INFO):
            words = [word for word, means in alerts.severities.items() if means is severity]
            yield self._told((*path, "severities", severity.value), words)
        yield self._told((*path, "flapping", "flips"), alerts.flapping.flips)
        yield self._told((*path, "flapping", "within"), alerts.flapping.within)
        for key in ("reopen_within", "acknowledged_for", "silences"):
            yield self._told((*path, key), getattr(alerts, key))
        for position, digest in enumerate(alerts.digests):
            here = (*path, "digests", position)
            yield self._told((*here, "channel"), digest.channel)
            yield self._told((*here, "at"), write_time(digest.at))
            yield self._told((*here, "days"), write_days(digest.days))
            yield self._told((*here, "zone"), digest.zone)

    def _mentions(self, path: Path, mentions: tuple[AlertMention, ...]) -> Iterator[Explained]:
        for position, mention in enumerate(mentions):
            here: Path = (*path, position)
            yield self._told((*here, "who"), mention.who)
            yield self._told((*here, "severity"), ANY if mention.severity is Severity.NONE else mention.severity)
            yield self._told((*here, "hours"), write_hours(mention.hours) if mention.hours else None)

    def environments(self) -> Iterator[Explained]:
        for name, aliases in self.configuration.environments.items():
            yield self._told(("environments", name, "aliases"), aliases)

    def applications(self) -> Iterator[Explained]:
        for name, application in self.configuration.applications.items():
            path: Path = ("applications", name)
            strategy = application.strategy
            yield self._told((*path, "repository"), application.repository)
            yield self._told((*path, "channel"), application.channel)
            for key in _keys_of(strategy):
                yield self._told((*path, "strategy", key), getattr(strategy, key))
            for environment, stage in application.stages.items():
                here: Path = (*path, "stages", environment)
                yield self._told((*here, "from"), stage.source)
                if stage.whole_tree:
                    yield self._told((*here, "branch"), stage.branch)
                yield self._told((*here, "path"), stage.path, key=(*path, "strategy", "path"))
                for key in ("instance", "project", "namespace", "name"):
                    yield self._told((*here, "argocd", key), getattr(stage.argocd, key), key=(*path, "argocd", key))
                yield from self._policy(here, policy_of(self.document, name, environment))

    def rest(self) -> Iterator[Explained]:
        permissions = self.configuration.permissions
        yield self._told(("permissions", "default"), permissions.default)
        yield self._told(("permissions", "policy"), counted(len(permissions.policy.splitlines()), "line"))
        yield self._told(("polling", "changes"), self.configuration.polling.changes)

    def _policy(
        self, path: Path, policy: EffectivePolicy | EffectiveApprovals | EffectiveTimeouts | EffectiveAlerts
    ) -> Iterator[Explained]:
        for field in fields(policy):
            value = getattr(policy, field.name)
            key = "from" if field.name == "sources" else field.name
            if isinstance(value, Effective):
                yield Explained(written((*path, key)), show(value.value), self._origin(value.origin))
            elif is_dataclass(value) and isinstance(value, EffectiveApprovals | EffectiveTimeouts | EffectiveAlerts):
                yield from self._policy((*path, key), value)
            else:
                yield Explained(written((*path, key)), "none needed", BUILT_IN)

    def _told(self, path: Path, value: object, *, key: Path | None = None, variable: str | None = None) -> Explained:
        """`key`: where the value stands, if not at its own path."""
        stands = key or path
        if variable:
            beaten = f", wins over {self._origin(stands)}" if stands in self.problems.lines else ""
            return Explained(written(path), show(value), f"environment variable {variable}{beaten}")
        return Explained(written(path), show(value), self._origin(stands if self._is_set(stands) else None))

    def _secret(self, path: Path, reference: SecretDocument | None, variable: str) -> Explained:
        reference = reference or SecretDocument(env=variable)
        origin = self._origin(path if path in self.problems.lines else None)
        if reference.file:
            return Explained(written(path), f"from the file {self.surroundings.located(reference.file)}", origin)
        name = reference.env or ""
        if self.surroundings.variable(name):
            return Explained(written(path), f"from the environment variable {name}", origin)
        return Explained(written(path), f"from the file that {name}_FILE names", origin)

    def _is_set(self, path: Path) -> bool:
        """Whether the key stands in the file with a value: one without is one that is not there."""
        here: object = self.data
        for step in path:
            if isinstance(here, dict):
                here = here.get(step)
            elif isinstance(here, list) and isinstance(step, int):
                here = here[step]
            else:
                return False
        return here is not None

    def _origin(self, path: Path | None) -> str:
        if path is None:
            return BUILT_IN
        line = self.problems.line_of(path)
        return f"{self.problems.file}:{line} ({written(path)})" if line else BUILT_IN


def _keys_of(strategy: Strategy) -> tuple[str, ...]:
    match strategy:
        case KustomizeImages():
            return ("type", "branch", "path", "merge", "fields")
        case EnvironmentBranches():
            return ("type", "path", "merge")
        case _:
            assert_never(strategy)


def show(value: object) -> str:
    """A value as it would be written in the file."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case timedelta():
            return write_duration(value)
        case Enum():
            return str(value.value)
        case tuple() | list():
            return f"[{', '.join(show(item) for item in value)}]"
        case "":
            return '""'
    return str(value)
