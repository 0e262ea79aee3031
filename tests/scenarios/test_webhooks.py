"""GitHub's webhooks: with them a change goes on at once, without them in its own time; forgers gain a look."""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.sandbox.seeded import TOKENS
from bot.services.hearing import APART
from tests.scenarios.conftest import sandbox
from tests.scenarios.evidence import effects, last_request
from tests.scenarios.guide import configured
from tests.scenarios.workspace import Workspace

PATIENT = ("polling: {changes: 3s}", "polling: {changes: 10m}")
"""Nothing but a webhook wakes a change within the time of a test."""

LARGEST_OF_GITHUB = 25 << 20
"""Its documented cap of a payload."""


async def hooks(workspace: Workspace, kind: str) -> list[dict[str, Any]]:
    found = (await workspace.call("GET", "/api/deliveries"))["deliveries"]
    return [delivery for delivery in found if delivery["kind"] == kind]


async def github_looks(workspace: Workspace, after: int) -> int:
    return len([r for r in await workspace.requests(service="github", after=after) if r["bot"]])


async def is_quiet(workspace: Workspace) -> bool:
    """Whether also the looks that follow a webhook a second later are over."""
    looks = [r["at"] for r in await workspace.requests(service="github") if r["bot"]]
    return datetime.now(UTC) - datetime.fromisoformat(looks[-1]) > 3 * APART


async def replay(workspace: Workspace, delivery: dict[str, Any], **more: Any) -> int:
    return int((await workspace.call("POST", "/api/replay", {"delivery_id": delivery["id"], **more}))["status"])


async def most_memory(workspace: Workspace) -> int:
    """Bytes that the bot's process had in memory at the most, ever."""
    [bot] = (await workspace.call("GET", "/api/ready"))["bots"]
    [line] = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{bot['pid']}/status").read_text())
    return int(line) << 10


def signed(body: str) -> dict[str, str]:
    mac = hmac.new(TOKENS.github_webhook_secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={mac}"}


async def test_a_change_goes_on_as_soon_as_github_tells(tmp_path: Path) -> None:
    config = configured(tmp_path, PATIENT)
    async with sandbox(tmp_path / "home", "--speed", "20", "--config", str(config)) as workspace:
        await workspace.propose()
        [pull] = await workspace.pulls()
        await workspace.github("status", number=pull["number"], context="ci", state="pending")
        await workspace.approve("approver-1", "approver-2")
        await workspace.card_is("waiting for checks")
        assert await workspace.settle()
        await workspace.github("status", number=pull["number"], context="ci", state="success")
        [*_, told] = await hooks(workspace, "status")
        assert (told["status"], told["mode"]) == (202, "http")
        await workspace.card_is("succeeded")


@pytest.mark.long
async def test_without_any_webhook_it_goes_on_in_its_own_time(workspace: Workspace) -> None:
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "stop", "env": {"GITHUB_WEBHOOK_SECRET": ""}})
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start"})
    address = (await workspace.call("GET", "/api/ready"))["urls"]["bots"][0]
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(f"{address}/webhooks/github", json={})).status_code == 404
    await workspace.propose()
    [pull] = await workspace.pulls()
    await workspace.github("status", number=pull["number"], context="ci", state="pending")
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("waiting for checks")
    await workspace.github("status", number=pull["number"], context="ci", state="success")
    await workspace.card_is("succeeded")
    assert [d for kind in ("push", "status", "pull_request") for d in await hooks(workspace, kind)] == []


async def test_forged_repeated_stale_and_monstrous_ones_do_no_more_than_wake(tmp_path: Path) -> None:
    config = configured(tmp_path, PATIENT)
    async with sandbox(tmp_path / "home", "--speed", "20", "--config", str(config)) as workspace:
        card = await workspace.propose()
        [pull] = await workspace.pulls()
        await workspace.github("status", number=pull["number"], context="ci", state="success")
        assert await workspace.settle()
        await workspace.until(lambda: is_quiet(workspace), wants="nothing more is looked at")
        [*_, delivery] = await hooks(workspace, "status")
        [*_, opened] = await hooks(workspace, "pull_request")
        since = await last_request(workspace)

        merged = json.dumps({
            "action": "closed", "number": pull["number"], "repository": {"full_name": "example/apm"},
            "pull_request": {"number": pull["number"], "merged": True, "merged_by": {"login": "approver-1"}},
        })  # fmt: skip
        huge = json.dumps({"repository": {"full_name": "example/apm"}, "padding": ""})
        huge = huge.replace('""', f'"{"x" * (LARGEST_OF_GITHUB - len(huge))}"')
        size = await most_memory(workspace)
        assert await replay(workspace, opened, body=merged) == 401, "the signature is of another body"
        assert await replay(workspace, opened, body=merged, headers={"X-Hub-Signature-256": None}) == 401
        assert await replay(workspace, delivery) == 200, "heard before"
        assert await replay(workspace, delivery, headers={"Content-Type": "text/plain"}) == 415
        for delivered_as in ("first", "again", "and again"):
            told = {**signed(huge), "X-GitHub-Delivery": delivered_as.replace(" ", "-")}
            assert await replay(workspace, opened, body=huge, headers=told) == 413
        assert await most_memory(workspace) - size < LARGEST_OF_GITHUB // 4, "no such body is ever held"
        assert await replay(workspace, delivery, body="{", headers={**signed("{"), "X-GitHub-Delivery": "a"}) == 400
        assert await github_looks(workspace, since) == 0, "none of them made it look"

        fresh = {**signed(merged), "X-GitHub-Delivery": "b"}
        assert await replay(workspace, opened, body=merged, headers=fresh) == 202

        async def looked() -> bool:
            return await github_looks(workspace, since) > 0

        await workspace.until(looked, wants="a well-signed lie makes it look")
        assert await workspace.settle()
        assert await effects(workspace, after=since) == []
        assert (await workspace.card()).state == "waiting for approval"
        assert (await workspace.card()).ts == card.ts


async def test_a_moved_base_is_seen_at_once(tmp_path: Path) -> None:
    config = configured(tmp_path, PATIENT)
    async with sandbox(tmp_path / "home", "--speed", "20", "--config", str(config)) as workspace:
        await workspace.propose()
        assert await workspace.settle()
        since = await last_request(workspace)
        await workspace.commit({"docs/readme.md": "elsewhere\n"})
        [*_, told] = await hooks(workspace, "push")
        assert told["status"] == 202

        async def fetched() -> bool:
            asked = await workspace.requests(service="git", after=since)
            return any(r["bot"] for r in asked)

        await workspace.until(fetched, wants="the mirror is brought up to date")
