"""What the world asks of each of its servers."""

from typing import Any, Protocol

from aiohttp import web


class Service(Protocol):
    """One stand-in server of the world (Slack, Argo CD, GitHub with Git, Alertmanager)."""

    @property
    def name(self) -> str:
        """`slack`, `argocd`, `github` or `alertmanager`."""
        ...

    def app(self) -> web.Application:
        """The server's own routes, with the traffic middleware installed. Called once."""
        ...

    def control_routes(self) -> list[web.RouteDef]:
        """The part of the control API that belongs to this server."""
        ...

    def state(self) -> dict[str, Any]:
        """Its part of `GET /api/state`, keyed as in the contract (`users`, `pulls`, …)."""
        ...

    def dump(self) -> dict[str, Any]:
        """Everything that must outlive a restart, as JSON-able data."""
        ...

    def load(self, data: dict[str, Any]) -> None:
        """Take back what `dump` gave; called before `start`, instead of seeding."""
        ...

    async def start(self) -> None:
        """Begin background work (pollers, timers). The server's port is known by now."""
        ...

    async def close(self) -> None:
        """End background work. May be called again."""
        ...
