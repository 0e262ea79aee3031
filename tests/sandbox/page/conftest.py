"""A sandbox in a process of its own, and Debian's Chromium looking at its page."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect
from slack_sdk.web.async_client import AsyncWebClient

from tests.nursery import started

Json = dict[str, Any]
Opened = Callable[..., Awaitable[Page]]

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_SECONDS = 60
STOP_SECONDS = 30
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)


class World:
    """A running sandbox: its address, what it says of itself, and its control API."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def get(self, path: str) -> Json:
        async with self._session.get(self.url + path) as response:
            answer: Json = await response.json()
            assert response.status == 200, answer
            return answer

    async def production(self) -> Json:
        applications = (await self.get("/api/state"))["applications"]
        found: Json = next(a for a in applications if a["name"] == "apm-stack-production")
        return found

    async def slack(self) -> AsyncWebClient:
        """The Web API with the bot's token: for tests that post themselves."""
        ready = await self.get("/api/ready")
        return AsyncWebClient(token=ready["tokens"]["slack"]["bot"], base_url=ready["urls"]["slack_api"])


@asynccontextmanager
async def running(home: Path, *options: str) -> AsyncIterator[World]:
    with os.fdopen(2, "wb", closefd=False) as errors:
        process, output = await started("sandbox", "--port", "0", "--home", str(home), *options, errors=errors)
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await output.readline()).decode()
        assert line.startswith("Sandbox ready: "), line
        async with aiohttp.ClientSession() as session:
            yield World(line.removeprefix("Sandbox ready: ").strip(), session)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            await output.read()
            await process.wait()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The whole world with the real bot."""
    async with running(tmp_path / "home", "--speed", "4") as world:
        yield world


@pytest.fixture
async def empty_world(tmp_path: Path) -> AsyncIterator[World]:
    """The world without a bot: the test says what Slack shows."""
    async with running(tmp_path / "home", "--no-bot") as world:
        yield world


@pytest.fixture
def chromium() -> Path:
    if CHROMIUM.exists():
        return CHROMIUM
    if os.environ.get("CI"):
        pytest.fail(f"{CHROMIUM} is missing: apt-get install chromium")
    pytest.skip(f"{CHROMIUM} is missing")


@pytest.fixture
async def browser(chromium: Path, tmp_path: Path) -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "chromium", executable_path=chromium, args=FLAGS, headless=True,
            viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="Europe/Berlin",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        yield context
        await context.close()


@pytest.fixture
async def opened(browser: BrowserContext) -> AsyncIterator[Opened]:
    """Opens a page; at the end none of them may have raised anything or broken its own policy."""
    faults: list[str] = []

    async def open_page(url: str) -> Page:
        page = await browser.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
        await page.goto(url)
        return page

    yield open_page
    assert faults == []
