"""What Alertmanagers sent, all the way: over HTTP into the endpoint, rows, the worker, the sender, and into Slack."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast

from bot.domain.alerts.budget import Budget
from bot.domain.alerts.group import AlertGroupId
from bot.domain.alerts.policy import AlertSource
from bot.domain.alerts.snapshot import Snapshot
from bot.integrations.alertmanager.webhook import read_snapshot
from bot.ports_alerts import NotASnapshot
from bot.sandbox.slack.blocks import validate_message_blocks
from bot.services.alerts.absorbing import Absorbing
from bot.services.alerts.opening import Opening
from bot.services.outbox import OutboxQueue
from bot.slack.alert_sender import AlertSender
from bot.slack.pace import Pace
from bot.slack.posting import Posting
from bot.tasks import TaskSet
from bot.web.alert_webhooks import PATH
from tests.integrations.alertmanager.recorded import VERSIONS, Sent, webhooks
from tests.services.alerts.room import TOKEN, Room
from tests.slack.conftest import Workspace, until

Json = dict[str, Any]
Groups = dict[str, Json]
"""By group, the message in the channel with the replies in its thread."""

PATIENCE = 8.0
AT_LEAST = timedelta(seconds=1)
MUCH_LATER = timedelta(hours=1)
SENDERS = ("Content-Type", "User-Agent")
"""Headers that go as they were recorded; whatever proved who sent is replaced by what is configured here."""


def posted(version: str, scenario: str) -> list[Sent]:
    """Without redirections that became a GET, and the call for a token."""
    return [sent for sent in webhooks(version, scenario) if sent.method == "POST" and sent.path != "/token"]


class Replaying:
    """One database and one workspace; each version is a source of its own, whose groups' ids follow from the order in
    which they open, and whose clock follows from what it tells."""

    def __init__(self, room: Room, workspace: Workspace) -> None:
        self._room, self._workspace = room, workspace
        known = room.source.current.alerts.sources["default"]
        room.configure(sources={v: AlertSource(name=v, url=known.url, webhook_tokens=(TOKEN,)) for v in VERSIONS})
        self._source, self._opened = "", 0
        self._shown: Groups = {}
        opening = Opening(room.source, new_id=lambda: self._id(self._opened + 1))
        self._worker = Absorbing(room.store, read_snapshot, opening, room.source, room.clock, room.bells)

    def _id(self, number: int) -> AlertGroupId:
        place = len(VERSIONS) - 1 - VERSIONS.index(self._source)
        return AlertGroupId(f"01J0A1B2C3D4E5F6G7H8J9{place}{number:03}")

    async def replay(self, version: str, scenario: str) -> list[Json]:
        """What each webhook of a recording makes people see: the card that is new or looks otherwise now, and what its
        thread says more. Then all groups' last ones come again, and much later what was put off is shown."""
        self._source, self._opened, self._shown = version, 0, {}
        steps = [await self._step(sent, first=number == 0) for number, sent in enumerate(posted(version, scenario))]
        await self._again(version, scenario)
        self._room.clock.at += MUCH_LATER
        await self._settle()
        if late := await self._news():
            steps.append({"later": late})
        return steps

    async def _step(self, sent: Sent, *, first: bool) -> Json:
        self._room.clock.at = self._heard_at(sent, first=first)
        if refusal := await self._take_in(sent):
            assert await self._room.waiting() == 0
            return {"refused": refusal}
        assert await self._room.waiting() == 1, "stored before it is answered"
        await self._settle()
        news = await self._news()
        self._opened = len(self._shown)
        return news or {"shown": "nothing new" if self._shown else "nothing"}

    async def _news(self) -> Json:
        before, self._shown = self._shown, await self._seen()
        return _difference(before, self._shown)

    async def _again(self, version: str, scenario: str) -> None:
        """Once more from the other of a pair, and once more because nobody noted that it had been sent."""
        last = {_route(sent): sent for sent in posted(version, scenario)}
        asked = len(self._workspace.asked(""))
        for sent in [*last.values(), *last.values()]:
            self._room.clock.at += AT_LEAST
            await self._take_in(sent)
        await self._settle()
        assert await self._news() == {}
        assert len(self._workspace.asked("")) == asked, "nothing was sent to Slack either"

    async def _take_in(self, sent: Sent) -> str:
        """Why it was refused; empty when it was taken."""
        headers = {name: value for name, value in sent.headers.items() if name in SENDERS}
        answer = await self._room.http.post(
            f"{self._room.url}{PATH}/{self._source}", content=sent.body,
            headers=headers | {"Authorization": f"Bearer {TOKEN}"},
        )  # fmt: skip
        assert answer.status_code in (202, 400), answer.text
        return "" if answer.status_code == 202 else answer.text.removeprefix("not taken: ")

    async def _settle(self) -> None:
        """Until nothing waits, neither to be absorbed nor to be shown."""
        await self._worker.sweep()
        assert await self._room.waiting() == 0
        self._room.bells.alerts.ring()
        await self._room.bells.alerts.quiet(PATIENCE)

        async def nothing_due() -> bool:
            async with self._room.store.reading() as tx:
                return await tx.outbox.count_due(self._room.clock.now()) == 0

        await until(nothing_due)

    async def _seen(self) -> Groups:
        """What Slack holds of this version."""
        found: Groups = {}
        for message in await self._workspace.messages("alerts"):
            group = message["metadata"]["event_payload"]["group"]
            assert group not in found, "a group has one card"
            found[group] = message
        return {group: message for group, message in found.items() if group[:-3] == self._id(0)[:-3]}

    def _heard_at(self, sent: Sent, *, first: bool) -> datetime:
        """A second after the newest that it tells of; never backwards."""
        now = self._room.clock.at
        try:
            snapshot = read_snapshot(self._source, sent.body)
        except NotASnapshot:
            return now
        newest = _newest(snapshot) + AT_LEAST
        return newest if first else max(newest, now + AT_LEAST)


