"""Questions about the app and its workspace, for `tiphys check`: nothing is posted, joined or changed."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from bot.domain.identity import ChannelId, GroupId, UserId
from bot.slack.app import Identity, new_session, web_client
from bot.slack.calls import Done, Limited, Refused, Result, call

MOST_AT_ONCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where the bot token leads. `scopes` as Slack's answer tells them; None when it does not."""

    name: str
    bot: str
    identity: Identity
    scopes: frozenset[str] | None


class SlackInspection:
    """Made inside the running loop; close it. Each method is one request, its answer never an exception."""

    def __init__(self, *, bot_token: str, app_token: str | None, api_url: str) -> None:
        self._session = new_session()
        self._client = web_client(bot_token, api_url, self._session)
        self._app_token = app_token
        self._gate = asyncio.Semaphore(MOST_AT_ONCE)

    async def close(self) -> None:
        await self._session.close()

    async def workspace(self) -> Workspace | Result:
        """Who we are, by `auth.test`; the answer as it came where it is no yes."""
        answer = await self._ask(self._client.auth_test())
        if not isinstance(answer, Done):
            return answer
        told = answer.data
        scopes = answer.headers.get("x-oauth-scopes")
        return Workspace(
            name=str(told.get("team") or told.get("team_id") or ""),
            bot=str(told.get("user") or ""),
            identity=Identity(
                team_id=str(told.get("team_id") or ""),
                user_id=str(told.get("user_id") or ""),
                bot_id=str(told.get("bot_id") or ""),
                enterprise_id=told.get("enterprise_id"),
            ),
            scopes=None if scopes is None else frozenset(part.strip() for part in scopes.split(",") if part.strip()),
        )

    @property
    def has_app_token(self) -> bool:
        return self._app_token is not None

    async def connection(self) -> Result:
        """Ask for the address of a connection, which is then not opened: the app-level token's test."""
        return await self._ask(self._client.apps_connections_open(app_token=self._app_token or ""))

    async def channel(self, channel: ChannelId) -> Result:
        return await self._ask(self._client.conversations_info(channel=channel))

    async def group(self, group: GroupId) -> Result:
        """The members of a user group."""
        return await self._ask(self._client.usergroups_users_list(usergroup=group))

    async def user(self, user: UserId) -> Result:
        return await self._ask(self._client.users_info(user=user))

    async def _ask(self, request: Awaitable[Any]) -> Result:
        async with self._gate:
            return await call(request)


def why_not(answer: Result) -> str:
    """An answer that is no yes, in a few words."""
    match answer:
        case Done():
            return "ok"
        case Limited():
            return f"rate limited for {answer.seconds:.0f} s"
        case Refused():
            return str(answer)
        case _:
            return f"no answer: {answer.reason}"
