"""To which application and environment a group of alerts belongs, and which change had reached it before.

The surest way that leads somewhere counts: what the alert itself names, what `alerts.applications` says, what Argo CD's
own metrics name, and last a guess by the namespace.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from bot.domain.alerts.alert import Alert
from bot.domain.alerts.group import AlertGroup, ChangeBefore, Tie, TiedBy
from bot.domain.alerts.matcher import all_match
from bot.domain.change import Change
from bot.domain.pipeline import Configuration, Stage
from bot.domain.text import listed
from bot.ports import Argocd, ConfigurationInForce, OutsideError
from bot.ports_store import Transaction

log = structlog.get_logger(__name__)

LOOKED_THROUGH = 20
NamespaceOf = Callable[[Stage], str | None]
"""Into which namespace a stage is deployed, as far as that is known."""


def tie(group: AlertGroup, configuration: Configuration, namespace_of: NamespaceOf = lambda stage: None) -> Tie | None:
    """By what all alerts of the group have in common; None where that names none of our applications, or several, and
    where one of the alerts surely belongs to another."""
    found = tie_of(group.common_labels, group.common_annotations, configuration, namespace_of)
    if found is None or found.by is TiedBy.LABELS:
        return found
    ties = (sure_tie(alert, configuration) for alert in group.alerts)
    return None if any(one is not None and one.application != found.application for one in ties) else found


def tie_of(
    labels: Mapping[str, str], annotations: Mapping[str, str], configuration: Configuration,
    namespace_of: NamespaceOf = lambda stage: None,
) -> Tie | None:  # fmt: skip
    """The same, of anything that has these labels."""
    environment = _environment(configuration, labels, annotations)
    for find in SURE:
        if (found := find(configuration, labels, annotations, environment)) is not None:
            return found
    return _by_guess(configuration, labels, environment, namespace_of)


def sure_tie(alert: Alert, configuration: Configuration) -> Tie | None:
    """The same for one alert, without guessing."""
    environment = _environment(configuration, alert.labels, alert.annotations)
    found = (find(configuration, alert.labels, alert.annotations, environment) for find in SURE)
    return next((one for one in found if one is not None), None)


async def change_before(tx: Transaction, group: AlertGroup, found: Tie | None) -> ChangeBefore | None:
    """The newest change of that stage whose sync had begun when the first of the alerts that fire did."""
    if found is None or found.environment is None:
        return None
    began = min((alert.starts_at for alert in group.firing), default=group.opened_at)
    newest = await tx.changes.list_newest(found.application, found.environment, limit=LOOKED_THROUGH)
    shipped = [one for one in map(_shipped, newest) if one is not None and one.shipped_at <= began]
    return max(shipped, key=lambda one: one.shipped_at, default=None)


class Destinations:
    """The namespaces that stages are deployed into, as Argo CD told last. Only guesses are made of them."""

    def __init__(self, argocd: Mapping[str, Argocd], source: ConfigurationInForce) -> None:
        self._argocd, self._source = argocd, source
        self._namespaces: dict[tuple[str, str, str], str] = {}

    def namespace_of(self, stage: Stage) -> str | None:
        return self._namespaces.get((stage.argocd.instance, stage.argocd.namespace, stage.argocd.name))

    async def look(self) -> None:
        """Ask every instance that has stages. One that gives no answer leaves what is known of it."""
        for instance in {stage.argocd.instance for stage in self._source.current.stages()}:
            if (client := self._argocd.get(instance)) is None:
                continue
            try:
                live = await client.list()
            except OutsideError as error:
                log.warning("destinations.no_answer", instance=instance, reason=error.reason)
                continue
            known = {key: value for key, value in self._namespaces.items() if key[0] != instance}
            told = {(instance, one.namespace, one.name): one.destination.rpartition("/")[2] for one in live}
            self._namespaces = known | {key: value for key, value in told.items() if value}


def _by_labels(
    configuration: Configuration, labels: Mapping[str, str], annotations: Mapping[str, str], environment: str | None
) -> Tie | None:
    """An application's name, or that of an Argo CD Application that a stage is; the first label there is counts."""
    value = _first(configuration.alerts.labels.application, labels, annotations)
    if value is None:
        return None
    if value in configuration.applications:
        return _tie(configuration, value, environment, TiedBy.LABELS)
    stages = [stage for stage in configuration.stages()
              if value in (stage.argocd.name, f"{stage.argocd.namespace}/{stage.argocd.name}")]  # fmt: skip
    return _of_stages(stages, environment, TiedBy.LABELS)


