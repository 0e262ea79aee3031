"""What a start loads: nothing heavy that is not used, and nothing that fails only when it is."""

import asyncio
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter

import bot.config
import bot.integrations
from bot.store.migrate import upgrade
from tests.desk import ENVIRON, TIPHYS_YAML
from tests.test_main import PATIENCE, first_answer, free_port, silent

HEAVY = ("alembic", "click", "pygments", "rich", "sqlalchemy.orm", "bot.sandbox", "bot.store.indexes")
"""Each is megabytes, or brings them. What needs one imports it where it is needed."""
FOR_SQLITE = ("aiosqlite", "sqlalchemy.dialects.sqlite")
FOR_POSTGRESQL = ("psycopg", "sqlalchemy.dialects.postgresql")
FOR_AN_APP = ("cryptography", "jwt")
AND_TELL = (
    "import atexit, gc, pathlib, sys; "
    "atexit.register(lambda: pathlib.Path(sys.argv[2]).write_text("
    "chr(10).join([str(gc.isenabled()), *(name for name, module in sys.modules.items() if module)]))); "
    "from bot.cli import app; app(['run'])"
)


async def test_a_start_on_sqlite_loads_nothing_that_is_heavy_and_not_used(tmp_path: Path) -> None:
    await upgrade(f"sqlite+aiosqlite:///{tmp_path}/tiphys.db")
    loaded = await loaded_by_a_start(tmp_path)
    assert {"bot.main", "bot.store.tables", *FOR_SQLITE} <= loaded
    assert loaded.intersection((*HEAVY, *FOR_POSTGRESQL, *FOR_AN_APP)) == set()


@pytest.mark.postgresql
async def test_neither_does_one_on_postgresql(tmp_path: Path, postgresql: str) -> None:
    loaded = await loaded_by_a_start(tmp_path, DATABASE_URL=postgresql)
    assert {"bot.main", "bot.store.kept_commits", *FOR_POSTGRESQL} <= loaded
    assert loaded.intersection((*HEAVY, *FOR_SQLITE, *FOR_AN_APP)) == set()


async def loaded_by_a_start(folder: Path, **more: str) -> set[str]:
    """The modules of a bot that has its database, waits for a Slack that says nothing, and collects its garbage."""
    (folder / "tiphys.yaml").write_text(TIPHYS_YAML)
    with silent() as slack:
        variables = {
            "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_API_URL": slack, **ENVIRON,
            "TIPHYS_DATA": str(folder), "TIPHYS_LISTEN": f"127.0.0.1:{free_port()}", **more,
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", AND_TELL, "run", str(folder / "loaded"),
            cwd=folder, env={**os.environ, **variables},
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            answer = await first_answer(f"http://{variables['TIPHYS_LISTEN']}/readyz", process)
            assert answer.json()["problems"] == ["starting"]
            process.terminate()
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    collects_garbage, *loaded = (folder / "loaded").read_text().split("\n")
    assert collects_garbage == "True"
    return set(loaded)


def test_every_model_that_is_built_when_it_is_first_used_can_be_built() -> None:
    models, adapters = 0, 0
    for module in modules():
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__.startswith("bot."):
                value.model_rebuild(raise_errors=True)
                assert value.__pydantic_complete__, value
                models += 1
            elif isinstance(value, TypeAdapter):
                value.rebuild(raise_errors=True)
                adapters += 1
    assert models > 80
    assert adapters >= 5


def modules() -> Iterator[object]:
    for package in (bot.config, bot.integrations):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)
