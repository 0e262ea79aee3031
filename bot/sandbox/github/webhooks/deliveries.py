"""Delivering webhooks: signed, once, ten seconds at most; the log of it; delivering again, also as a forger would."""

import asyncio
import hmac
import itertools
import json
import time
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import structlog

from bot.sandbox.github.events import ForgeEvent
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.shapes import Json
from bot.sandbox.github.webhooks.payloads import payload_of
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)

TIMEOUT = 10.0
KEPT = 500
USER_AGENT = "GitHub-Hookshot/0a1b2c3"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTarget:
    """A webhook as somebody has set it up."""

    url: str
    secret: str = field(repr=False)

    @property
    def hook_id(self) -> int:
        return zlib.crc32(self.url.encode()) % 900_000_000 + 100_000_000


@dataclass(slots=True, kw_only=True)
class HookDelivery:
    """One attempt. `status` None: nobody answered, or not yet."""

    number: int
    event: str
    login: str
    at: datetime
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    status: int | None = None
    ms: int | None = None
    replay_of: str | None = None

    @property
    def id(self) -> str:
        return f"D{self.number}"

    def as_json(self) -> Json:
        return {
            "id": self.id, "system": "github", "kind": self.event, "user": self.login, "mode": "http",
            "at": self.at.isoformat().replace("+00:00", "Z"), "status": self.status, "ms": self.ms,
            "replay_of": self.replay_of,
        }  # fmt: skip


class Webhooks:
    """`targets` says where to; `next_number` numbers the deliveries, so that others may be counted among them."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self.targets: Callable[[], list[HookTarget]] = list
        self.next_number: Callable[[], int] = itertools.count(1).__next__
        self._log: list[HookDelivery] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._tasks = TaskSet("github.webhooks")
        self._http: httpx.AsyncClient | None = None

    @property
    def under_way(self) -> int:
        """How many deliveries nobody has answered yet."""
        return len(self._under_way)

    def tell(self, event: ForgeEvent) -> None:
        """Deliver it to all, in the background."""
        targets = self.targets()
        if not targets:
            return
        name, login, build = payload_of(self._forge, event)
        deliveries = [self._enter(name, login, target.url) for target in targets]

        async def deliver() -> None:
            body = json.dumps(await build()).encode()
            await asyncio.gather(
                *(self._sign_and_send(*pair, body) for pair in zip(deliveries, targets, strict=True))
            )  # fmt: skip

        task = self._tasks.start(deliver(), name=name)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def answered(self) -> None:
        """Return when everything that was told so far is answered, or given up."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def after(self, number: int) -> list[Json]:
        return [delivery.as_json() for delivery in self._log if delivery.number > number]

    async def replay(self, delivery_id: str, headers: Mapping[str, str | None], body: Any) -> Json | None:
        """Deliver again, with headers replaced (None: left out) and another body: text as it is, else JSON. The
        signature stays what it was unless it is replaced too. None: it is no delivery of ours."""
        first = next((delivery for delivery in self._log if delivery.id == delivery_id), None)
        if first is None:
            return None
        again = self._enter(first.event, first.login, first.url)
        again.replay_of, again.body = first.id, first.body
        names = {name.lower() for name in headers}
        kept = {name: value for name, value in first.headers.items() if name.lower() not in names}
        again.headers = kept | {name: value for name, value in headers.items() if value is not None}
        if body is not None:
            text = body if isinstance(body, str) else json.dumps(body)
            again.body = text.encode("utf-8", "surrogatepass")
        await self._send(again)
        return {"status": again.status}

    async def close(self) -> None:
        await self._tasks.close()
        if self._http is not None:
            await self._http.aclose()

    def _enter(self, name: str, login: str, url: str) -> HookDelivery:
        delivery = HookDelivery(number=self.next_number(), event=name, login=login, at=datetime.now(UTC), url=url)
        self._log.append(delivery)
        del self._log[:-KEPT]
        return delivery

    async def _sign_and_send(self, delivery: HookDelivery, target: HookTarget, body: bytes) -> None:
        def signed(algorithm: str) -> str:
            return f"{algorithm}={hmac.new(target.secret.encode(), body, algorithm).hexdigest()}"

        delivery.body = body
        delivery.headers = {
            "Accept": "*/*", "Content-Type": "application/json", "User-Agent": USER_AGENT,
            "X-GitHub-Delivery": str(uuid.uuid4()), "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": str(target.hook_id), "X-GitHub-Hook-Installation-HookTarget-Type": "repository",
            "X-GitHub-Hook-Installation-HookTarget-ID": str(target.hook_id % 1_000_000),
            "X-Hub-Signature": signed("sha1"), "X-Hub-Signature-256": signed("sha256"),
        }  # fmt: skip
        await self._send(delivery)

    async def _send(self, delivery: HookDelivery) -> None:
        if self._http is None:
            self._http = httpx.AsyncClient(trust_env=False, timeout=TIMEOUT, verify=False)  # noqa: S501  loopback only
        began = time.perf_counter()
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self._http.post(delivery.url, content=delivery.body, headers=delivery.headers)
            delivery.status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            log.info("webhook.unanswered", url=delivery.url, kind=delivery.event, error=type(error).__name__)
        delivery.ms = round((time.perf_counter() - began) * 1000)
        self._forge.feed.touch()
