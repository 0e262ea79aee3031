"""`tiphys sandbox` as people and scripts start it: options, goings-on after a restart, refusals, and its guard."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import httpx
import pytest

from tests.scenarios.conftest import Start, sandbox
from tests.scenarios.workspace import Refused, Workspace


async def tiphys(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **(environment or {})},
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_started_again_on_its_home_the_world_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with sandbox(home, "--speed", "20") as workspace:
        before = await workspace.propose()
        await workspace.approve("approver-1")
        await workspace.thread_says("1 of 2")
    async with sandbox(home, "--speed", "20") as workspace:
        [card] = await workspace.cards()
        assert card.change == before.change
        assert len(await workspace.pulls()) == 1
        await workspace.approve("approver-2")
        await workspace.card_is("succeeded")
        assert len(await workspace.cards()) == 1
    async with sandbox(home, "--fresh") as workspace:
        assert await workspace.cards() == []
        assert await workspace.pulls() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_and_every_child(tmp_path: Path, number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "sandbox", "--port", "0", "--home", str(tmp_path / "home"),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().removeprefix("Sandbox ready: ").strip()
    workspace = Workspace(url)
    [bot] = (await workspace.call("GET", "/api/ready"))["bots"]
    await workspace.close()
    process.send_signal(number)
    assert await process.wait() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(bot["pid"], 0)


async def test_started_again_after_it_was_killed_it_ends_the_bot_that_was_left(tmp_path: Path) -> None:
    home = tmp_path / "home"
    bots = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "sandbox", "--port", "0", "--home", str(home), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().removeprefix("Sandbox ready: ").strip()
        workspace = Workspace(url)
        ready = await workspace.call("GET", "/api/ready")
        bots.append((ready["bots"][0]["pid"], ready["urls"]["bots"]))
        await workspace.close()
        if len(bots) == 1:
            process.kill()
            await process.wait()
            os.kill(bots[0][0], 0)  # nobody told it
    (orphan, before), (_, after) = bots
    assert orphan != bots[1][0]
    assert before == after
    assert not _is_alive(orphan)
    process.terminate()
    assert await process.wait() == 0


def _is_alive(pid: int) -> bool:
    """One that nobody waits for is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("slack", ["socket", pytest.param("http", marks=pytest.mark.long)])
async def test_the_environment_for_running_the_bot_by_hand(start: Start, tmp_path: Path, slack: str) -> None:
    await start("--slack", slack)
    code, out, _ = await tiphys("sandbox", "env", "--home", str(tmp_path / "home"))
    assert code == 0
    lines = out.splitlines()
    assert all(line.startswith("export ") and line.endswith("'") for line in lines)
    variables = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    assert variables["SLACK_BOT_TOKEN"] == "'xoxb-sandbox-tiphys'"
    assert ("SLACK_APP_TOKEN" in variables) == (slack == "socket")
    settings = {name: value.strip("'") for name, value in variables.items()}
    code, out, err = await tiphys("check", "--online", environment=settings)
    assert code == 0, out + err


async def test_without_a_bot_the_servers_wait_for_a_foreign_one(start: Start) -> None:
    workspace = await start("--no-bot")
    ready = await workspace.call("GET", "/api/ready")
    assert ready["bots"] == []
    said = await workspace.say("developer", "/promote apm-stack prod")
    assert said["ack"] is None
    assert len((await workspace.state())["applications"]) == 6


async def test_a_bot_that_cannot_start_ends_it_with_the_bots_own_words(tmp_path: Path) -> None:
    broken = tmp_path / "tiphys.yaml"
    broken.write_text("version: 1\nenvironmens: {}\n")
    code, out, err = await tiphys("sandbox", "--port", "0", "--home", str(tmp_path / "home"), "--config", str(broken))
    assert code == 1
    assert "Sandbox ready" not in out
    assert "environmens" in err
    assert "environments" in err


async def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    code, _, err = await tiphys("sandbox", "--port", "0", "--home", str(tmp_path), "--fresh")
    assert code == 1
    assert "folder of its own" in err
    assert (tmp_path / "letter.txt").read_text() == "dear"


async def test_no_other_page_can_drive_it(workspace: Workspace) -> None:
    body = '{"user": "developer", "channel": "deployments", "text": "/promote apm-stack prod"}'
    async with httpx.AsyncClient(base_url=workspace.url, trust_env=False) as browser:
        for headers in ({"Origin": "https://page.example.com"}, {"Host": "sandbox.example.com"}, {"Origin": "null"}):
            answer = await browser.post("/api/say", content=body, headers=headers)
            assert answer.status_code == 403
            assert answer.json()["error"]["slug"] in ("foreign_host", "foreign_origin")
        answer = await browser.post("/api/settle", content="{}", headers={"Origin": workspace.url})
        assert answer.status_code == 200
    assert await workspace.cards() == []


async def test_bad_calls_name_the_field(workspace: Workspace) -> None:
    for path, body, status, slug in (
        ("/api/faults", {"service": "slak", "do": "reset"}, 400, "malformed"),
        ("/api/faults", {"service": "slack", "do": "reset", "path": "("}, 400, "malformed"),
        ("/api/bots", {"bot": "bot-7", "do": "kill"}, 404, "no_such_bot"),
        ("/api/say", {"user": "nobody", "channel": "deployments", "text": "hi"}, 404, None),
    ):
        with pytest.raises(Refused) as refused:
            await workspace.call("POST", path, body)
        assert refused.value.status == status
        assert slug in (None, refused.value.slug)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_one_world_and_one_database(start: Start, tmp_path: Path) -> None:
    """The bot's database is where `/api/ready` says, and a second bot on it is refused."""
    workspace = await start()
    ready = await workspace.call("GET", "/api/ready")
    path = ready["database_url"].removeprefix("sqlite:///")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"changes", "approvals", "audit_entries", "inbound", "outbox"} <= tables
    _, out, _ = await tiphys("sandbox", "env", "--home", str(tmp_path / "home"))
    lines = [line.removeprefix("export ").split("=", 1) for line in out.splitlines()]
    code, _, err = await tiphys("run", environment={name: value.strip("'") for name, value in lines})
    assert code == 1
    assert "in use by another tiphys" in err
