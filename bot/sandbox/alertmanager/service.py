"""The sandbox's Alertmanager 0.33.1: one receiver, Tiphys, and whatever a person fires."""

from datetime import datetime
from typing import Any

from aiohttp import web

from bot.sandbox.alertmanager.control import AlertsControl
from bot.sandbox.alertmanager.rest import Endpoints, as_go_answers
from bot.sandbox.alertmanager.setup import Setup
from bot.sandbox.alertmanager.state import State
from bot.sandbox.alertmanager.webhooks import Sender
from bot.sandbox.argocd.clock import Clock
from bot.sandbox.feed import Feed
from bot.sandbox.traffic import Traffic


class AlertmanagerService:
    """Satisfies `bot.sandbox.service.Service`. `base_url` is where people reach it."""

    name = "alertmanager"

    def __init__(
        self, traffic: Traffic, feed: Feed, speed: float, setup: Setup | None = None, clock: Clock | None = None
    ) -> None:
        self._traffic = traffic
        self._state = State(setup or Setup(), clock or Clock(speed), feed.touch)
        self._control = AlertsControl(self._state)

    @property
    def base_url(self) -> str:
        return self._state.dispatcher.external_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._state.dispatcher.external_url = url

    @property
    def sender(self) -> Sender:
        """Where the world says who is told."""
        return self._state.sender

    @property
    def under_way(self) -> int:
        """How many groups have news that nobody has been told yet."""
        return self._state.dispatcher.under_way

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._traffic.middleware("alertmanager"), as_go_answers])
        app.add_routes(Endpoints(self._state).routes())
        return app

    def control_routes(self) -> list[web.RouteDef]:
        return self._control.routes()

    def state(self) -> dict[str, Any]:
        return {"alerts": [self._control.as_json(alert) for alert in self._state.firing()]}

    def dump(self) -> dict[str, Any]:
        state = self._state
        return {
            "alerts": state.alerts.dump(), "silences": state.silences.dump(), "told": state.dispatcher.dump(),
            "started_at": state.started_at.isoformat(),
        }  # fmt: skip

    def load(self, data: dict[str, Any]) -> None:
        self._state.alerts.load(data["alerts"])
        self._state.silences.load(data["silences"])
        self._state.dispatcher.load(data["told"])
        self._state.started_at = datetime.fromisoformat(data["started_at"])

    async def start(self) -> None:
        self._state.resume()

    async def close(self) -> None:
        await self._state.dispatcher.close()
        await self._state.sender.close()
