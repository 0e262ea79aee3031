"""A sandbox for each scenario: the real command in a process of its own, a fresh home, its own ports."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.scenarios.workspace import Workspace

START_SECONDS = 60
Start = Callable[..., Awaitable[Workspace]]


@asynccontextmanager
async def sandbox(home: Path, *options: str) -> AsyncIterator[Workspace]:
    """`tiphys sandbox` until it says that it is ready; ended by SIGTERM, and its exit code looked at."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "sandbox", "--port", "0", "--home", str(home), *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
        if not line.startswith("Sandbox ready: "):
            raise AssertionError(f"the sandbox did not start: {line}{(await process.stderr.read()).decode()}")
        workspace = Workspace(line.removeprefix("Sandbox ready: ").strip())
        try:
            yield workspace
        finally:
            await workspace.close()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(START_SECONDS):
            _, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a sandbox with options of one's own; started again, it is on the same home."""
    async with AsyncExitStack() as stack:

        async def begin(*options: str) -> Workspace:
            return await stack.enter_async_context(sandbox(tmp_path / "home", *options))

        yield begin


@pytest.fixture
async def workspace(tmp_path: Path) -> AsyncIterator[Workspace]:
    """A world that runs ten times as fast as usual."""
    async with sandbox(tmp_path / "home", "--speed", "10") as running:
        yield running
