"""The control API's `/api/alerts`: what fires and ends on demand, as a Prometheus would tell it."""

import asyncio
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from bot.sandbox.alertmanager.alerts import Alert, Untellable, fingerprint, stamp
from bot.sandbox.alertmanager.groups import Group
from bot.sandbox.alertmanager.state import State
from bot.sandbox.control.http import Body, ControlError, read_body

Json = dict[str, Any]
TELLS_WITHIN = 10.0
LOOKS_EVERY = 0.02


class Act(Body):
    do: Literal["fire", "resolve"]
    labels: dict[str, str] = Field(min_length=1)
    annotations: dict[str, str] = Field(default_factory=dict)


class AlertsControl:
    """An alert that was fired here fires until it is resolved here."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/alerts", self.act), web.get("/api/alerts", self.told)]

    async def act(self, request: web.Request) -> web.Response:
        """Returns when the webhook about it is answered (or none is due), after ten seconds at most."""
        asked = await read_body(request, Act)
        groups = [self._fire(asked)] if asked.do == "fire" else self._resolve(asked)
        changes = [(group, group.untold) for _, group in groups]
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + TELLS_WITHIN
        while any(group.flushed < change for group, change in changes) and loop.time() < give_up_at:  # noqa: ASYNC110
            await asyncio.sleep(LOOKS_EVERY)
        told = all(group.flushed >= change for group, change in changes)
        return web.json_response({"alerts": [self.as_json(alert) for alert, _ in groups], "told": told})

    async def told(self, request: web.Request) -> web.Response:
        now = self._state.now()
        return web.json_response({
            "alerts": [self.as_json(alert) for alert in self._state.alerts],
            "silences": [silence.as_json(now) for silence in self._state.silences.listed(now)],
            "webhooks": [attempt.as_json() for attempt in self._state.sender.log],
        })  # fmt: skip

    def as_json(self, alert: Alert) -> Json:
        now = self._state.now()
        silenced, inhibited = self._state.silenced_by(alert), self._state.inhibited_by(alert)
        is_over = alert.is_resolved(now)
        suppressed = "silenced" if silenced else "inhibited" if inhibited else "firing"
        return {
            "fingerprint": alert.fingerprint, "state": "resolved" if is_over else suppressed, "labels": alert.labels,
            "annotations": alert.annotations, "starts_at": stamp(alert.starts_at),
            "ends_at": stamp(alert.ends_at) if is_over else None, "silenced_by": silenced,
        }  # fmt: skip

    def _fire(self, asked: Act) -> tuple[Alert, Group]:
        name = asked.labels.get("alertname", "")
        url = f"{self._state.dispatcher.external_url}/graph?g0.expr={name}"
        try:
            return self._state.tell(asked.labels, asked.annotations, generator_url=url, is_kept=True)
        except Untellable as error:
            raise ControlError(422, "refused", str(error), "labels") from None

    def _resolve(self, asked: Act) -> list[tuple[Alert, Group]]:
        """The alert of exactly these labels, else all that have them."""
        firing = self._state.firing()
        found = [alert for alert in firing if alert.fingerprint == fingerprint(asked.labels)] or [
            alert for alert in firing if asked.labels.items() <= alert.labels.items()
        ]
        if not found:
            raise ControlError(404, "no_such_alert", "no alert with these labels fires", "labels")
        now = self._state.now()
        return [
            self._state.tell(
                alert.labels, asked.annotations or alert.annotations, starts_at=alert.starts_at, ends_at=now,
                generator_url=alert.generator_url,
            )
            for alert in found
        ]  # fmt: skip
