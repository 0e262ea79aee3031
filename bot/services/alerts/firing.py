"""What fires for a stage now, for the gates: by its source's API where there is one, else by our own groups.

Only alerts that surely belong to the stage count, by the same rules by which groups are tied to applications.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.firing import CannotTell, Firing, FiringAlerts, gathered, joined
from bot.domain.alerts.group import SilenceSeen
from bot.domain.alerts.policy import AlertSource
from bot.domain.alerts.severity import Severity
from bot.domain.pipeline import Configuration, Stage
from bot.domain.text import listed
from bot.ports import Clock, OutsideError
from bot.ports_alerts import Alertmanager, Alertmanagers
from bot.ports_store import Store
from bot.services.alerts.tying import sure_tie

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(seconds=1)
"""One answer of a source serves all changes that look within this time; so does its silence."""
ANSWERS_WITHIN = 8.0
"""Seconds. Whoever asks looks at a change, whose other facts wait meanwhile."""
Place = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one source says, by application and environment. `settled`: what it does not tell of does not fire."""

    at: datetime
    configuration: Configuration
    alerts: dict[Place, list[tuple[Alert, Severity]]] = field(default_factory=dict)
    silences: tuple[SilenceSeen, ...] = ()
    settled: bool = True
    trouble: str = ""


class FiringNow:
    """Asks at most once a second, however many changes look. Keeps nothing that a restart could lose."""

    def __init__(self, store: Store, alertmanagers: Alertmanagers, clock: Clock) -> None:
        self._store, self._alertmanagers, self._clock = store, alertmanagers, clock
        self._told: dict[str, _Told] = {}
        self._silent: set[str] = set()
        self._asking: dict[str, asyncio.Lock] = {}

    async def of(self, stage: Stage, configuration: Configuration) -> Firing | None:
        """What fires for the stage, as grave as its policy says or graver; None where no source is configured.

        `CannotTell` unless every source has answered, or one of them tells of something that counts: that is enough
        to know. Raises only what the store does.
        """
        sources = configuration.alerts.sources
        if not sources:
            return None
        parts = await asyncio.gather(*(self._of_source(one, stage, configuration) for one in sources.values()))
        known = joined(*(part for part in parts if isinstance(part, FiringAlerts)))
        unknown = tuple(part.reason for part in parts if isinstance(part, CannotTell))
        return CannotTell(reason=listed(unknown)) if unknown and not known.counting else known

    def forget(self) -> None:
        """Somebody has heard of news: the next look asks anew."""
        self._told.clear()

    async def _of_source(self, source: AlertSource, stage: Stage, configuration: Configuration) -> Firing:
        client = self._alertmanagers.get(source.name)
        if source.url is None:
            return await self._heard(source, stage, configuration)
        if client is None:  # the configuration was reloaded this moment
            return CannotTell(reason=f"{source.name} cannot be asked yet")
        told = await self._ask_once(source.name, client, configuration)
        if told.trouble:
            return CannotTell(reason=told.trouble)
        found = gathered(_grave(told.alerts.get((stage.application, stage.environment), ()), stage), told.silences)
        if not told.settled and not found.counting:
            return CannotTell(reason=f"{source.name} has just started, and may not know yet what fires")
        return found

    async def _ask_once(self, name: str, client: Alertmanager, configuration: Configuration) -> _Told:
        async with self._asking.setdefault(name, asyncio.Lock()):
            told = self._told.get(name)
            if told is None or told.configuration is not configuration or self._clock.now() - told.at >= KEPT_FOR:
                told = await self._ask(name, client, configuration)
                self._told[name] = told
            return told

    async def _ask(self, name: str, client: Alertmanager, configuration: Configuration) -> _Told:
        """Never raises what the source does: that is an answer too."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                told = await self._tell(client, configuration)
            self._silent.discard(name)
            return told
        except OutsideError as error:
            trouble = f"{name}: {error.reason}"
        except TimeoutError:
            trouble = f"{name}: no answer within {ANSWERS_WITHIN:.0f} s"
        if name not in self._silent:  # once per outage
            log.warning("firing.cannot_tell", source=name, reason=trouble)
        self._silent.add(name)
        return _Told(at=self._clock.now(), configuration=configuration, trouble=trouble)

    async def _tell(self, client: Alertmanager, configuration: Configuration) -> _Told:
        status, reported = await client.status(), await client.list_alerts()
        alerts: dict[Place, list[tuple[Alert, Severity]]] = {}
        least = max((stage.alerts.severity.rank for stage in configuration.stages()), default=0)
        for one in reported:
            severity = configuration.alerts.severity_of(one.alert.labels)
            if severity.rank > least:
                continue
            if (place := _place(one.alert, configuration)) is not None:
                alerts.setdefault(place, []).append((one.alert, severity))
        silences: tuple[SilenceSeen, ...] = ()
        if any(alert.state is AlertState.SILENCED for found in alerts.values() for alert, _ in found):
            silences = tuple(
                SilenceSeen(id=silence.id, by=silence.created_by, ends_at=silence.ends_at, comment=silence.comment)
                for silence in await client.list_silences()
            )
        return _Told(
            at=self._clock.now(), configuration=configuration, alerts=alerts, silences=silences,
            settled=status.settled,
        )  # fmt: skip

    async def _heard(self, source: AlertSource, stage: Stage, configuration: Configuration) -> FiringAlerts:
        """By what its webhooks have told. Of alerts that were left out of them the group's own name stands there."""
        async with self._store.reading() as tx:
            groups = await tx.alerts.list_open(source=source.name)
        place, found = (stage.application, stage.environment), list[tuple[Alert, Severity]]()
        for group in groups:
            firing = [alert for alert in group.alerts if alert.state.may_fire]
            if not firing and group.truncated:
                firing = [
                    Alert(
                        fingerprint="", labels={**group.common_labels, "alertname": group.name}, annotations={},
                        state=AlertState.FIRING, starts_at=group.began_at,
                    )
                ]  # fmt: skip
            found += [
                (alert, configuration.alerts.severity_of(alert.labels))
                for alert in firing
                if _place(alert, configuration) == place
            ]
        return gathered(_grave(found, stage))


def _place(alert: Alert, configuration: Configuration) -> Place | None:
    """None for what no stage can be sure of: no application, or none of its environments."""
    tie = sure_tie(alert, configuration)
    return (tie.application, tie.environment) if tie is not None and tie.environment is not None else None


def _grave(alerts: Sequence[tuple[Alert, Severity]], stage: Stage) -> list[tuple[Alert, Severity]]:
    return [(alert, severity) for alert, severity in alerts if severity.is_at_least(stage.alerts.severity)]
