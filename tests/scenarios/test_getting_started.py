"""The page's first hour, done as it says: every command is run against the sandbox, every answer is compared."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import yaml

from bot.sandbox.ports import Ports
from bot.sandbox.seeded import TOKENS
from bot.sandbox.surroundings import bot_environment
from tests.scenarios.conftest import Start
from tests.scenarios.walkthrough import Block, Typed, blocks_of, missing_from, typed_in
from tests.scenarios.workspace import Workspace

PAGE = Path(__file__).parents[2] / "docs/getting-started.md"
ONLY_READ = ("git clone", "cd tiphys", "make setup", "export PATH", "argocd account")
LISTEN = "http://127.0.0.1:8080"
CHANNEL = "deployments"


def placeholders(settings: dict[str, str]) -> dict[str, str]:
    """What stands on the page, and what it is in the sandbox. Replaced in this order."""
    return {
        "xoxb-your-bot-token": TOKENS.slack_bot,
        "xapp-your-app-level-token": TOKENS.slack_app,
        "your-argocd-token": TOKENS.argocd_tiphys,
        "your-github-token": TOKENS.github_tiphys,
        "https://argocd.example.com": settings["ARGOCD_SERVER"],
        "workspace Example (T0123456789)": "workspace Sandbox (T0SANDBOX)",
        "C0123456789": "C0DEPLOY",
        "U0123456789": "U0DEV1",
        "example/shop": "example/apm",
        "shop/shop-": "apm/apm-stack-",
        "shop-": "apm-stack-",
        "project: shop": "project: apm",
        "deploy/overlays": "deployments/k8s/overlays",
        "soak: 2m": "soak: 1s",
        LISTEN: f"http://{settings['TIPHYS_LISTEN']}",
    }


def beside_the_page(settings: dict[str, str]) -> dict[str, str]:
    """What a reader's machine needs not: the sandbox is neither slack.com nor github.com, and ports must be free."""
    return {name: settings[name] for name in ("SLACK_API_URL", "GITHUB_API_URL", "TIPHYS_LISTEN")}


class Reader:
    """Somebody who does what the page says, in a folder of their own."""

    def __init__(self, workspace: Workspace, folder: Path, environ: dict[str, str]) -> None:
        self._workspace, self._folder = workspace, folder
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environ = {"PATH": path, "LANG": "C.UTF-8", **environ}
        self._bot: asyncio.subprocess.Process | None = None
        self.ran: list[str] = []

    async def follow(self, block: Block) -> None:
        match (block.kind, block.name):
            case ("console", ""):
                for typed in typed_in(block):
                    await self._type(typed)
            case ("sh", ".env") | ("yaml", "tiphys.yaml"):
                with (self._folder / block.name).open("a") as file:
                    file.write(block.text + "\n")
            case ("slack", ""):
                await self._say(block.text.strip())
            case ("yaml", "argocd-cm" | "argocd-rbac-cm"):
                self._is_for(block.name, yaml.safe_load(block.text))
            case ("sh", ""):
                assert all(line.startswith(ONLY_READ) for line in block.text.splitlines()), block.text
            case _:
                raise AssertionError(f"a block of an unknown kind: {block}")

    async def close(self) -> None:
        if self._bot is not None and self._bot.returncode is None:
            self._bot.terminate()
            await self._bot.wait()

    async def _type(self, typed: Typed) -> None:
        self.ran.append(typed.command)
        match typed.command.split():
            case ["tiphys", "run"]:
                printed, code = await self._run(typed), 0
            case ["curl", "--fail", "--silent", url]:  # done here: not every machine has it
                printed, code = await self._is_ready(url), 0
            case _:
                process = await self._start(typed.command)
                assert process.stdout is not None
                async with asyncio.timeout(60):
                    printed = (await process.communicate())[0].decode()
                code = process.returncode or 0
        missing = missing_from(printed, typed.shown)
        assert missing is None, f"`{typed.command}` did not print {missing!r} but:\n{printed}"
        assert code == (1 if "errors 1" in typed.shown else 0)

    async def _run(self, typed: Typed) -> str:
        """It goes on running; what it prints is read until it is what the page shows."""
        self._bot = await self._start(typed.command)
        assert self._bot.stdout is not None
        printed = ""
        async with asyncio.timeout(60):
            while missing_from(printed, typed.shown) is not None:
                line = await self._bot.stdout.readline()
                assert line, f"it ended:\n{printed}"
                printed += line.decode()
        return printed

    async def _is_ready(self, url: str) -> str:
        async with httpx.AsyncClient(trust_env=False) as http:

            async def ready() -> str | None:
                answer = await http.get(url)
                return answer.text if answer.is_success else None

            return str(await self._workspace.until(ready, wants="a bot that is ready"))

    async def _start(self, command: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "bash", "-c", f"exec {command}" if ">" not in command else command, cwd=self._folder, env=self._environ,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def _say(self, text: str) -> None:
        if text.startswith("/invite"):
            await self._workspace.call("PATCH", "/api/slack", {"not_in_channel": None})
        else:
            await self._workspace.say("developer", text, channel=CHANNEL)
        self.ran.append(text)

    def _is_for(self, name: str, document: dict[str, object]) -> None:
        assert document["kind"] == "ConfigMap"
        assert document["metadata"] == {"name": name, "namespace": "argocd"}
        assert document["data"]


@asynccontextmanager
async def reading(workspace: Workspace, tmp_path: Path) -> AsyncIterator[tuple[Reader, list[Block]]]:
    home = tmp_path / "home"
    settings = bot_environment(home, Ports(home), "bot-1", database=None, config=home / "unused.yaml", slack="socket")
    folder = tmp_path / "tiphys"
    folder.mkdir()
    reader = Reader(workspace, folder, beside_the_page(settings))
    await workspace.call("PATCH", "/api/slack", {"not_in_channel": CHANNEL})
    try:
        yield reader, blocks_of(PAGE, placeholders(settings))
    finally:
        await reader.close()


async def test_the_page_leads_to_a_promotion(start: Start, tmp_path: Path) -> None:
    workspace = await start("--no-bot", "--speed", "20")
    async with reading(workspace, tmp_path) as (reader, blocks):
        for block in blocks:
            await reader.follow(block)
        assert reader.ran.count("tiphys check --online") == 7
        assert [line for line in reader.ran if line.startswith("/")] == ["/invite @tiphys", "/promote shop staging"]
        card = await workspace.card_is("waiting for sync")
        assert card.text.startswith("shop → staging: ")
        await workspace.click("developer", "change.sync", card)
        await workspace.card_is("succeeded")
