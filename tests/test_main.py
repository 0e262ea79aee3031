"""What the composition root itself says over HTTP, whatever becomes of the rest."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, cast

import httpx
import pytest
from pydantic import SecretStr

from bot.main import Bot
from bot.sandbox.ports import Ports
from bot.settings import Settings
from bot.stopping import Stopping
from bot.store.migrate import upgrade
from bot.store.store import SqlStore
from tests.desk import ENVIRON, TIPHYS_YAML

PATIENCE = 60


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None, slack_bot_token=SecretStr("xoxb-1"), slack_app_token=SecretStr("xapp-1"), tiphys_data=tmp_path
    )


class Gone:
    """A store whose database gives no answer."""

    def reading(self) -> NoReturn:
        raise ConnectionError("the database is gone")


async def test_before_there_is_a_database_it_is_starting(settings: Settings) -> None:
    bot = Bot(settings)
    assert (await bot._readiness()).problems == ("starting",)
    assert b"tiphys_database_up 0.0" in (await bot._exposition(""))[0]


async def test_when_it_was_asked_to_end_it_says_so_and_still_counts(settings: Settings) -> None:
    await upgrade(settings.database)
    bot, store = Bot(settings), SqlStore(settings.database)
    bot._store, bot._stopping = store, Stopping()
    bot._stopping._ask()
    try:
        found = await bot._readiness()
    finally:
        await bot._close_store(store)
    assert found.problems == ("stopping",)
    assert found.waiting == {"inbound": 0, "due": 0, "outbox": 0, "intake": 0}
    assert (await bot._readiness()).problems == ("stopping",)


async def test_a_database_that_is_gone_takes_its_own_gauges_away_and_no_others(settings: Settings) -> None:
    bot = Bot(settings)
    bot._metrics.begun(1.0)
    bot._store = cast(Any, Gone())
    text = (await bot._exposition(""))[0]
    assert b"tiphys_database_up 0.0" in text
    assert b"tiphys_queue_rows{" not in text
    assert b"tiphys_reconcile_lag_seconds_count 1.0" in text


async def test_a_start_that_waits_for_a_silent_slack_can_be_ended(tmp_path: Path) -> None:
    (tmp_path / "tiphys.yaml").write_text(TIPHYS_YAML)
    with silent() as slack, (tmp_path / "log").open("wb") as log:
        variables = {
            "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_API_URL": slack, **ENVIRON,
            "TIPHYS_DATA": str(tmp_path), "TIPHYS_LISTEN": f"127.0.0.1:{free_port()}",
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", cwd=tmp_path, env={**os.environ, **variables}, stdout=log, stderr=log
        )
        try:
            answer = await first_answer(f"http://{variables['TIPHYS_LISTEN']}/readyz", process)
            assert (answer.status_code, answer.json()["problems"]) == (503, ["starting"])
            process.terminate()
            async with asyncio.timeout(PATIENCE):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    said = (tmp_path / "log").read_text()
    assert "bot.stopped" in said
    assert "bot.started" not in said
    assert "bot.stop_cut_short" not in said
    assert "Traceback" not in said


@contextmanager
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def first_answer(url: str, process: asyncio.subprocess.Process) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(PATIENCE):
        while True:
            assert process.returncode is None
            try:
                return await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.02)


async def test_while_the_database_is_away_it_says_so_and_a_signal_ends_the_waiting(tmp_path: Path) -> None:
    (tmp_path / "tiphys.yaml").write_text(TIPHYS_YAML)
    listen = f"127.0.0.1:{Ports(tmp_path).reserve('bot')}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **ENVIRON, "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "signs",
             "GITHUB_WEBHOOK_SECRET": "signs-too", "DATABASE_URL": f"postgresql://u@/d?host={tmp_path}",
             "TIPHYS_DATA": str(tmp_path / "data"), "TIPHYS_LISTEN": listen},
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://{listen}", trust_env=False) as client, asyncio.timeout(30):
            while "database: " not in (said := await _asked(client, "/readyz?verbose=1")):
                assert process.returncode is None
                await asyncio.sleep(0.02)
            assert json.loads(said).keys() == {"ready", "problems"}
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/healthz")).status_code == 200
            assert "tiphys_database_up 0.0" in await _asked(client, "/metrics")
            process.terminate()
            assert await process.wait() == 0
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _asked(client: httpx.AsyncClient, path: str) -> str:
    try:
        return (await client.get(path)).text
    except httpx.TransportError:
        return ""
