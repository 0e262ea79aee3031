"""The workspace: its people, groups, channels and what was said; state only, no protocol."""

import itertools
import time
from dataclasses import asdict, dataclass, field
from typing import TypeVar

from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, CHANNELS, TEAM_ID, USERGROUPS, USERS, UserKind
from bot.sandbox.slack.messages import Content, Ephemeral, Json, Message, Via, stored_blocks

FOREIGN_TEAM_ID = "T0ELSEWHERE"


class UnknownThing(LookupError):
    """No such user, channel, user group, … `what` is the word for it."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"no {what} {name!r}")
        self.what, self.name = what, name


@dataclass(slots=True, kw_only=True)
class User:
    id: str
    name: str
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_stranger: bool = False

    @property
    def team_id(self) -> str:
        return FOREIGN_TEAM_ID if self.is_stranger else TEAM_ID

    @property
    def kind(self) -> UserKind:
        if self.deleted:
            return "deactivated"
        if self.is_bot:
            return "bot"
        if self.is_stranger:
            return "external"
        return "guest" if self.is_restricted else "member"


@dataclass(slots=True, kw_only=True)
class UserGroup:
    id: str
    name: str
    users: list[str]


@dataclass(slots=True, kw_only=True)
class Channel:
    """A channel, or the direct messages of the bot with one person (`is_im`, then `name` is that person's id)."""

    id: str
    name: str
    private: bool = False
    is_im: bool = False
    is_archived: bool = False
    members: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Settings:
    """What `PATCH /api/slack` turns: `scale` multiplies every rate limit."""

    rate_limits: bool = False
    scale: float = 1.0
    refuse_scope: list[str] = field(default_factory=list)
    not_in_channel: list[str] = field(default_factory=list)
    plan_upgrade_required: bool = False


Thing = TypeVar("Thing", User, UserGroup, Channel)


class Workspace:
    """Everything that the workspace remembers. Lookups take an id or a name and raise `UnknownThing`."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.usergroups: dict[str, UserGroup] = {}
        self.channels: dict[str, Channel] = {}
        self.ephemerals: list[Ephemeral] = []
        self.settings = Settings()
        self._messages: dict[str, dict[str, Message]] = {}
        self._replies: dict[tuple[str, str], list[Message]] = {}
        self._last_ts = 0
        self._ids = itertools.count(1)
        self._seed()

    def _seed(self) -> None:
        for person in USERS:
            self.users[person.id] = User(
                id=person.id, name=person.name, deleted=person.kind == "deactivated", is_bot=person.kind == "bot",
                is_restricted=person.kind == "guest", is_stranger=person.kind == "external",
            )  # fmt: skip
        self.users[BOT_USER_ID] = User(id=BOT_USER_ID, name="tiphys", is_bot=True)
        for group_id, name in USERGROUPS.items():
            members = [person.id for person in USERS if group_id in person.usergroups]
            self.usergroups[group_id] = UserGroup(id=group_id, name=name, users=members)
        everybody = [person.id for person in USERS]
        for channel in CHANNELS:
            people = everybody if channel.members is None else list(channel.members)
            self.channels[channel.id] = Channel(
                id=channel.id, name=channel.name, private=channel.private, members=[*people, BOT_USER_ID]
            )

    def user(self, name: str) -> User:
        return _by_id_or_name("user", self.users, name.removeprefix("@"))

    def usergroup(self, name: str) -> UserGroup:
        return _by_id_or_name("usergroup", self.usergroups, name.removeprefix("@"))

    def channel(self, name: str) -> Channel:
        return _by_id_or_name("channel", self.channels, name.removeprefix("#"))

    def direct_channel(self, user: str) -> Channel:
        """The bot's direct messages with that person; opened when there are none yet."""
        channel_id = f"D{user[1:]}"
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(
                id=channel_id, name=user, private=True, is_im=True, members=[user, BOT_USER_ID]
            )
        return self.channels[channel_id]

    def is_member(self, channel: Channel, user: str) -> bool:
        if user == BOT_USER_ID and {channel.id, channel.name} & set(self.settings.not_in_channel):
            return False
        return user in channel.members

    def next_ts(self) -> str:
        """A timestamp id as Slack's: now, to the microsecond, never the same twice."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        return f"{prefix}0{next(self._ids):08d}"

    def post(
        self, channel: str, user: str, content: Content, *,
        thread_ts: str | None = None, broadcast: bool = False, options: Json | None = None,
    ) -> Message:  # fmt: skip
        """Add a message; a reply to a reply lands in the same thread."""
        parent = self._messages.get(channel, {}).get(thread_ts) if thread_ts else None
        if parent is not None and parent.is_reply:
            thread_ts = parent.thread_ts
        content.blocks = stored_blocks(content.blocks)
        message = Message(
            ts=self.next_ts(), channel=channel, user=user, content=content, thread_ts=thread_ts, broadcast=broadcast,
            bot_id=BOT_ID if user == BOT_USER_ID else None, options=options or {},
        )  # fmt: skip
        self._keep(message)
        return message

    def rewrite(self, message: Message, content: Content) -> None:
        """Give the message new content; the blocks that it showed are kept for stale clicks."""
        message.past = [*message.content.all_blocks(), *message.past][:200]
        content.blocks = stored_blocks(content.blocks)
        message.content = content
        message.edits += 1

    def delete(self, message: Message) -> None:
        message.deleted = True

    def whisper(self, user: str, channel: str, via: Via, content: Content) -> Ephemeral:
        """Show something to one person only."""
        content.blocks = stored_blocks(content.blocks)
        ephemeral = Ephemeral(
            id=self.next_id("E"), user=user, channel=channel, ts=self.next_ts(), via=via, content=content
        )
        self.ephemerals.append(ephemeral)
        return ephemeral

    def find_ephemeral(self, ephemeral_id: str) -> Ephemeral | None:
        return next((e for e in self.ephemerals if e.id == ephemeral_id), None)

    def find_message(self, channel: str, ts: str) -> Message | None:
        """The message, deleted or not."""
        return self._messages.get(channel, {}).get(ts)

    def messages(self, channel: str) -> list[Message]:
        """What is to be seen in the channel and its threads, oldest first."""
        return [m for m in self._messages.get(channel, {}).values() if not m.deleted]

    def replies(self, message: Message) -> list[Message]:
        return [m for m in self._replies.get((message.channel, message.ts), ()) if not m.deleted]

    def _keep(self, message: Message) -> None:
        self._messages.setdefault(message.channel, {})[message.ts] = message
        if message.is_reply and message.thread_ts is not None:
            self._replies.setdefault((message.channel, message.thread_ts), []).append(message)

    def dump(self) -> Json:
        return {
            "users": [asdict(u) for u in self.users.values()],
            "usergroups": [asdict(g) for g in self.usergroups.values()],
            "channels": [asdict(c) for c in self.channels.values()],
            "messages": [m.dump() for stream in self._messages.values() for m in stream.values()],
            "ephemerals": [e.dump() for e in self.ephemerals],
            "settings": asdict(self.settings), "last_ts": self._last_ts, "next_id": next(self._ids),
        }  # fmt: skip

    def load(self, data: Json) -> None:
        self.users = {u["id"]: User(**u) for u in data["users"]}
        self.usergroups = {g["id"]: UserGroup(**g) for g in data["usergroups"]}
        self.channels = {c["id"]: Channel(**c) for c in data["channels"]}
        self._messages, self._replies = {}, {}
        for message in data["messages"]:
            self._keep(Message.load(message))
        self.ephemerals = [Ephemeral.load(e) for e in data["ephemerals"]]
        self.settings = Settings(**data["settings"])
        self._last_ts = data["last_ts"]
        self._ids = itertools.count(data["next_id"])


def _by_id_or_name(what: str, things: dict[str, Thing], wanted: str) -> Thing:
    found = things.get(wanted) or next((thing for thing in things.values() if thing.name == wanted), None)
    if found is None:
        raise UnknownThing(what, wanted)
    return found
