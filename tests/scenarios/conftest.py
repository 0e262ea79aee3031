"""A sandbox for each scenario: the real command in a process of its own, a fresh home, its own ports."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

from tests.nursery import started
from tests.scenarios.guide import quicker
from tests.scenarios.workspace import Workspace

START_SECONDS = 60
STORES = ["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.long])]
Start = Callable[..., Awaitable[Workspace]]


@asynccontextmanager
async def sandbox(home: Path, *options: str, quick: bool = True) -> AsyncIterator[Workspace]:
    """`tiphys sandbox` until it says that it is ready; ended by SIGTERM, and its exit code looked at.

    `quick`: production's soak is no longer than it takes to be seen. The seeded one leaves people time for an alert.
    """
    with tempfile.TemporaryFile() as complaints:
        process, output = await started("sandbox", "--port", "0", "--home", str(home), *options, errors=complaints)
        try:
            async with asyncio.timeout(START_SECONDS):
                line = (await output.readline()).decode()
            if not line.startswith("Sandbox ready: "):
                raise AssertionError(f"the sandbox did not start: {line}{_read(complaints)}")
            workspace = Workspace(line.removeprefix("Sandbox ready: ").strip())
            if quick and (config := home / "tiphys.yaml").is_file():  # which the bot reads again before anything soaks
                unfinished = home / "tiphys.yaml.partial"
                unfinished.write_text(quicker(config.read_text("utf-8")), "utf-8")
                unfinished.replace(config)
            try:
                yield workspace
            finally:
                await workspace.close()
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(START_SECONDS):
                await output.read()
                await process.wait()
        assert process.returncode == 0, _read(complaints)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The option that says which database the bot has; every scenario is run on both of them by `--long`."""
    if request.param == "postgresql":
        return ("--database", request.getfixturevalue("empty_postgresql"))
    return ()


@pytest.fixture
async def start(tmp_path: Path, database: tuple[str, ...]) -> AsyncIterator[Start]:
    """Start a sandbox with options of one's own; started again, it is on the same home."""
    async with AsyncExitStack() as stack:

        async def begin(*options: str, quick: bool = True) -> Workspace:
            return await stack.enter_async_context(sandbox(tmp_path / "home", *database, *options, quick=quick))

        yield begin


@pytest.fixture
async def workspace(tmp_path: Path, database: tuple[str, ...]) -> AsyncIterator[Workspace]:
    """A world that runs ten times as fast as usual."""
    async with sandbox(tmp_path / "home", "--speed", "10", *database) as running:
        yield running
