"""The manifest: what is registered, why each scope is needed, and what Slack would refuse."""

from dataclasses import dataclass
from typing import Any

import pytest
import yaml

import commands
from bot.chat.registry import load_commands
from bot.domain.pipeline import SlackPolicy
from bot.sandbox.slack.installation import Installation
from bot.slack.manifest import SCOPES, manifest, to_yaml


@dataclass(frozen=True)
class Spec:
    name: str
    summary: str = "does something"
    usage_hint: str = "<application> <environment>"
    slash: bool = True


SPECS = (Spec("promote"), Spec("approve"), Spec("status", slash=False))


def names(document: Any) -> list[str]:
    return [entry["command"] for entry in document["features"]["slash_commands"]]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (SlackPolicy(), ["/gitops", "/promote", "/approve"]),
        (SlackPolicy(commands="umbrella"), ["/gitops"]),
        (SlackPolicy(commands=("approve",)), ["/gitops", "/approve"]),
        (SlackPolicy(command_prefix="tiphys-"), ["/gitops", "/tiphys-promote", "/tiphys-approve"]),
        (SlackPolicy(commands=("status",), command_prefix="t-"), ["/gitops", "/t-status"]),
    ],
)
def test_the_configuration_chooses_the_slash_commands(policy: SlackPolicy, expected: list[str]) -> None:
    assert names(manifest(SPECS, policy=policy)) == expected


@pytest.mark.parametrize(
    ("specs", "policy", "why"),
    [
        (SPECS, SlackPolicy(commands=("status",)), "keeps /status for itself"),
        (SPECS, SlackPolicy(commands=("deploy",)), "no command 'deploy'"),
        ((Spec("help"),), SlackPolicy(), "keeps /help for itself"),
        ((Spec("pro_mote"),), SlackPolicy(), "no name for a slash command"),
        ((Spec("x" * 32),), SlackPolicy(), "no name for a slash command"),
        (tuple(Spec(f"c{n}") for n in range(50)), SlackPolicy(), "may have 50"),
    ],
)
def test_what_slack_would_refuse_is_refused_before(specs: Any, policy: SlackPolicy, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        manifest(specs, policy=policy)


def test_socket_mode_has_no_addresses_and_http_only_those() -> None:
    socket, http = manifest(SPECS), manifest(SPECS, mode="http", url="https://tiphys.example.com/")
    assert "url" not in str(socket)
    assert socket["settings"]["socket_mode_enabled"] is True
    assert http["settings"]["socket_mode_enabled"] is False
    reach = "https://tiphys.example.com/slack/events"
    assert http["settings"]["interactivity"]["request_url"] == reach
    assert http["settings"]["event_subscriptions"]["request_url"] == reach
    assert {entry["url"] for entry in http["features"]["slash_commands"]} == {reach}


@pytest.mark.parametrize(("mode", "url"), [("http", None), ("http", "http://tiphys.example.com"), ("carrier", None)])
def test_bad_addresses_are_refused(mode: str, url: str | None) -> None:
    with pytest.raises(ValueError, match=r"https|no mode"):
        manifest(SPECS, mode=mode, url=url)


def test_typed_people_and_channels_arrive_as_ids() -> None:
    assert all(entry["should_escape"] for entry in manifest(SPECS)["features"]["slash_commands"])


def test_every_scope_says_why() -> None:
    document = manifest(SPECS)
    assert document["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert all(SCOPES.values())
    text = to_yaml(document)
    assert f"- channels:history  # {SCOPES['channels:history']}" in text
    assert yaml.safe_load(text) == document


def test_the_sandbox_installs_what_we_ship() -> None:
    installed = Installation.from_manifest(manifest(load_commands(commands)))
    assert {"/gitops", "/promote", "/approve"} <= set(installed.commands)
    assert installed.scopes == frozenset(SCOPES)
    assert installed.subscribes("app_mention")
