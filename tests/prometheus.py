"""A real Prometheus for the tests (Debian: prometheus), with the rules that `deploy/` ships, on 127.0.0.1."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import yaml

from tests.alertmanager import STOP_SECONDS, free_port

RULES = Path(__file__).parents[1] / "deploy" / "monitoring" / "tiphys-rules.yml"
START_SECONDS = 30.0
OFTEN = "500ms"


@asynccontextmanager
async def prometheus(folder: Path, *, scrapes: str, tells: str) -> AsyncIterator[str]:
    """Its URL. It scrapes the address `scrapes` as Prometheus Operator does (the target's labels win over the metric's)
    and tells the Alertmanager at the address `tells`; often, and else as it is by itself. Gone at the end."""
    folder.mkdir(parents=True)
    configuration = folder / "prometheus.yml"
    configuration.write_text(yaml.safe_dump({
        "global": {"scrape_interval": OFTEN, "scrape_timeout": OFTEN, "evaluation_interval": OFTEN},
        "rule_files": [str(RULES)],
        "scrape_configs": [{
            "job_name": "argocd-metrics", "honor_labels": False,
            "static_configs": [{"targets": [scrapes], "labels": {"namespace": "monitoring"}}],
        }],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [tells]}]}]},
    }))  # fmt: skip
    url = f"http://127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={url.removeprefix('http://')}", stdin=asyncio.subprocess.DEVNULL, stdout=log,
            stderr=log,
        )  # fmt: skip
    try:
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(START_SECONDS):
            while not await _is_ready(http, url):
                assert process.returncode is None, (folder / "log").read_text()
                await asyncio.sleep(0.05)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _is_ready(http: httpx.AsyncClient, url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return (await http.get(f"{url}/-/ready")).status_code == 200
    return False
