"""Killed in the middle of a storm: the bot with Slack's own limits before it and an Alertmanager behind it.

More groups fire at once than Slack shows in half a minute. The bot is killed while webhooks come in, at a post and at
an update, and comes back to nothing but its rows; Alertmanager tells again what it got no answer to. However it ends,
every group is shown right, on its own card or on the storm's, no card stands twice, and nothing is forgotten.
"""

import asyncio
import contextlib
import json
import random
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.postgresql import Cluster
from tests.scenarios.conftest import sandbox
from tests.scenarios.workspace import Message, Refused, Workspace

SEED = 20261129
GROUPS = {**{f"Mild-{number}": 2 for number in range(18)}, **{f"Grave-{number}": 1 for number in range(6)}}
"""How many groups of each name there are. A storm's card has a line for each of 25 names, with their number."""
OVER = frozenset({*(f"Mild-{number}" for number in range(13, 18)), *(f"Grave-{number}" for number in range(3))})
HEARD_BEFORE_THE_KILL = 10
LOOKS_EVERY = 0.5
UNTIL_IT_IS_OVER = 150.0
"""Seconds. A storm rages for half a minute after the last news, then cards follow one a second."""
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """How the bot is killed at a post and at an update (the names of the faults), and how many of each pass before."""

    post: str
    update: str
    slack: str
    posts: int
    updates: int


def cases(*, each: int) -> list[Case]:
    """So many for each way of dying at each effect, and each way that Slack has to the bot."""
    chooser = random.Random(SEED)  # noqa: S311
    faults = ("kill_before", "kill_after")
    ways = [(post, update, slack) for post, update in (faults, faults[::-1]) for slack in ("socket", "http")]
    return [Case(*way, chooser.randrange(6), chooser.randrange(3)) for way in ways for _ in range(each)]


class Storm:
    """What Alertmanager is told, what it tells the bot, and what stands in the channel."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._told: dict[str, Body] = {}

    async def tell(self, do: str, names: Iterable[str]) -> None:
        """That the groups of these names fire or are over, all at once."""

        async def one(name: str, number: int) -> None:
            severity = "critical" if name.startswith("Grave") else "warning"
            labels = {"alertname": name, "namespace": f"shop-{number}", "severity": severity}
            await self._workspace.call("POST", "/api/alerts", {"do": do, "labels": labels, "annotations": {}})

        async with asyncio.TaskGroup() as group:
            for name in names:
                for number in range(GROUPS[name]):
                    group.create_task(one(name, number))

    async def heard(self) -> int:
        """How many webhooks the bot has taken."""
        return sum(attempt["status"] is not None for attempt in await self._attempts())

    async def answered(self) -> bool:
        """Whether the newest webhook of every group has been taken."""
        newest = {attempt["body"]["groupKey"]: attempt["status"] for attempt in await self._attempts()}
        return all(status is not None and 200 <= status < 300 for status in newest.values())

    async def tell_all_again(self) -> None:
        """Every webhook that was ever tried, in the order of the first tries: what a peer and a retry bring."""
        ready = await self._workspace.call("GET", "/api/ready")
        url = (await self._attempts())[-1]["url"]
        bearer = {"Authorization": f"Bearer {ready['tokens']['alertmanager']}"}
        async with httpx.AsyncClient(trust_env=False, headers=bearer) as http:
            for body in self._told.values():
                answer = await http.post(url, json=body)
                assert answer.status_code == 202, answer.text

    async def shown(self, event: str) -> list[Message]:
        found = await self._workspace.messages("alerts")
        return [message for message in found if (message.data["metadata"] or {}).get("event_type") == event]

    async def cards(self) -> dict[str, list[str]]:
        """What the cards of each name say first."""
        found: dict[str, list[str]] = {name: [] for name in GROUPS}
        for card in await self.shown("tiphys_alert"):
            name, words = card.text.split(": ", 1)
            found[name].append(words.split()[0])
        return found

    async def summary(self) -> str | None:
        """What the storm's card says, as long as the storm lasts."""
        said = [card.plain for card in await self.shown("tiphys_storm") if not _is_closed(card)]
        return said[-1] if said else None

    async def wrong(self, over: Collection[str] = ()) -> list[str]:
        """Names whose groups are not told right, each on its own card or by the storm's: these are over, the others
        fire. While the storm lasts, what it says is newer. It leaves out what was shown before it began."""
        summary, wrong = await self.summary(), []
        for name, words in (await self.cards()).items():
            word = "resolved" if name in over else "firing"
            line = re.search(rf"{name} (?:\d+ \w+, )*(\d+) {word}", summary or "")
            told = words.count(word) + (int(line[1]) if line else 0)
            is_late = summary is None and set(words) - {word}
            may_have_none = summary is None and name in over and not name.startswith("Grave")
            if is_late or told < (len(words) if may_have_none else GROUPS[name]):
                wrong.append(f"{name}: {words}, {line[0] if line else 'no line'}")
        return wrong

    async def _attempts(self) -> list[Any]:
        """The newest; all of them are remembered."""
        attempts = list((await self._workspace.call("GET", "/api/alerts"))["webhooks"])
        for attempt in attempts:
            self._told.setdefault(json.dumps(attempt["body"]), attempt["body"])
        return attempts


