"""What Slack refuses in a manifest."""

from typing import Any

import pytest

from bot.sandbox.feed import Feed
from bot.sandbox.slack.installation import RESERVED_COMMANDS
from bot.sandbox.slack.service import SlackService
from bot.sandbox.traffic import Traffic


def manifest(*commands: dict[str, Any], scopes: tuple[str, ...] = ("commands",)) -> dict[str, Any]:
    return {"features": {"slash_commands": list(commands)}, "oauth_config": {"scopes": {"bot": list(scopes)}}}


def command(name: str, **more: Any) -> dict[str, Any]:
    return {"command": name, "description": "does it", **more}


@pytest.mark.parametrize(
    "commands",
    [
        *[[command("/promote"), command(f"/{name}")] for name in sorted(RESERVED_COMMANDS)],
        [command("promote")], [command("/Promote")], [command("/pro_mote")], [command("/")], [command("/" + "x" * 32)],
        [command("/promote"), command("/promote")],
        [command("/promote", description="")],
        [command("/promote", usage_hint="x" * 1_001)],
        [command(f"/c{n}") for n in range(51)],
    ],
    ids=lambda commands: commands[-1]["command"][:12],
)  # fmt: skip
def test_one_bad_command_refuses_the_whole_manifest(commands: list[dict[str, Any]]) -> None:
    service = SlackService(Traffic(), Feed())
    service.install(manifest(command("/gitops")))
    with pytest.raises(ValueError, match=r"slash command|usage hint"):
        service.install(manifest(*commands))
    assert service.commands == {"/gitops"}


def test_commands_need_their_scope() -> None:
    with pytest.raises(ValueError, match="scope"):
        SlackService(Traffic(), Feed()).install(manifest(command("/gitops"), scopes=()))


def test_an_empty_manifest_knows_no_command() -> None:
    service = SlackService(Traffic(), Feed())
    service.install({})
    assert service.commands == set()
