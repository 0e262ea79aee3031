"""The Slack app as the SDK builds it, with everything said explicitly: nothing comes from the environment."""

import asyncio
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.meter import SILENT, Meter
from bot.ports import Denied, Unavailable
from bot.slack.calls import Done, Limited, Refused, Unknown, call
from bot.slack.metered import MeteredClient
from bot.slack.short_way import ShortWay

TIMEOUT_SECONDS = 10.0
SDK_LOGGER = "bot.slack.sdk"
_SECRETS = re.compile(r"(ticket=|/(?:commands|actions)/)[^\s&'\"<>)]+|xox[a-z]-[\w-]+|xapp-[\w-]+")
_READ_BY_BOLT = (
    "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SLACK_VERIFICATION_TOKEN", "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are in the workspace, as `auth.test` said at start."""

    team_id: str
    user_id: str
    bot_id: str
    enterprise_id: str | None = None


def new_session() -> aiohttp.ClientSession:
    """A session for all calls. Proxy variables are not read: the SDK ignores NO_PROXY, also for the loopback."""
    return aiohttp.ClientSession(
        trust_env=False, timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, sock_connect=5.0)
    )


def web_client(token: str, api_url: str, session: aiohttp.ClientSession, *, meter: Meter = SILENT) -> MeteredClient:
    """A client that sends every request once: whether to repeat is decided by who knows what it did."""
    client = MeteredClient(
        token=token, base_url=api_url, session=session, retry_handlers=[], trust_env_in_session=False,
        timeout=int(TIMEOUT_SECONDS), logger=sdk_logger(),
    )  # fmt: skip
    client.proxy = None  # the constructor takes one from the environment
    client.meter = meter
    return client


async def identify(client: AsyncWebClient) -> Identity:
    """Ask Slack who the token belongs to. Raises `Denied` for a bad token, `Unavailable` without an answer."""
    answer = await call(client.auth_test())
    match answer:
        case Done():
            data = answer.data
            return Identity(
                team_id=data["team_id"], user_id=data["user_id"], bot_id=data.get("bot_id") or "",
                enterprise_id=data.get("enterprise_id"),
            )  # fmt: skip
        case Refused():
            raise Denied("slack", answer.error, f"the bot token is refused: {answer}",
                         way_out="Copy the bot token again from the app's page, OAuth & Permissions")  # fmt: skip
        case Limited():
            raise Unavailable("slack", "rate limited", retry_after=answer.seconds)
        case Unknown():
            raise Unavailable("slack", answer.reason)


class Home:
    """Who we are, asked once and remembered; asked again as long as there was no answer."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._asking = asyncio.Lock()
        self._identity: Identity | None = None

    async def get(self) -> Identity:
        """Raises as `identify` does."""
        async with self._asking:
            if self._identity is None:
                self._identity = await identify(self._client)
            return self._identity


def build_app(client: AsyncWebClient, identity: Identity, *, over_http: bool = False) -> ShortWay:
    """The app without listeners. What reaches it was verified before: by the connection, or in `bot.web.slack_events`.

    `over_http`: it answers the questions too that Slack asks only there, about the address itself.
    """
    authorized = AuthorizeResult(
        enterprise_id=identity.enterprise_id, team_id=identity.team_id, bot_token=client.token,
        bot_id=identity.bot_id, bot_user_id=identity.user_id,
    )  # fmt: skip

    async def authorize() -> AuthorizeResult:
        return authorized

    with _without_slack_variables():
        return ShortWay(
            name="tiphys",
            logger=sdk_logger(),
            client=client,
            authorize=authorize,
            signing_secret="",
            request_verification_enabled=False,
            ssl_check_enabled=over_http,
            url_verification_enabled=over_http,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
            # A listener ends with its acknowledgement, so Bolt need not look every 10 ms whether it has come; and an
            # event whose recording failed is then not acknowledged.
            process_before_response=True,
        )


def sdk_logger() -> logging.Logger:
    """The SDK's own log: errors only (it prints whole payloads below that), tokens and tickets taken out."""
    logger = logging.getLogger(SDK_LOGGER)
    logger.setLevel(logging.ERROR)
    if not logger.filters:
        logger.addFilter(_redact)
    return logger


def _redact(record: logging.LogRecord) -> bool:
    record.msg, record.args = _SECRETS.sub("…", record.getMessage()), None
    record.exc_info = record.exc_text = None
    return True


@contextmanager
def _without_slack_variables() -> Iterator[None]:
    """Bolt takes whatever of these it finds, and with two of them turns into another kind of app."""
    hidden = {name: os.environ.pop(name) for name in _READ_BY_BOLT if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)
