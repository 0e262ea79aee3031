"""Open modals: a stack of at most three views per person."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from bot.sandbox.seeded import APP_ID, BOT_ID, TEAM_ID
from bot.sandbox.slack.messages import Json, stored_blocks

STACK = 3
KEPT = 2_000


class ModalRefused(Exception):
    """What Slack's views methods answer: the error's code is the message."""


@dataclass(slots=True, kw_only=True)
class View:
    """One view of a modal. `payload` is what the bot sent, its blocks as Slack stores them."""

    id: str
    user: str
    payload: Json
    root_view_id: str
    previous_view_id: str | None
    hash: str
    open: bool = True

    def as_slack(self, values: Json | None = None) -> Json:
        """The view as the Web API and payloads show it, with what was typed so far."""
        get = self.payload.get
        return {
            "id": self.id, "team_id": TEAM_ID, "type": "modal", "blocks": self.payload["blocks"],
            "private_metadata": get("private_metadata", ""), "callback_id": get("callback_id", ""),
            "state": {"values": values or {}}, "hash": self.hash, "title": get("title"),
            "clear_on_close": get("clear_on_close", False), "notify_on_close": get("notify_on_close", False),
            "close": get("close"), "submit": get("submit"), "previous_view_id": self.previous_view_id,
            "root_view_id": self.root_view_id, "app_id": APP_ID, "external_id": get("external_id", ""),
            "app_installed_team_id": TEAM_ID, "bot_id": BOT_ID,
        }  # fmt: skip


class Modals:
    """Every view that was opened, newest last; `ModalRefused` names what Slack would answer."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}
        self._count = 0

    def of_user(self, user: str) -> list[View]:
        return [view for view in self._views.values() if view.user == user]

    def stack(self, user: str) -> list[View]:
        """The open views of that person, the visible one last."""
        return [view for view in self.of_user(user) if view.open]

    def find(self, view_id: str) -> View | None:
        return self._views.get(view_id)

    def open(self, user: str, payload: Json) -> View:
        """A new modal; the one that was open is closed without a word."""
        self._refuse_taken_external_id(payload)
        self.close_all(user)
        return self._add(user, payload, None)

    def push(self, user: str, payload: Json) -> View:
        stack = self.stack(user)
        if not stack:
            raise ModalRefused("not_found")
        if len(stack) >= STACK:
            raise ModalRefused("push_limit_reached")
        self._refuse_taken_external_id(payload)
        return self._add(user, payload, stack[-1])

    def update(self, view_id: str | None, external_id: str | None, expected_hash: str | None, payload: Json) -> View:
        view = self._views.get(view_id or "") or next(
            (v for v in self._views.values() if v.open and external_id and v.payload.get("external_id") == external_id),
            None,
        )
        if view is None or not view.open:
            raise ModalRefused("not_found")
        if expected_hash and expected_hash != view.hash:
            raise ModalRefused("hash_conflict")
        self._refuse_taken_external_id(payload, besides=view)
        view.payload, view.hash = _stored(payload), _new_hash()
        return view

    def close(self, view: View) -> None:
        """Close one view; the one below it becomes visible."""
        view.open = False

    def close_all(self, user: str) -> None:
        for view in self.stack(user):
            view.open = False

    def _add(self, user: str, payload: Json, below: View | None) -> View:
        self._count += 1
        view_id = f"V0{self._count:04d}{secrets.token_hex(3).upper()}"
        view = View(
            id=view_id, user=user, payload=_stored(payload), root_view_id=below.root_view_id if below else view_id,
            previous_view_id=below.id if below else None, hash=_new_hash(),
        )  # fmt: skip
        self._views[view_id] = view
        while len(self._views) > KEPT:
            self._views.pop(next(iter(self._views)))
        return view

    def _refuse_taken_external_id(self, payload: Json, besides: View | None = None) -> None:
        wanted: Any = payload.get("external_id")
        taken = (v for v in self._views.values() if v.open and v is not besides)
        if wanted and any(view.payload.get("external_id") == wanted for view in taken):
            raise ModalRefused("duplicate_external_id")


def _stored(payload: Json) -> Json:
    return {**payload, "blocks": stored_blocks(payload.get("blocks") or [])}


def _new_hash() -> str:
    return f"{int(time.time())}.{secrets.token_hex(4)}"
