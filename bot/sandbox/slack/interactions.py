"""Trigger ids and response URLs: what a person's act lends to the bot, and for how long."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Literal

TRIGGER_SECONDS = 3.0
URL_SECONDS = 30 * 60.0
URL_USES = 5
KEPT = 5_000

TriggerError = Literal["invalid_trigger_id", "expired_trigger_id", "exchanged_trigger_id"]
UrlError = Literal["expired_url", "used_url"]


class TriggerRefused(Exception):
    def __init__(self, error: TriggerError) -> None:
        super().__init__(error)
        self.error: TriggerError = error


class UrlRefused(Exception):
    def __init__(self, error: UrlError) -> None:
        super().__init__(error)
        self.error: UrlError = error


@dataclass(slots=True, kw_only=True)
class Interaction:
    """One act of a person that the bot may answer with a modal (once, within 3 s) or by its response URL."""

    user: str
    channel: str | None = None
    is_command: bool = False
    message_ts: str | None = None
    thread_ts: str | None = None
    ephemeral_id: str | None = None
    view_id: str | None = None
    trigger_id: str
    secret: str
    began: float
    trigger_spent: bool = False
    url_uses: int = 0
    opened_view: str | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the bot opened a modal or used the response URL."""

    def response_url(self, base: str) -> str:
        return f"{base}/{'commands' if self.is_command else 'actions'}/{self.secret}"


class Interactions:
    """The acts of the last while, by trigger id and by the secret of their response URL."""

    def __init__(self) -> None:
        self._by_trigger: dict[str, Interaction] = {}
        self._by_secret: dict[str, Interaction] = {}

    def begin(
        self, user: str, *, channel: str | None = None, is_command: bool = False, message_ts: str | None = None,
        thread_ts: str | None = None, ephemeral_id: str | None = None, view_id: str | None = None,
    ) -> Interaction:  # fmt: skip
        act = Interaction(
            user=user, channel=channel, is_command=is_command, message_ts=message_ts, thread_ts=thread_ts,
            ephemeral_id=ephemeral_id, view_id=view_id, began=time.monotonic(),
            trigger_id=f"{time.time_ns() // 1_000_000}.{secrets.randbelow(10**12):012d}.{secrets.token_hex(16)}",
            secret=secrets.token_urlsafe(24),
        )  # fmt: skip
        for index, key in ((self._by_trigger, act.trigger_id), (self._by_secret, act.secret)):
            index[key] = act
            while len(index) > KEPT:
                index.pop(next(iter(index)))
        return act

    def find(self, secret: str) -> Interaction | None:
        return self._by_secret.get(secret)

    def spend_trigger(self, trigger_id: str) -> Interaction:
        """The act behind a trigger id, which is used up by this. Raises `TriggerRefused`."""
        act = self._by_trigger.get(trigger_id)
        if act is None:
            raise TriggerRefused("invalid_trigger_id")
        if act.trigger_spent:
            raise TriggerRefused("exchanged_trigger_id")
        if time.monotonic() - act.began > TRIGGER_SECONDS:
            raise TriggerRefused("expired_trigger_id")
        act.trigger_spent = True
        return act

    def use_url(self, secret: str) -> Interaction:
        """The act behind a response URL; counts the use. Raises `UrlRefused`."""
        act = self._by_secret.get(secret)
        if act is None or time.monotonic() - act.began > URL_SECONDS:
            raise UrlRefused("expired_url")
        if act.url_uses >= URL_USES:
            raise UrlRefused("used_url")
        act.url_uses += 1
        return act
