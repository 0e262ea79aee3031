"""A real Alertmanager for the tests (Debian: prometheus-alertmanager), alone or as a pair, on 127.0.0.1."""

import asyncio
import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

EXAMPLE = Path(__file__).parents[1] / "deploy" / "monitoring" / "alertmanager.yml"
PROGRAMS = ("prometheus-alertmanager", "amtool", "promtool", "prometheus")
START_SECONDS = 30.0
STOP_SECONDS = 15.0
SOON = 20.0


def need_programs(environ: Mapping[str, str] = os.environ) -> None:
    """Skips the test where one is missing; under CI that is a failure."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        words = f"{', '.join(missing)} not installed (Debian: prometheus, prometheus-alertmanager)"
        if environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)


def example_configuration(webhook: str, token_file: Path, *, group_interval: str = "1s") -> str:
    """The configuration that `deploy/` ships, with this receiver and short waits; nothing else is changed."""
    shipped: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    shipped["route"] |= {"group_wait": "200ms", "group_interval": group_interval}
    [receiver] = [each for each in shipped["receivers"] if each["name"] == "tiphys"]
    [hook] = receiver["webhook_configs"]
    hook["url"] = webhook
    hook["http_config"]["authorization"]["credentials_file"] = str(token_file)
    return yaml.safe_dump(shipped)


class Alertmanager:
    """One process, in a folder of its own. `start` and `stop` may be repeated; it comes back on its ports."""

    def __init__(self, folder: Path, configuration: str, *, peers: tuple[int, int] | None = None) -> None:
        """`peers`: its own cluster port and another's."""
        self._folder, self._peers = folder, peers
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "alertmanager.yml").write_text(configuration)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Return when it is ready; a pair is when both know each other."""
        cluster = ["--cluster.listen-address="]
        if self._peers is not None:
            own, other = self._peers
            cluster = [
                f"--cluster.listen-address=127.0.0.1:{own}", f"--cluster.advertise-address=127.0.0.1:{own}",
                f"--cluster.peer=127.0.0.1:{other}", "--cluster.settle-timeout=1s", "--cluster.pushpull-interval=1s",
                "--cluster.gossip-interval=100ms", "--cluster.peer-timeout=1s", "--cluster.reconnect-interval=1s",
            ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                PROGRAMS[0], f"--config.file={self._folder / 'alertmanager.yml'}",
                f"--storage.path={self._folder / 'data'}", f"--web.listen-address=127.0.0.1:{self._port}",
                f"--web.external-url={self.url}", *cluster,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        await self._until_ready()

    async def stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def post(self, *alerts: Mapping[str, Any]) -> None:
        """Tell it of alerts, as Prometheus does."""
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.url}/api/v2/alerts", json=[dict(alert) for alert in alerts])
            assert answer.status_code == 200, answer.text

    async def _until_ready(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(START_SECONDS):
            while True:
                assert self._process is not None
                if self._process.returncode is not None:
                    raise AssertionError((self._folder / "log").read_text())
                with contextlib.suppress(httpx.HTTPError):
                    if await self._is_ready(http):
                        return
                await asyncio.sleep(0.05)

    async def _is_ready(self, http: httpx.AsyncClient) -> bool:
        if (await http.get(f"{self.url}/-/ready")).status_code != 200:
            return False
        status = (await http.get(f"{self.url}/api/v2/status")).json()["cluster"]
        return self._peers is None or (status["status"] == "ready" and len(status["peers"]) == 2)


@asynccontextmanager
async def alertmanager(configuration: str) -> AsyncIterator[Alertmanager]:
    """One, started; gone at the end."""
    async with _of_its_own() as folder:
        made = Alertmanager(folder, configuration)
        try:
            await made.start()
            yield made
        finally:
            await made.stop()


@asynccontextmanager
async def alertmanager_pair(configuration: str) -> AsyncIterator[tuple[Alertmanager, Alertmanager]]:
    """Two that know each other, started; gone at the end. What fires must be told to both, as Prometheus does."""
    async with _of_its_own() as folder:
        ports = free_port(), free_port()
        pair = (
            Alertmanager(folder / "a", configuration, peers=ports),
            Alertmanager(folder / "b", configuration, peers=(ports[1], ports[0])),
        )
        try:
            await asyncio.gather(*(each.start() for each in pair))
            yield pair
        finally:
            await asyncio.gather(*(each.stop() for each in pair))


def firing(
    starts_at: datetime, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """One alert as Prometheus tells of it: it ends in four minutes unless it is told of again."""
    return {
        "labels": dict(labels), "annotations": dict(annotations or {}), "startsAt": starts_at.isoformat(),
        "endsAt": (datetime.now(UTC) + timedelta(minutes=4)).isoformat(),
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=up",
    }  # fmt: skip


def resolved(alert: Mapping[str, Any]) -> dict[str, Any]:
    """The same alert, over."""
    return {**alert, "endsAt": datetime.now(UTC).isoformat()}


async def until(is_so: Callable[[], bool], *, seconds: float = SOON) -> None:
    """Wait for a condition, not for a time."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def _of_its_own() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tiphys-alertmanager-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
