"""The page about the sandbox tells of every call, option and fault, and of no other."""

import re
from pathlib import Path
from typing import get_args

import pytest
from typer.main import get_command

from bot.cli import app
from bot.sandbox.argocd.control import Act
from bot.sandbox.command import control_app
from bot.sandbox.github.control import GithubBody
from bot.sandbox.seeded import CHANNELS, USERGROUPS, USERS
from bot.sandbox.traffic import FaultKind, ServiceName
from bot.sandbox.world import World, WorldOptions

PAGE = (Path(__file__).parents[2] / "docs/sandbox.md").read_text("utf-8")


def section(heading: str) -> str:
    """What stands below a heading, up to the next one."""
    below = re.split(rf"^#+ {re.escape(heading)}$", PAGE, flags=re.MULTILINE)[1]
    return re.split(r"^#+ ", below, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    """All that the first cells of tables name."""
    return [
        name for cell in re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE) for name in re.findall("`(.*?)`", cell)
    ]


async def test_every_call_is_told_and_every_told_call_exists(tmp_path: Path) -> None:
    control = control_app(World(WorldOptions(home=tmp_path / "home", bots=False)))
    served = {
        f"{route.method} {route.resource.canonical}"
        for route in control.router.routes()
        if route.method != "HEAD" and route.resource is not None and route.resource.canonical.startswith("/api/")
    }
    told = [name for name in first_cells(PAGE) if "/api/" in name]
    assert sorted(told) == sorted(served)


def test_every_option_is_told() -> None:
    command = get_command(app).commands["sandbox"]  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts} - {"--help"}
    assert set(first_cells(section("Starting it"))) == options


@pytest.mark.parametrize("name", [*get_args(FaultKind), *get_args(ServiceName)])
def test_every_fault_and_service_is_told(name: str) -> None:
    assert f"`{name}`" in section("Faults")


def test_every_deed_is_told() -> None:
    github = get_args(GithubBody.model_fields["do"].annotation)
    assert sorted(set(first_cells(section("GitHub and Argo CD"))) - {"do"}) == sorted({*github, *get_args(Act)})


@pytest.mark.parametrize("name", [*(u.name for u in USERS), *(u.id for u in USERS), *(c.name for c in CHANNELS)])
def test_everybody_and_every_channel_is_told(name: str) -> None:
    assert f"`{name}`" in section("What is there")


def test_every_user_group_is_told() -> None:
    for group, name in USERGROUPS.items():
        assert f"`{group}`" in PAGE
        assert f"`{name}`" in PAGE
