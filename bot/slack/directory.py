"""The workspace's people, asked at the moment of need: what cannot be asked is never taken for a yes."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.identity import CannotVerify, ChannelId, GroupId, Member, MemberKind, UserId
from bot.ports import OutsideError
from bot.slack.app import Home, Identity
from bot.slack.calls import Done, Limited, Refused, Result, call
from bot.tasks import TaskSet

STALE_SECONDS = 60.0
"""How old a group's members may be while Slack allows no more questions (20 a minute); else they are asked for anew."""

T = TypeVar("T")


@dataclass(slots=True)
class _Known:
    members: frozenset[UserId]
    at: float


@dataclass(slots=True)
class SlackDirectory:
    """Satisfies `bot.ports.Directory`. Equal questions at the same time are one request."""

    client: AsyncWebClient
    home: Home
    _asking: dict[Hashable, "asyncio.Task[Any]"] = field(default_factory=dict)
    _groups: dict[GroupId, _Known] = field(default_factory=dict)
    _silent_until: float = 0.0
    _tasks: TaskSet = field(default_factory=lambda: TaskSet("slack.directory"))

    async def member(self, user: UserId) -> Member | CannotVerify:
        return await self._once(("member", user), lambda: self._ask_member(user))

    async def is_in_channel(self, channel: ChannelId) -> bool | CannotVerify:
        return await self._once(("channel", channel), lambda: self._ask_channel(channel))

    async def group_members(self, group: GroupId) -> frozenset[UserId] | CannotVerify:
        return await self._once(("group", group), lambda: self._ask_group(group))

    async def close(self) -> None:
        await self._tasks.close()

    async def _once(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """Join the request that is under way, or start it. A caller that goes away does not end it for the others."""
        task: asyncio.Task[T] | None = self._asking.get(question)
        if task is None:
            task = self._tasks.start(_await(ask), name=str(question))
            self._asking[question] = task
            task.add_done_callback(lambda _: self._asking.pop(question, None))
        return await asyncio.shield(task)

    async def _ask_member(self, user: UserId) -> Member | CannotVerify:
        try:
            home = await self.home.get()
        except OutsideError as error:
            return CannotVerify(reason=f"Slack could not be asked who we are ourselves: {error.reason}")
        answer = await call(self.client.users_info(user=user))
        if not isinstance(answer, Done):
            return _cannot(answer, f"who {user} is")
        found = answer.data.get("user")
        if not isinstance(found, Mapping):
            return CannotVerify(reason=f"Slack's answer about {user} names nobody")
        return Member(user=user, name=str(found.get("name") or user), kind=kind_of(found, home))

    async def _ask_channel(self, channel: ChannelId) -> bool | CannotVerify:
        answer = await call(self.client.conversations_info(channel=channel))
        match answer:
            case Done():
                found = answer.data.get("channel") or {}
                return bool(found.get("is_member") or found.get("is_im")) and not found.get("is_archived")
            case Refused(error="channel_not_found" | "is_archived" | "not_in_channel"):
                return False
            case _:
                return _cannot(answer, f"the channel {channel}")

    async def _ask_group(self, group: GroupId) -> frozenset[UserId] | CannotVerify:
        now = asyncio.get_running_loop().time()
        if now < self._silent_until:
            return self._recent(group, "Slack allows no more questions about user groups for the moment")
        answer = await call(self.client.usergroups_users_list(usergroup=group))
        match answer:
            case Done():
                members = frozenset(UserId(user) for user in answer.data.get("users") or [])
                self._groups[group] = _Known(members, now)
                return members
            case Limited():
                self._silent_until = now + answer.seconds
                return self._recent(group, f"Slack limits questions about user groups for {answer.seconds:.0f} s")
            case Refused(error="plan_upgrade_required"):
                return CannotVerify(
                    reason=f"this Slack plan has no user groups, so nobody can be in {group}: name people by id in "
                    "`approvals.from` and in the policy"
                )
            case _:
                return _cannot(answer, f"who is in the user group {group}")

    def _recent(self, group: GroupId, otherwise: str) -> frozenset[UserId] | CannotVerify:
        known = self._groups.get(group)
        if known is not None and asyncio.get_running_loop().time() - known.at < STALE_SECONDS:
            return known.members
        return CannotVerify(reason=otherwise)


def kind_of(user: Mapping[str, Any], home: Identity) -> MemberKind:
    """What a `users.info` user is. `is_app_user` says nothing here: it marks whoever installed an app."""
    if user.get("deleted"):
        return MemberKind.DEACTIVATED
    if user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == "USLACKBOT":
        return MemberKind.BOT
    if user.get("is_stranger") or not _is_of_home(user, home):
        return MemberKind.EXTERNAL
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return MemberKind.GUEST
    return MemberKind.MEMBER


def _is_of_home(user: Mapping[str, Any], home: Identity) -> bool:
    if user.get("team_id") == home.team_id:
        return True
    enterprise = user.get("enterprise_user") or {}
    return bool(
        home.enterprise_id
        and enterprise.get("enterprise_id") == home.enterprise_id
        and home.team_id in (enterprise.get("teams") or ())
    )


def _cannot(answer: Result, what: str) -> CannotVerify:
    match answer:
        case Limited():
            return CannotVerify(reason=f"Slack could not be asked {what}: rate limited for {answer.seconds:.0f} s")
        case Refused():
            return CannotVerify(reason=f"Slack does not tell {what}: {answer}")
        case Done():
            return CannotVerify(reason=f"Slack's answer about {what} could not be read")
        case _:
            return CannotVerify(reason=f"Slack could not be asked {what}: {answer.reason}")


async def _await(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()
