"""The manifest of the Slack app, from the declarations of the commands: what to register, and what it is needed for."""

import re
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import yaml

from bot.chat.registry import RESERVED
from bot.domain.pipeline import SlackPolicy

Json = dict[str, Any]

UMBRELLA = "gitops"
SCOPES: dict[str, str] = {
    "app_mentions:read": "hear `@tiphys …`: Slack offers no slash commands inside threads",
    "channels:history": "find a card again that was posted when the answer was lost: never two cards",
    "channels:read": "see whether the bot is in a channel before a card goes there",
    "chat:write": "post and update cards, notes and answers",
    "commands": "slash commands",
    "groups:history": "the same as channels:history, in private channels",
    "groups:read": "the same as channels:read, for private channels",
    "usergroups:read": "who is in the user groups that policies name",
    "users:read": "who acts: a member of this workspace, or a guest, external, bot or deactivated",
}
EVENTS = ("app_mention",)
MOST_COMMANDS, MOST_NAME, MOST_HINT, MOST_SUMMARY = 50, 32, 1_000, 2_000
_NAME = re.compile(r"[a-z0-9-]+")


class CommandSpec(Protocol):
    """What the manifest needs of a command. `slash` is False for those whose name Slack keeps for itself."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def usage_hint(self) -> str: ...
    @property
    def slash(self) -> bool: ...


def manifest(
    specs: Sequence[CommandSpec], *, mode: str = "socket", url: str | None = None, policy: SlackPolicy | None = None,
    app_name: str = "Tiphys",
) -> Json:  # fmt: skip
    """Raises `ValueError` for what Slack would refuse; it refuses the whole manifest for one bad name."""
    reach = _reach(mode, url)
    commands = [_command(UMBRELLA, "All that Tiphys does: /gitops help", "<verb> …", reach)]
    commands += [_command(name, spec.summary, spec.usage_hint, reach) for name, spec in _own(specs, policy)]
    if len(commands) > MOST_COMMANDS:
        raise ValueError(f"an app may have {MOST_COMMANDS} slash commands, these are {len(commands)}")
    settings: Json = {
        "event_subscriptions": {**_request_url(reach), "bot_events": list(EVENTS)},
        "interactivity": {"is_enabled": True, **_request_url(reach)},
        "org_deploy_enabled": False,
        "socket_mode_enabled": reach is None,
        "token_rotation_enabled": False,
    }
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": app_name[:35],
            "description": "Steers Argo CD from Slack: what was approved is what ships",
        },
        "features": {
            "bot_user": {"display_name": app_name.lower()[:80], "always_online": True},
            "slash_commands": commands,
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": settings,
    }


def to_yaml(document: Json) -> str:
    """The manifest as YAML, each scope with its reason beside it."""
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return re.sub(
        r"^(\s*- ([a-z_:]+))$",
        lambda found: f"{found[1]}  # {SCOPES[found[2]]}" if found[2] in SCOPES else found[1],
        text,
        flags=re.MULTILINE,
    )


def _own(specs: Sequence[CommandSpec], policy: SlackPolicy | None) -> list[tuple[str, CommandSpec]]:
    """The commands that get a slash command of their own, with the name that it gets."""
    chosen: Literal["all", "umbrella"] | tuple[str, ...] = policy.commands if policy else "all"
    prefix = policy.command_prefix if policy else ""
    if chosen == "umbrella":
        return []
    known = {spec.name: spec for spec in specs}
    if chosen == "all":
        return [(prefix + spec.name, spec) for spec in specs if spec.slash]
    if unknown := [name for name in chosen if name not in known]:
        raise ValueError(f"slack.commands: there is no command {unknown[0]!r}; there are {', '.join(known)}")
    return [(prefix + name, known[name]) for name in dict.fromkeys(chosen)]


def _command(name: str, summary: str, usage_hint: str, reach: str | None) -> Json:
    if name in RESERVED:
        raise ValueError(f"Slack keeps /{name} for itself and would refuse the whole manifest: use /{UMBRELLA} {name}")
    if not _NAME.fullmatch(name) or len(name) + 1 > MOST_NAME:
        raise ValueError(f"/{name} is no name for a slash command: a-z, 0-9 and -, at most {MOST_NAME - 1} characters")
    made: Json = {"command": f"/{name}", **({"url": reach} if reach else {}), "description": summary[:MOST_SUMMARY]}
    if usage_hint:
        made["usage_hint"] = usage_hint[:MOST_HINT]
    return {**made, "should_escape": True}


def _reach(mode: str, url: str | None) -> str | None:
    """Where Slack sends things over HTTP; None in Socket Mode, where the bot goes and gets them."""
    if mode == "socket":
        return None
    if mode != "http":
        raise ValueError(f"there is no mode {mode!r}: it is socket or http")
    if not url or not url.startswith("https://"):
        raise ValueError("--mode http needs the bot's address, and Slack takes https only")
    return f"{url.rstrip('/')}/slack/events"


def _request_url(reach: str | None) -> Json:
    return {"request_url": reach} if reach else {}