def _by_matchers(
    configuration: Configuration, labels: Mapping[str, str], annotations: Mapping[str, str], environment: str | None
) -> Tie | None:
    for rule in configuration.alerts.applications:
        if rule.application in configuration.applications and all_match(rule.matchers, labels):
            return _tie(configuration, rule.application, rule.environment or environment, TiedBy.MATCHERS)
    return None


def _by_metric(
    configuration: Configuration, labels: Mapping[str, str], annotations: Mapping[str, str], environment: str | None
) -> Tie | None:
    """`argocd_app_info` has the Application's `namespace` and `name`. Where Prometheus labels what it scrapes with a
    namespace too, the metric's own is called `exported_namespace`."""
    name, namespace = labels.get("name"), labels.get("exported_namespace") or labels.get("namespace")
    if name is None or namespace is None:
        return None
    stages = [
        stage for stage in configuration.stages() if (stage.argocd.namespace, stage.argocd.name) == (namespace, name)
    ]
    return _of_stages(stages, environment, TiedBy.METRIC)


def _by_guess(
    configuration: Configuration, labels: Mapping[str, str], environment: str | None, namespace_of: NamespaceOf
) -> Tie | None:
    if not (namespace := labels.get("namespace") or labels.get("dest_namespace")):
        return None
    stages = [stage for stage in configuration.stages() if namespace == namespace_of(stage)]
    if not stages:
        stages = [stage for stage in configuration.stages()
                  if namespace in (stage.argocd.name, f"{stage.application}-{stage.environment}")]  # fmt: skip
    return _of_stages(stages, environment, TiedBy.GUESS)


SURE = (_by_labels, _by_matchers, _by_metric)


def _of_stages(stages: Sequence[Stage], environment: str | None, by: TiedBy) -> Tie | None:
    """The stage, or the application of all of them; an environment that the alert names decides between several."""
    chosen = [stage for stage in stages if stage.environment == environment] or stages
    applications = {stage.application for stage in chosen}
    if len(applications) != 1:
        return None
    environments = {stage.environment for stage in chosen}
    return Tie(
        application=applications.pop(), environment=environments.pop() if len(environments) == 1 else None, by=by
    )


def _tie(configuration: Configuration, application: str, environment: str | None, by: TiedBy) -> Tie:
    """An environment that the application does not have is none."""
    has = environment is not None and configuration.find_stage(application, environment) is not None
    return Tie(application=application, environment=environment if has else None, by=by)


def _environment(configuration: Configuration, labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
    value = _first(configuration.alerts.labels.environment, labels, annotations)
    return configuration.find_environment(value) if value is not None else None


def _first(names: Iterable[str], *places: Mapping[str, str]) -> str | None:
    return next((place[name] for place in places for name in names if place.get(name)), None)


def _shipped(change: Change) -> ChangeBefore | None:
    if change.sync is None:
        return None
    proposal = change.proposal
    return ChangeBefore(
        id=change.id, number=change.number, by=change.requested_by,
        shipped_at=change.sync.started_at or change.sync.asked_at, versions=_versions(change),
        pull_number=proposal.pull_request if proposal else None, pull_url=proposal.link if proposal else None,
    )  # fmt: skip


def _versions(change: Change) -> str:
    """`2.15.1` where all values are the same, else each with its name."""
    values = change.proposal.shipment.values if change.proposal else ()
    if len({value.new for value in values}) == 1:
        return values[0].new
    return listed(tuple(f"{value.name.rpartition('/')[2]} {value.new}" for value in values), most=3)
