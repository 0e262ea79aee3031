"""What a person types, as Slack writes it down: entities, and tokens for the names that it knows."""

import re

from bot.sandbox.seeded import BOT_USER_ID
from bot.sandbox.slack.workspace import Workspace

PICKED = re.compile(r"<(@[UW][A-Z0-9]+|#C[A-Z0-9]+|!subteam\^S[A-Z0-9]+)(?:\|[^<>]*)?>")
NAMED = re.compile(r"(?<![\w@#])([@#])([A-Za-z0-9][A-Za-z0-9._-]*)")
LINK = re.compile(r"https?://[^\s<>|]+")
BROADCASTS = frozenset({"here", "channel", "everyone"})


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_stored(workspace: Workspace, text: str, *, in_command: bool = False) -> str:
    """The text with names turned into tokens; a token that was picked from the menu (`<@U…>`) stays one.

    In a command's text (`should_escape`) a token also carries the name.
    """
    written, done = [], 0
    for picked in PICKED.finditer(text):
        written.append(_words(workspace, text[done : picked.start()], in_command=in_command))
        written.append(picked.group())
        done = picked.end()
    return "".join([*written, _words(workspace, text[done:], in_command=in_command)])


def mentions_bot(stored: str) -> bool:
    return f"<@{BOT_USER_ID}>" in stored or f"<@{BOT_USER_ID}|" in stored


def _words(workspace: Workspace, text: str, *, in_command: bool) -> str:
    written, done = [], 0
    spots = sorted([*LINK.finditer(text), *NAMED.finditer(text)], key=lambda spot: spot.start())
    for spot in spots:
        if spot.start() < done:
            continue
        token = _token(workspace, spot, in_command=in_command)
        if token is None:
            continue
        shown, length = token
        written += [escaped(text[done : spot.start()]), shown]
        done = spot.start() + length
    return "".join([*written, escaped(text[done:])])


def _token(workspace: Workspace, spot: re.Match[str], *, in_command: bool) -> tuple[str, int] | None:
    """The token for a name or link, and how many typed characters it stands for."""
    if spot.re is LINK:
        return f"<{escaped(spot.group())}>", len(spot.group())
    sign, word = spot.group(1), spot.group(2)
    for name in (word, word.rstrip("._-")):
        label = f"|{name}" if in_command else ""
        found = _known(workspace, sign, name, label)
        if found is not None:
            return found, 1 + len(name)
    return None


def _known(workspace: Workspace, sign: str, name: str, label: str) -> str | None:
    if sign == "#":
        channel = next((c for c in workspace.channels.values() if c.name == name and not c.is_im), None)
        return f"<#{channel.id}|{channel.name}>" if channel else None
    user = next((u for u in workspace.users.values() if u.name == name and not u.deleted), None)
    if user is not None:
        return f"<@{user.id}{label}>"
    group = next((g for g in workspace.usergroups.values() if g.name == name), None)
    if group is not None:
        return f"<!subteam^{group.id}|@{group.name}>"
    return f"<!{name}>" if name in BROADCASTS else None
