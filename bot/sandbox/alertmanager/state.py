"""All that the stand-in knows, for its API and for whoever fires an alert by hand."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.sandbox.alertmanager.alerts import Alert, Alerts
from bot.sandbox.alertmanager.groups import Dispatcher, Group
from bot.sandbox.alertmanager.setup import Setup
from bot.sandbox.alertmanager.silences import Silences
from bot.sandbox.alertmanager.webhooks import Sender
from bot.sandbox.argocd.clock import Clock

UP_FOR = timedelta(hours=1)
"""The world pretends that it was there before: who has just started knows nothing of older alerts."""


class State:
    def __init__(self, setup: Setup, clock: Clock, touched: Callable[[], None]) -> None:
        self.setup, self.touched = setup, touched
        self.alerts, self.silences, self.sender = Alerts(), Silences(), Sender()
        self._clock = clock
        self.started_at = self.now() - UP_FOR
        self.dispatcher = Dispatcher(setup, clock, self.alerts, self.sender, self._is_hidden, touched)

    def now(self) -> datetime:
        now = self._clock.now()
        return now.replace(microsecond=now.microsecond // 1_000 * 1_000)

    def tell(
        self, labels: Mapping[str, str], annotations: Mapping[str, str], *, starts_at: datetime | None = None,
        ends_at: datetime | None = None, generator_url: str = "", is_kept: bool = False,
    ) -> tuple[Alert, Group]:  # fmt: skip
        """Somebody tells of an alert. Raises `Untellable`."""
        alert = self.alerts.tell(
            labels, annotations, self.now(), starts_at=starts_at, ends_at=ends_at, generator_url=generator_url,
            is_kept=is_kept, lasts=timedelta(seconds=self._clock.real(self.setup.resolve_timeout)),
        )  # fmt: skip
        group = self.dispatcher.add(alert)
        self.touched()
        return alert, group

    def resume(self) -> None:
        """After a restart: the alerts that are still there are told of again."""
        for alert in self.alerts:
            self.dispatcher.add(alert)

    def firing(self) -> list[Alert]:
        now = self.now()
        return [alert for alert in self.alerts if not alert.is_resolved(now)]

    def receiver_of(self, alert: Alert) -> str:
        return self.setup.route_of(alert.labels).receiver

    def silenced_by(self, alert: Alert) -> list[str]:
        return self.silences.hiding(alert.labels, self.now())

    def inhibited_by(self, alert: Alert) -> list[str]:
        if not self.setup.inhibitions:
            return []
        return [
            source.fingerprint
            for source in self.firing()
            if source is not alert and any(rule.hides(source.labels, alert.labels) for rule in self.setup.inhibitions)
        ]

    def _is_hidden(self, alert: Alert) -> bool:
        return bool(self.silenced_by(alert) or self.inhibited_by(alert))
