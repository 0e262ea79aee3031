"""A Slack workspace on sockets, the real outbox in SQLite, and cards; `--update-golden` rewrites golden files."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.approval import Approval, Counted, RuleResult, Verdict
from bot.domain.card import ChangeCard, actions_of
from bot.domain.change import (
    Change,
    ChangeKind,
    CommitLine,
    Merge,
    Proposal,
    Shipment,
    SyncFacts,
    ValueChange,
)
from bot.domain.content_key import ContentKey
from bot.domain.gate import Gate
from bot.domain.identity import ChangeId, ChannelId, Revision, UserId
from bot.domain.lifecycle import State
from bot.domain.outgoing import CardPlacement, Outgoing, Pick
from bot.domain.pipeline import SyncMode
from bot.sandbox.control.http import errors_as_json
from bot.sandbox.feed import Feed
from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID, TOKENS
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Fault, Traffic
from bot.slack.app import Identity, new_session, web_client
from bot.slack.manifest import SCOPES
from bot.store.store import SqlStore
from tests.databases import sqlite_in

Json = dict[str, Any]

NOW = datetime(2026, 3, 4, 14, 5, tzinfo=UTC)
CHANGE = ChangeId("01HZX3K6Q4T8V2M5N7P9R1S3WA")
ID = Identity(team_id=TEAM_ID, user_id=BOT_USER_ID, bot_id=BOT_ID)
GOLDEN = Path(__file__).parent / "golden"
MANIFEST: Json = {
    "features": {"slash_commands": [{"command": "/gitops", "description": "everything", "should_escape": True},
                                    {"command": "/promote", "description": "promote", "should_escape": True}]},
    "oauth_config": {"scopes": {"bot": list(SCOPES)}},
    "settings": {"socket_mode_enabled": True, "event_subscriptions": {"bot_events": ["app_mention"]}},
}  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew from what is rendered")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Compare a rendering with its golden file, or write it with `--update-golden`."""

    def compare(name: str, rendered: Any) -> None:
        file = GOLDEN / f"{name}.json"
        text = json.dumps(rendered, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"{file.name} is missing: run with --update-golden and read it"
        assert json.loads(file.read_text(encoding="utf-8")) == rendered

    return compare


class Samples:
    """One promotion of `apm-stack` to production, at any point of its life."""

    now = NOW
    key = ContentKey(
        paths={"deployments/k8s/overlays/production": "a" * 40, "deployments/k8s/base": "b" * 40}, widened=None,
        destination="in-cluster/apm", project="apm", source_digest="s1", sync_digest="y1",
    )  # fmt: skip

    def shipment(self, **facts: Any) -> Shipment:
        known: Json = {
            "values": (
                self.value("apm-api", "2.14.0", "2.15.1"),
                self.value("otel/opentelemetry-collector", "0.108.0", "0.109.0"),
            ),
            "carried": (self.commit(1, "Retry uploads"), self.commit(2, "Log less", author="developer-2")),
            "carried_total": 2,
        }  # fmt: skip
        return Shipment(**{**known, **facts})

    def value(self, name: str, old: str, new: str) -> ValueChange:
        return ValueChange(name=name, old=old, new=new, file="deployments/k8s/overlays/production/kustomization.yaml")

    def commit(self, number: int, subject: str, author: str = "developer") -> CommitLine:
        return CommitLine(revision=Revision(f"{number:040x}"), subject=subject, author=author)

    def proposal(self, **facts: Any) -> Proposal:
        known: Json = {
            "branch": f"tiphys/apm-stack/production/{CHANGE}", "base_branch": "main",
            "base": Revision("1" * 40), "head": Revision("4d1e77c" + "0" * 33), "pull_request": 187,
            "link": "https://github.example.com/example/apm/pull/187", "key": self.key,
            "source_revision": Revision("5e5e5e5" + "0" * 33), "active_revision": Revision("9f3c2ab" + "0" * 33),
            "active_history_id": 14, "shipment": self.shipment(),
            "compare_link": "https://github.example.com/example/apm/compare/a...b",
            "diff": "--- a/kustomization.yaml\n+++ b/kustomization.yaml\n-    newTag: 2.14.0\n+    newTag: 2.15.1\n",
        }  # fmt: skip
        return Proposal(**{**known, **facts})

    def merge(self, **facts: Any) -> Merge:
        known: Json = {
            "revision": Revision("7777777" + "0" * 33), "key": self.key, "by": "tiphys",
            "at": NOW + timedelta(minutes=5),
        }  # fmt: skip
        return Merge(**{**known, **facts})

    def change(self, state: State = State.WAITING_FOR_APPROVAL, **facts: Any) -> Change:
        known: Json = {
            "id": CHANGE, "number": 42, "kind": ChangeKind.PROMOTION, "application": "apm-stack",
            "environment": "production", "source_environment": "staging", "sync_mode": SyncMode.CONTROLLED,
            "requested_by": UserId("U0DEV1"), "requested_at": NOW, "channel": ChannelId("C0DEPLOY"),
            "asked_in": ChannelId("C0DEPLOY"), "state": state, "state_since": NOW + timedelta(minutes=6),
            "proposal": self.proposal(), "ready_at": NOW + timedelta(minutes=1),
        }  # fmt: skip
        return Change(**{**known, **facts})

    def approvals(
        self, *users: str, verdict: Verdict = Verdict.WAITING, at: datetime = NOW, **refused: str
    ) -> RuleResult:
        counted = [Counted(approval=replace(self._approval(user), at=at), counts=True) for user in users]
        counted += [Counted(approval=self._approval(u), counts=False, reason=why) for u, why in refused.items()]
        words = f"{len(users)} of 2 approvals, {2 - len(users)} more needed"
        return RuleResult(rule="quorum", verdict=verdict, reason=words, counted=tuple(counted))

    def _approval(self, user: str) -> Approval:
        return Approval(change=CHANGE, user=UserId(user), person=user, fingerprint=self.key.fingerprint, at=NOW)

    def gates(self) -> tuple[Gate, ...]:
        return (
            Gate.open("source", "staging is Healthy and soaked for 2 h"),
            Gate.waiting("checks", "check build is pending", link="https://ci.example.com/1"),
            Gate.closed("windows", "a sync window is closed", opens_at=NOW + timedelta(hours=18)),
        )

    def card(self, change: Change | None = None, **facts: Any) -> ChangeCard:
        change = change or self.change()
        needs_approvals = facts.get("approvals_needed", 2) > 0
        known: Json = {
            "change": change, "sync_mode": change.sync_mode, "approvals_needed": 2, "may_approve": ("S0PLATFORM",),
            "prune": False, "actions": actions_of(change, needs_approvals=needs_approvals), "asks_confirmation": True,
            "application_link": "https://argocd.example.com/applications/argocd/apm-stack-production",
        }  # fmt: skip
        return ChangeCard(**{**known, **facts})

    def synced(self, **facts: Any) -> SyncFacts:
        return SyncFacts(operation=CHANGE, asked_at=NOW + timedelta(minutes=5), **facts)


@pytest.fixture
def samples() -> Samples:
    return Samples()


async def until(holds: Callable[[], Any], seconds: float = 8.0) -> Any:
    """Wait until something holds (it may be asynchronous), at most so long; answers what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    return until


class Workspace:
    """The sandbox's Slack as tests drive and look at it."""

    def __init__(
        self, service: SlackService, traffic: Traffic, session: aiohttp.ClientSession, urls: list[str]
    ) -> None:
        self.service, self.traffic, self._session = service, traffic, session
        self._control, self.api_url = urls[0], f"{urls[1]}/api/"
        self.client: AsyncWebClient = web_client(TOKENS.slack_bot, self.api_url, session)

    async def control(self, method: str, path: str, **body: Any) -> Json:
        async with self._session.request(method, self._control + path, json=body or None) as response:
            answer: Json = await response.json()
            return {**answer, "status": response.status} if response.status != 200 else answer

    async def messages(self, channel: str = "deployments") -> list[Json]:
        found: list[Json] = (await self.control("GET", f"/api/channels/{channel}/messages"))["messages"]
        return found

    async def ephemerals(self, user: str = "developer") -> list[Json]:
        found: list[Json] = (await self.control("GET", f"/api/users/{user}/ephemerals"))["ephemerals"]
        return found

    async def views(self, user: str = "developer") -> list[Json]:
        found: list[Json] = (await self.control("GET", f"/api/users/{user}/views"))["views"]
        return found

    def fault(self, method: str, do: Any, **more: Any) -> Fault:
        """Trouble for one Web API method (or any path)."""
        import re

        return self.traffic.add_fault(Fault(id="", service="slack", path=re.compile(re.escape(method)), do=do, **more))

    def asked(self, method: str) -> list[Json]:
        """The requests of that method, applied or not."""
        found, _ = self.traffic.requests(service="slack")
        return [request.as_json() for request in found if request.path.endswith(method)]


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def mode() -> str:
    """How Slack reaches the bot; modules that try both ways have a fixture of their own."""
    return "socket"


@pytest.fixture
async def workspace(mode: str) -> AsyncIterator[Workspace]:
    traffic = Traffic()
    service = SlackService(traffic, Feed(), "http" if mode == "http" else "socket")
    service.install(MANIFEST)
    control = web.Application(middlewares=[errors_as_json])
    control.add_routes(service.control_routes())
    async with served(service.app()) as url, served(control) as control_url, new_session() as session:
        service.base_url = url
        await service.start()
        try:
            yield Workspace(service, traffic, session, [control_url, url])
        finally:
            await service.close()


class FixedClock:
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass
class StoredOutbox:
    """The outbox on the real rows; what a card shows comes from the rows and the samples' policy."""

    store: SqlStore
    clock: FixedClock
    samples: Samples

    async def claim(self, *, limit: int, pick: Pick) -> list[Outgoing]:
        return list((await self.store.claims.outbox(self.clock.now(), limit=limit, pick=pick)).rows)

    def sending(self, item: Outgoing) -> AbstractAsyncContextManager[None]:
        return self.store.claims.working(item)

    async def mark_sent(self, item: Outgoing) -> None:
        async with self.store.writing() as tx:
            await tx.outbox.mark_sent(item)

    async def postpone(self, item: Outgoing, *, seconds: float, error: str) -> None:
        async with self.store.writing() as tx:
            await tx.outbox.postpone(item, until=self.clock.now() + timedelta(seconds=seconds), error=error)

    async def give_up(self, item: Outgoing, *, error: str) -> None:
        async with self.store.writing() as tx:
            await tx.outbox.give_up(item, error=error)

    async def find_card(self, change: ChangeId) -> ChangeCard | None:
        async with self.store.reading() as tx:
            found = await tx.changes.find(change)
        return self.samples.card(found) if found else None

    async def find_placement(self, change: ChangeId) -> CardPlacement | None:
        async with self.store.reading() as tx:
            return await tx.outbox.find_placement(change)

    async def set_placement(self, placement: CardPlacement) -> None:
        async with self.store.writing() as tx:
            await tx.outbox.set_placement(placement)

    async def forget_placement(self, change: ChangeId) -> None:
        async with self.store.writing() as tx:
            await tx.outbox.forget_placement(change)

    async def due(self) -> int:
        async with self.store.reading() as tx:
            return await tx.outbox.count_due(self.clock.now())

    async def show(self, change: Change) -> None:
        """Store the change (anew) and touch its card."""
        async with self.store.writing() as tx:
            known = await tx.changes.find(change.id)
            if known is None:
                await tx.changes.insert(change)
            else:
                await tx.changes.swap(replace(change, version=known.version, number=known.number))
            await tx.outbox.touch_card(change.id, now=self.clock.now())


@pytest.fixture
async def outbox(tmp_path: Path, samples: Samples) -> AsyncIterator[StoredOutbox]:
    store = SqlStore(await sqlite_in(tmp_path))
    yield StoredOutbox(store, FixedClock(datetime.now(UTC)), samples)
    await store.close()
