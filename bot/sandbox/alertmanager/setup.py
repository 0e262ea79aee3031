"""What the stand-in is configured with: receivers, routes, grouping, inhibition, timers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.alerts.matcher import Matcher, all_match

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts that match go to `receiver`; the first route that matches takes them."""

    matchers: tuple[Matcher, ...]
    receiver: str

    @property
    def key(self) -> str:
        """As the real one writes it into group keys: the matchers from the root on."""
        return "{}" if not self.matchers else "{}/{" + ",".join(str(matcher) for matcher in self.matchers) + "}"


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert of `source` fires, those of `target` with `equal` labels alike are inhibited."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]

    def hides(self, source: Labels, target: Labels) -> bool:
        return (
            all_match(self.source, source)
            and all_match(self.target, target)
            and all(source.get(name, "") == target.get(name, "") for name in self.equal)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Times in seconds of the world; `--speed` shortens them."""

    receiver: str = "tiphys"
    group_by: tuple[str, ...] = (
        "alertname", "namespace", "tiphys_application", "tiphys_environment", "argocd_app", "environment", "env",
    )  # fmt: skip
    routes: tuple[Route, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    group_wait: float = 1
    group_interval: float = 5
    repeat_interval: float = 4 * 3600
    resolve_timeout: float = 300
    sent_again: float = 900  # how long Prometheus goes on telling of an alert that is resolved

    @property
    def receivers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.receiver, *(route.receiver for route in self.routes))))

    def route_of(self, labels: Labels) -> Route:
        return next((r for r in self.routes if all_match(r.matchers, labels)), Route((), self.receiver))

    def group_labels(self, labels: Labels) -> dict[str, str]:
        return {name: labels[name] for name in sorted(self.group_by) if name in labels}

    def group_key(self, labels: Labels) -> str:
        pairs = ", ".join(f"{n}={json.dumps(v, ensure_ascii=False)}" for n, v in self.group_labels(labels).items())
        return f"{self.route_of(labels).key}:{{{pairs}}}"
