"""Knocking at our own door as Slack would, for `tiphys check`: with its question about the address, without effect."""

import json
import time
import uuid
from enum import Enum
from typing import NamedTuple

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.slack.app import new_session

PATH = "/slack/events"
MOST_READ = 4096
_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where it is reached, not bound


class Opened(Enum):
    OURS = "takes what is signed with our secret"
    NOT_BELIEVED = "refuses what is signed with our secret"
    NOT_SERVED = "does not serve it"
    CANNOT_TELL = "cannot be told"


class Knock(NamedTuple):
    """What came of it, and what was seen."""

    opened: Opened
    seen: str


class OwnDoor:
    """Where this process's settings say that Slack's deliveries are taken: `host` and `port` of `TIPHYS_LISTEN`."""

    def __init__(self, host: str, port: int, signing_secret: str) -> None:
        host = _ANYWHERE.get(host, host)
        self._port, self._verifier = port, SignatureVerifier(signing_secret)
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"

    async def knock(self) -> Knock:
        """One request, its answer never an exception. https://docs.slack.dev/reference/events/url_verification"""
        if self._port == 0:
            return Knock(Opened.CANNOT_TELL, "TIPHYS_LISTEN says any free port")
        challenge = uuid.uuid4().hex
        body, now = json.dumps({"type": "url_verification", "challenge": challenge}), str(int(time.time()))
        headers = {
            "Content-Type": "application/json", "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": self._verifier.generate_signature(timestamp=now, body=body) or "",
        }  # fmt: skip
        try:
            async with new_session() as session, session.post(self.url, data=body, headers=headers) as answer:
                told = (await answer.content.read(MOST_READ)).decode("utf-8", "replace")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Knock(Opened.CANNOT_TELL, f"no answer ({type(error).__name__})")
        return Knock(_judge(answer.status, told, challenge), f"HTTP {answer.status}")


def _judge(status: int, told: str, challenge: str) -> Opened:
    if status == 200 and challenge in told:
        return Opened.OURS
    if status == 401:
        return Opened.NOT_BELIEVED
    return Opened.CANNOT_TELL if status >= 500 else Opened.NOT_SERVED
