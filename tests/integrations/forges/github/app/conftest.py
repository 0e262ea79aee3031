"""A GitHub that knows one App, over a socket, with a clock of its own; and the App's side with another clock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.domain.pipeline import GithubApp
from bot.integrations.forges.github.app.installations import Installations
from bot.sandbox.feed import Feed
from bot.sandbox.github.service import GithubService
from bot.sandbox.repositories import Repositories
from bot.sandbox.seeded import GITHUB_APP_ID
from bot.sandbox.traffic import Traffic

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
APM, WEB, TOOLS = "example/apm", "example/web", "other/tools"


class SetClock:
    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def passes(self, **duration: float) -> None:
        self.at += timedelta(**duration)


@dataclass(kw_only=True)
class Github:
    """The stand-in: `theirs` is its clock, `ours` the App's; `learned` what was told to be secret."""

    service: GithubService
    traffic: Traffic
    url: str
    theirs: SetClock
    ours: SetClock
    learned: list[str] = field(default_factory=list)
    opened: list[Installations] = field(default_factory=list)

    @property
    def knobs(self) -> Any:
        return self.service.forge.apps.records

    def passes(self, **duration: float) -> None:
        self.theirs.passes(**duration)
        self.ours.passes(**duration)

    def app(self) -> GithubApp:
        return GithubApp(id=GITHUB_APP_ID, private_key=self.service.forge.apps.key_file().read_text())

    def installations(self, app: GithubApp | None = None, serving: tuple[str, ...] = (APM, WEB)) -> Installations:
        made = Installations(self.url, app or self.app(), self.ours, self.learned.append, timeout=5)
        made.serve(serving)
        self.opened.append(made)
        return made

    def asked(self, method: str, ends: str) -> int:
        requests, _ = self.traffic.requests()
        return sum(request.method == method and request.path.endswith(ends) for request in requests)

    @property
    def issued(self) -> int:
        return self.asked("POST", "/access_tokens")


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The App's key takes a while to make: one for all tests."""
    return tmp_path_factory.mktemp("key")


@pytest.fixture
async def github(tmp_path: Path, key_folder: Path) -> AsyncIterator[Github]:
    traffic, repositories = Traffic(), Repositories(tmp_path / "repositories")
    for name in (APM, WEB, TOOLS):
        repositories.path(name).mkdir(parents=True)  # nothing here looks into them
        (repositories.path(name) / "HEAD").write_text("ref: refs/heads/main\n")
    service = GithubService(traffic, Feed(), repositories, speed=30)
    theirs = SetClock()
    apps = service.forge.apps
    apps.clock, apps._file = theirs.now, key_folder / "github-app.pem"
    runner = web.AppRunner(service.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    repositories.base_url = base
    running = Github(service=service, traffic=traffic, url=f"{base}/api/v3", theirs=theirs, ours=SetClock())
    yield running
    for opened in running.opened:
        await opened.close()
    await service.close()
    await runner.cleanup()
