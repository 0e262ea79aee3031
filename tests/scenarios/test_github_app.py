"""The main job as a GitHub App: its tokens end while it works, and nothing of it is lost or shown."""

from pathlib import Path

import pytest

from tests.scenarios.conftest import sandbox
from tests.scenarios.guide import configured
from tests.scenarios.workspace import Workspace

APP = tuple(
    (
        f"{name}: {{github: example/{name}, token: {{env: GITHUB_TOKEN}}}}",
        f"{name}: {{github: example/{name}, app: {{id: 12345, private_key: {{env: GITHUB_APP_PRIVATE_KEY}}}}}}",
    )
    for name in ("apm", "gateway")
)


async def log_of(home: Path) -> str:
    return (home / "bot-1.log").read_text("utf-8")


async def issued(workspace: Workspace) -> int:
    asked = await workspace.requests(service="github")
    return sum(r["method"] == "POST" and r["path"].endswith("/access_tokens") for r in asked)


async def test_a_promotion_by_an_app_whose_tokens_end_on_the_way(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with sandbox(home, "--speed", "10", "--config", str(configured(tmp_path, *APP))) as workspace:
        await workspace.call("PATCH", "/api/github/app", {"token_seconds": 4, "clock_skew": 300})
        await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "stop", "env": {"GITHUB_TOKEN": ""}})
        await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start"})
        await workspace.propose()
        [pull] = await workspace.pulls()
        assert pull["author"] == "tiphys[bot]"
        before = await issued(workspace)
        await workspace.call("PATCH", "/api/github/app", {"end_tokens": True})
        await workspace.approve("approver-1", "approver-2")
        await workspace.card_is("succeeded")
        assert await issued(workspace) > before
        [pull] = await workspace.pulls()
        assert (pull["merged"], pull["merged_by"]) == (True, "tiphys[bot]")
        assert pull["statuses"]["tiphys/approval"]["state"] == "success"
        assert len(await workspace.cards()) == 1
    written = await log_of(home)
    assert written.count("github.clock_differs") <= 2, "once for each start"
    assert "github.token_issued" in written
    assert "ghs_" not in written
    assert "PRIVATE KEY" not in written


@pytest.mark.long
async def test_an_app_that_may_not_is_told_on_the_card_with_the_way_out(tmp_path: Path) -> None:
    async with sandbox(tmp_path / "home", "--speed", "10", "--config", str(configured(tmp_path, *APP))) as workspace:
        await workspace.propose()
        await workspace.call("PATCH", "/api/github/app", {"suspended": True})

        async def told() -> bool:
            return "the GitHub App's installation is suspended" in (await workspace.card()).plain

        await workspace.approve("approver-1", "approver-2")
        await workspace.until(told, wants="the card says that the App is suspended")
        await workspace.call("PATCH", "/api/github/app", {"suspended": False})
        await workspace.card_is("succeeded")
