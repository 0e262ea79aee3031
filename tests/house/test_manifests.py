"""The Slack app's manifests in `deploy/` are what the command line prints, from any folder and any environment."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import commands
from bot.chat.registry import RESERVED, load_commands
from bot.slack.manifest import EVENTS, SCOPES, UMBRELLA

ROOT = Path(__file__).parents[2]
TIPHYS = Path(sys.executable).parent / "tiphys"
PRINTED = {
    "slack-manifest.socket.yaml": ("--mode", "socket"),
    "slack-manifest.http.yaml": ("--mode", "http", "--url", "https://tiphys.example.com"),
}


def tiphys(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TIPHYS, *arguments], cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / name).read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", PRINTED)
def test_it_is_what_the_command_line_prints(name: str, tmp_path: Path) -> None:
    ran = tiphys(tmp_path, "manifest", *PRINTED[name])
    assert ran.stderr == ""
    stale = f"write it anew: tiphys manifest {' '.join(PRINTED[name])} > deploy/{name}"
    assert ran.stdout == (ROOT / "deploy" / name).read_text("utf-8"), stale


@pytest.mark.parametrize("name", PRINTED)
def test_it_asks_for_what_the_product_needs_and_no_more(name: str) -> None:
    manifest = read(name)
    assert manifest["oauth_config"]["scopes"] == {"bot": list(SCOPES)}
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == list(EVENTS)
    named = [command["command"] for command in manifest["features"]["slash_commands"]]
    own = [spec.name for spec in load_commands(commands) if spec.slash]
    assert named == [f"/{name}" for name in (UMBRELLA, *own)]
    assert not RESERVED & {name.removeprefix("/") for name in named}


@pytest.mark.parametrize("name", PRINTED)
def test_it_says_what_each_scope_is_for(name: str) -> None:
    lines = (ROOT / "deploy" / name).read_text("utf-8").splitlines()
    for scope, reason in SCOPES.items():
        assert f"    - {scope}  # {reason}" in lines


def test_socket_mode_names_no_address_and_http_one() -> None:
    assert "url" not in str(read("slack-manifest.socket.yaml"))
    http = read("slack-manifest.http.yaml")
    assert not http["settings"]["socket_mode_enabled"]
    address = "https://tiphys.example.com/slack/events"
    assert http["settings"]["interactivity"]["request_url"] == address
    assert {command["url"] for command in http["features"]["slash_commands"]} == {address}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--mode", "http", "--url", "http://tiphys.example.com"), "Slack takes https only"),
        (("--config", "tiphys.yaml"), "there is no command 'promot'"),
    ],
)
def test_what_slack_would_refuse_is_said_in_words(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    (tmp_path / "tiphys.yaml").write_text("version: 1\nslack: {commands: [promot]}\n")
    ran = tiphys(tmp_path, "manifest", *arguments)
    assert ran.returncode == 1
    assert says in ran.stderr
    assert "unexpected" not in ran.stderr


def test_check_tells_of_slash_commands_that_slack_would_refuse(tmp_path: Path) -> None:
    example = (ROOT / "deploy/examples/tiphys.yaml").read_text("utf-8")
    (tmp_path / "tiphys.yaml").write_text(example.replace("commands: all ", "commands: [status] "))
    (tmp_path / ".env").write_text(
        "ARGOCD_AUTH_TOKEN=a\nGITHUB_TOKEN=g\nSLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\n"
    )
    ran = tiphys(tmp_path, "check")
    assert ran.returncode == 1
    assert "tiphys.yaml: slack\n  reason: Slack keeps /status for itself" in ran.stdout
