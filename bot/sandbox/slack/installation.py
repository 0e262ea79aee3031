"""What the app's manifest gives it in this workspace: slash commands, scopes, events."""

import re
from dataclasses import dataclass, field
from typing import Any

# Names that Slack keeps for itself. A manifest with one of them is refused as a whole.
RESERVED_COMMANDS = frozenset({
    "apps", "archive", "away", "call", "collapse", "dnd", "expand", "feed", "invite", "join", "leave", "me", "msg",
    "mute", "open", "remind", "search", "shrug", "status", "topic", "who", "pro", "shortcuts",
})  # fmt: skip
COMMAND_NAME = re.compile(r"/[a-z0-9-]{1,31}")
COMMAND_LIMIT = 50
HINT_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class SlashCommand:
    name: str
    should_escape: bool
    description: str
    usage_hint: str


@dataclass(slots=True)
class Installation:
    """The app as installed. Before a manifest is installed every scope counts as granted and no command is known."""

    commands: dict[str, SlashCommand] = field(default_factory=dict)
    scopes: frozenset[str] | None = None
    events: frozenset[str] | None = None
    socket_mode: bool = True

    @classmethod
    def from_manifest(cls, manifest: dict[str, Any]) -> "Installation":
        """Read a Slack app manifest. Raises `ValueError` where Slack would refuse it."""
        features = manifest.get("features") or {}
        declared = features.get("slash_commands") or []
        if len(declared) > COMMAND_LIMIT:
            raise ValueError(f"an app may have {COMMAND_LIMIT} slash commands, the manifest has {len(declared)}")
        commands: dict[str, SlashCommand] = {}
        for entry in declared:
            command = _slash_command(entry)
            if command.name in commands:
                raise ValueError(f"the slash command {command.name} is declared twice")
            commands[command.name] = command
        settings = manifest.get("settings") or {}
        events = (settings.get("event_subscriptions") or {}).get("bot_events") or []
        scopes = ((manifest.get("oauth_config") or {}).get("scopes") or {}).get("bot") or []
        if commands and "commands" not in scopes:
            raise ValueError("slash commands need the bot scope `commands`")
        return cls(commands, frozenset(scopes), frozenset(events), bool(settings.get("socket_mode_enabled")))

    def subscribes(self, event: str) -> bool:
        return self.events is None or event in self.events


def _slash_command(entry: dict[str, Any]) -> SlashCommand:
    name = str(entry.get("command") or "")
    if COMMAND_NAME.fullmatch(name) is None or name[1:] in RESERVED_COMMANDS:
        raise ValueError(f"the slash command {name!r} has an invalid name")
    description, usage_hint = str(entry.get("description") or ""), str(entry.get("usage_hint") or "")
    if not description:
        raise ValueError(f"the slash command {name} has no description")
    if len(usage_hint) > HINT_LIMIT:
        raise ValueError(f"the usage hint of {name} is longer than {HINT_LIMIT} characters")
    return SlashCommand(name, bool(entry.get("should_escape")), description, usage_hint)
