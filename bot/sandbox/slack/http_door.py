"""The door over HTTP: signed requests to one of the bots, as Slack sends them to the app's request URL."""

import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack.deliveries import BuildPayload, EnvelopeType, Mode, Outcome, Retry, Sent
from bot.sandbox.slack.messages import Json

PATH = "/slack/events"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bot: where it listens, and the address that it knows this Slack by."""

    bot: str
    slack: str


class HttpDoor:
    """Each request goes to one bot, the next in turn; one that refuses the connection is passed over."""

    mode: Mode = "http"

    def __init__(self, signing_secret: str) -> None:
        self.targets: Sequence[Target] = ()
        self._secret = signing_secret
        self._turn = 0
        self._session: aiohttp.ClientSession | None = None

    async def send(self, kind: EnvelopeType, build: BuildPayload, retry: Retry | None, seconds: float) -> Outcome:
        began = time.monotonic()
        for target in self._in_turn():
            payload = build(target.slack)
            try:
                return await self._post(target, self.written(kind, payload, retry), payload, seconds)
            except aiohttp.ClientConnectorError:
                continue
        return Outcome(payload=None, status=None, answer=None, ms=_since(began), failure="connection_failed")

    async def resend(self, sent: Sent, payload: Json, seconds: float) -> Outcome:
        """These bytes under these headers, whatever they are worth."""
        began = time.monotonic()
        for target in self._in_turn():
            try:
                return await self._post(target, sent, payload, seconds)
            except aiohttp.ClientConnectorError:
                continue
        return Outcome(payload=payload, status=None, answer=None, ms=_since(began), failure="connection_failed")

    def written(self, kind: EnvelopeType, payload: Json, retry: Retry | None = None) -> Sent:
        """The request for a payload, signed now."""
        headers = {"User-Agent": AGENT, "Content-Type": JSON if kind == "events_api" else FORM}
        if retry is not None:
            headers |= {"X-Slack-Retry-Num": str(retry.attempt), "X-Slack-Retry-Reason": retry.reason}
        headers[TIMESTAMP] = str(int(time.time()))
        return self.signed(Sent(headers=headers, body=encoded(kind, payload)))

    def signed(self, sent: Sent) -> Sent:
        """The same with a signature that fits its timestamp and its body."""
        signed = f"v0:{sent.headers.get(TIMESTAMP, '')}:{sent.body}".encode()
        made = hmac.new(self._secret.encode(), signed, "sha256").hexdigest()
        return Sent(headers={**sent.headers, SIGNATURE: f"v0={made}"}, body=sent.body)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, target: Target, sent: Sent, payload: Json, seconds: float) -> Outcome:
        if self._session is None:
            # A connection each: one that was kept would break where a bot was killed and came back.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0), trust_env=False
            )
        began = time.monotonic()
        try:
            async with self._session.post(
                target.bot + PATH, data=sent.body.encode(), headers=sent.headers, allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as answer:  # fmt: skip
                body = _read(answer.content_type, await answer.text())
        except aiohttp.ClientConnectorError:
            raise
        except (TimeoutError, aiohttp.ClientError) as error:
            failure = "http_timeout" if isinstance(error, TimeoutError) else "connection_failed"
            return Outcome(
                payload=payload, status=None, answer=None, ms=_since(began), sent=sent, failure=failure
            )  # fmt: skip
        is_good = 200 <= answer.status < 300
        return Outcome(
            payload=payload, status=answer.status, answer=body if is_good else None, ms=_since(began), sent=sent,
            failure="" if is_good else "http_error", is_final=answer.headers.get("X-Slack-No-Retry") == "1",
        )  # fmt: skip

    def _in_turn(self) -> list[Target]:
        """All of them, the next one first."""
        self._turn += 1
        at = self._turn % len(self.targets) if self.targets else 0
        return [*self.targets[at:], *self.targets[:at]]


def encoded(kind: EnvelopeType, payload: Json) -> str:
    """A payload as it travels: events as JSON, commands as a form, interactions as JSON in a form."""
    match kind:
        case "events_api":
            return json.dumps(payload)
        case "interactive":
            return urlencode({"payload": json.dumps(payload)})
        case "slash_commands":
            return urlencode(payload)


def _read(content_type: str, text: str) -> Any:
    if content_type == JSON:
        try:
            return json.loads(text)
        except ValueError:
            pass
    return text or None


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
