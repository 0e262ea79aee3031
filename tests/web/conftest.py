"""The webhooks' route on a socket, and a sender that signs as GitHub does."""

import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.web.webhooks import PATH, GithubWebhooks

SECRET = "made-up-webhook-secret"
OURS = "example/apm"


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(kw_only=True)
class Route:
    """`heard` are the names that came through; `broken` is what whoever hears them fails with."""

    url: str = ""
    http: httpx.AsyncClient
    heard: list[str] = field(default_factory=list)
    broken: Exception | None = None

    async def hear(self, repository: str) -> int | None:
        if self.broken is not None:
            raise self.broken
        self.heard.append(repository)
        return 1 if repository == OURS else None

    async def send(self, document: Any = None, *, event: str = "push", body: Any = None, **headers: str | None) -> int:
        """A good delivery, but for what is given otherwise: a header that is None is left out."""
        raw = body if body is not None else json.dumps(document or {"repository": {"full_name": OURS}}).encode()
        whole: dict[str, str | None] = {
            "X-GitHub-Event": event, "X-GitHub-Delivery": str(uuid.uuid4()), "Content-Type": "application/json",
            "X-Hub-Signature-256": signature(raw) if isinstance(raw, bytes) else None,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }  # fmt: skip
        sent = {name: value for name, value in whole.items() if value is not None}
        return (await self.http.post(f"{self.url}{PATH}", content=raw, headers=sent)).status_code


@pytest.fixture
async def route() -> AsyncIterator[Route]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        route = Route(http=http)
        app = web.Application()
        app.add_routes(GithubWebhooks(SECRET, route.hear).routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        route.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield route
        await runner.cleanup()
