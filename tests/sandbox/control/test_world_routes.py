"""The control API's own part over a whole world, with a small program in the bot's place."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox import bots as bots_module
from bot.sandbox.command import control_app, env
from bot.sandbox.surroundings import seeded_configuration
from bot.sandbox.world import World, WorldOptions
from tests.sandbox.test_bots import Launches

OTHER = "version: 1  # another\n"


class Scene:
    def __init__(self, home: Path, launches: Launches, **options: Any) -> None:
        self.home, self.launches = home, launches
        self.options = WorldOptions(home=home, port=0, **options)
        self.world = World(self.options)

    async def start(self) -> None:
        await self.world.start(control_app(self.world))

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.world.page_url + path, json=body) as answer,
        ):
            return answer.status, await answer.json()

    async def good(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = await self.call(method, path, body)
        assert status == 200, answer
        return answer

    async def restart(self) -> None:
        await self.world.close()
        self.world = World(self.options)
        await self.start()


@pytest.fixture
async def launches(monkeypatch: pytest.MonkeyPatch) -> Launches:
    made = Launches()
    monkeypatch.setattr(bots_module, "launch", made)
    return made


@pytest.fixture
async def scene(tmp_path: Path, launches: Launches) -> AsyncIterator[Scene]:
    made = Scene(tmp_path / "home", launches)
    await made.start()
    yield made
    await made.world.close()


async def test_a_file_of_ones_own_is_never_written(
    tmp_path: Path, launches: Launches, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(seeded_configuration())
    scene = Scene(tmp_path / "home", launches, config=own)
    await scene.start()
    try:
        assert launches.environments[-1]["TIPHYS_CONFIG"] == str(own)
        assert env(home=scene.home) == 0
        assert f"export TIPHYS_CONFIG='{own}'\n" in capsys.readouterr().out
        pid = (await scene.good("GET", "/api/ready"))["bots"][0]["pid"]
        again = await scene.good("POST", "/api/bots", {"bot": "bot-1", "do": "start", "config": OTHER})
        assert own.read_text() == seeded_configuration()
        assert again["pid"] != pid
        config = Path(launches.environments[-1]["TIPHYS_CONFIG"])
        assert (config.read_text(), config) == (OTHER, tmp_path / "home" / "tiphys.yaml")
        assert (await scene.good("GET", "/api/ready"))["paths"]["config"] == str(config)
        assert env(home=scene.home) == 0
        assert f"export TIPHYS_CONFIG='{config}'\n" in capsys.readouterr().out
        once_more = await scene.good("POST", "/api/bots", {"bot": "bot-1", "do": "start", "config": OTHER})
        assert once_more["pid"] == again["pid"]
    finally:
        await scene.world.close()


async def test_a_configuration_replaces_the_one_before_at_once(scene: Scene) -> None:
    """Whoever has opened the file reads one or the other, not a part."""
    with (scene.home / "tiphys.yaml").open() as opened:
        await scene.good("POST", "/api/bots", {"bot": "bot-1", "do": "start", "config": OTHER})
        assert opened.read() == seeded_configuration()
    assert (scene.home / "tiphys.yaml").read_text() == OTHER


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/bots", {"bot": "bot-1", "do": "kill", "env": {"NAME": "a\0b"}}, "env.NAME"),
        ("/api/bots", {"bot": "bot-1", "do": "kill", "env": {"NA=ME": "x"}}, "env.NA=ME.[key]"),
        ("/api/bots", {"bot": "bot-1", "do": "kill", "env": {"": "x"}}, "env..[key]"),
        ("/api/faults", {"service": "slack", "do": "status", "status": 199}, "status"),
        ("/api/faults", {"service": "slack", "do": "status", "status": 600}, "status"),
    ],
)
async def test_what_is_malformed_does_nothing(scene: Scene, path: str, body: Any, field: str) -> None:
    status, answer = await scene.call("POST", path, body)
    assert (status, answer["error"]["slug"], answer["error"]["field"]) == (400, "malformed", field)
    assert (await scene.good("GET", "/api/ready"))["bots"][0]["pid"] is not None


async def test_faults_may_redirect(scene: Scene) -> None:
    for status in (200, 302, 599):
        await scene.good("POST", "/api/faults", {"service": "slack", "do": "html", "status": status})
    assert [fault["status"] for fault in (await scene.good("GET", "/api/faults"))["faults"]] == [200, 302, 599]


@pytest.mark.parametrize("after", ["²", "x", "-1", "9" * 5000])
async def test_deliveries_after_what_is_no_number(scene: Scene, after: str) -> None:
    status, answer = await scene.call("GET", f"/api/deliveries?after={after}")
    assert (status, answer["error"]["field"]) == (400, "after")


async def test_numbers_and_environments_go_on_after_a_restart(scene: Scene) -> None:
    await scene.good("POST", "/api/bots", {"bot": "bot-1", "do": "start", "env": {"TIPHYS_LOG_LEVEL": "debug"}})
    slack = scene.world.urls()["slack_api"]
    async with aiohttp.ClientSession() as session, session.post(f"{slack}auth.test"):
        pass
    last = (await scene.good("GET", "/api/requests"))["last"]
    assert last > 0
    await scene.restart()
    assert scene.launches.environments[-1]["TIPHYS_LOG_LEVEL"] == "debug"
    assert json.loads((scene.home / "world.json").read_text())["traffic"]["last"] == last
    async with aiohttp.ClientSession() as session, session.post(f"{slack}auth.test"):
        pass
    seen = await scene.good("GET", f"/api/requests?after={last}")
    assert [request["path"] for request in seen["requests"]] == ["/api/auth.test"]