async def survive(home: Path, case: Case, *options: str) -> None:
    async with sandbox(home, "--speed", "10", "--slack", case.slack, *options) as workspace:
        storm = Storm(workspace)
        await workspace.call("PATCH", "/api/slack", {"rate_limits": True})
        await _fire(workspace, storm)
        post = await _kill(workspace, case.post, "chat.postMessage", case.posts)
        await workspace.until(storm.answered, wants="all webhooks taken", every=LOOKS_EVERY)
        await workspace.until(storm.summary, wants="a storm's card", every=LOOKS_EVERY)
        await _is_right(workspace, storm)
        update = await _kill(workspace, case.update, "chat.update", case.updates)
        await storm.tell("resolve", OVER)
        await workspace.until(storm.answered, wants="all webhooks taken", every=LOOKS_EVERY)
        await _is_right(workspace, storm, OVER)
        await workspace.until(
            lambda: _has_ended(storm), wants="the storm is over", patience=UNTIL_IT_IS_OVER, every=LOOKS_EVERY
        )
        await workspace.until(lambda: workspace.settle(5), wants="nothing is left to do")
        assert await storm.wrong(OVER) == []
        await _assert_nothing_twice(storm)
        left = {fault["id"]: fault["left"] for fault in (await workspace.call("GET", "/api/faults"))["faults"]}
        assert (left[post], left[update]) == (0, 0), "a kill was never reached"

        before = [message.data for message in await workspace.messages("alerts")]
        await storm.tell_all_again()
        await workspace.until(lambda: workspace.settle(5), wants="nothing is left to do")
        assert [message.data for message in await workspace.messages("alerts")] == before


async def _fire(workspace: Workspace, storm: Storm) -> None:
    """All of them, with a kill when some of the webhooks have been taken."""

    async def some_are_heard() -> bool:
        return await storm.heard() >= HEARD_BEFORE_THE_KILL

    async with asyncio.TaskGroup() as group:
        group.create_task(storm.tell("fire", GROUPS))
        await workspace.until(some_are_heard, wants="some webhooks taken")
        await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "kill"})
        with contextlib.suppress(Refused):  # on a busy machine it may take longer than is waited for
            await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start"})


async def _kill(workspace: Workspace, when: str, method: str, skip: int) -> str:
    path = rf"/{re.escape(method)}$"
    return await workspace.fault("slack", when, method="POST", path=path, times=1, skip=skip)


async def _is_right(workspace: Workspace, storm: Storm, over: Collection[str] = ()) -> None:
    async def look() -> bool:
        return not await storm.wrong(over)

    try:
        await workspace.until(look, wants="every group told right", every=LOOKS_EVERY)
    except AssertionError as error:
        raise AssertionError(f"{error}; wrong: {await storm.wrong(over)}; {await storm.summary()}") from None


async def _has_ended(storm: Storm) -> bool:
    return bool(await storm.shown("tiphys_storm")) and await storm.summary() is None


async def _assert_nothing_twice(storm: Storm) -> None:
    groups = Counter(str(card.data["metadata"]["event_payload"]) for card in await storm.shown("tiphys_alert"))
    assert set(groups.values()) == {1}, f"twice: {groups}"
    cards = await storm.cards()
    assert all(len(words) <= GROUPS[name] for name, words in cards.items()), cards
    assert len(await storm.shown("tiphys_storm")) == 1


def _is_closed(card: Message) -> bool:
    return card.text.startswith("Alert storm is over")


async def _run(tmp_path: Path, chosen: list[Case], cluster: Cluster | None = None) -> None:
    """On SQLite, or each in a database of its own; two worlds at a time."""
    turn, failures = asyncio.Semaphore(2), list[str]()

    async def one(number: int, case: Case) -> None:
        async with turn:
            database = ("--database", cluster.url(cluster.create())) if cluster else ()
            try:
                await survive(tmp_path / f"case-{number}", case, *database)
            except AssertionError as error:
                failures.append(f"{case}: {error}")

    async with asyncio.TaskGroup() as group:
        for number, case in enumerate(chosen):
            group.create_task(one(number, case))
    assert not failures, "\n".join(failures)


async def test_killed_in_the_middle_of_a_storm(tmp_path: Path) -> None:
    """A sample: once while webhooks come in, once at a post and once at an update."""
    await _run(tmp_path, [random.Random(SEED).choice(cases(each=1))])  # noqa: S311


@pytest.mark.long
async def test_killed_anywhere_in_a_storm(tmp_path: Path) -> None:
    await _run(tmp_path, cases(each=3))


@pytest.mark.long
@pytest.mark.postgresql
async def test_killed_anywhere_in_a_storm_on_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    await _run(tmp_path, cases(each=1), cluster)