@asynccontextmanager
async def replaying(room: Room, workspace: Workspace) -> AsyncIterator[Replaying]:
    """With the sender at work: storms are as in life, but no card has to wait for its turn."""
    await room.store.join(lambda _: None)
    queue = OutboxQueue(room.store, cast(Any, None), room.clock, room.source)
    pace = Pace(scale=10_000)
    pace.budget = Budget()
    sender = AlertSender(queue, Posting(cast(Any, workspace.client), pace), room.clock, room.bells.alerts)
    tasks = TaskSet("test")
    tasks.start(sender.run(), name="alerts")
    try:
        yield Replaying(room, workspace)
    finally:
        await sender.close()
        await tasks.close()


def _newest(snapshot: Snapshot) -> datetime:
    told = (moment for alert in snapshot.alerts for moment in (alert.starts_at, alert.ends_at) if moment)
    return max(told)


def _route(sent: Sent) -> tuple[Any, Any]:
    """Whose group a webhook tells of."""
    try:
        document = json.loads(sent.body)
        return document.get("receiver"), document.get("groupKey")
    except (ValueError, AttributeError):
        return sent.path, sent.body


def _difference(before: Groups, after: Groups) -> Json:
    """The one card that a webhook has changed; empty when it has changed none."""
    assert before.keys() <= after.keys()
    changed = [group for group, message in after.items() if before.get(group) != message]
    if not changed:
        return {}
    [group] = changed
    was, message = before.get(group), after[group]
    assert was is None or was["ts"] == message["ts"], "it is edited in place"
    assert validate_message_blocks(message["blocks"]) == []
    told = len(was["replies"]) if was else 0
    notes = [reply["blocks"] for reply in message["replies"][told:]]
    card = {"text": message["text"], "blocks": message["blocks"], "group": group}
    return {"card": card, **({"notes": notes} if notes else {})}
