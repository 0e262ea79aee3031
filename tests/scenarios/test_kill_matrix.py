"""The kill matrix: the bot is killed at each of its effects, once before it is applied and once after, unanswered.

The effects are every request of a clean run that is not GET, plus `git push`, taken from the sandbox's log. However it
ends, the change goes on by itself after the restart: one pull request, one merge, one sync, one card, no approval lost.
"""

import asyncio
import contextlib
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.postgresql import Cluster
from tests.scenarios.conftest import sandbox
from tests.scenarios.workspace import Refused, Workspace

SPEED = ("--speed", "20")
SEED = 20261124


@dataclass(frozen=True, slots=True)
class Effect:
    """The `nth` request of its kind after a moment of the script."""

    moment: str
    service: str
    method: str
    path: str  # a regular expression
    nth: int

    @property
    def kind(self) -> tuple[str, str, str, str]:
        return (self.moment, self.service, self.method, self.path)

    @property
    def ways(self) -> list[str]:
        """How Slack may reach the bot where this happens: over HTTP nobody asks for connections."""
        return ["socket"] if "connections" in self.path else ["socket", "http"]

    def __str__(self) -> str:
        return f"{self.moment}-{self.service}-{self.method}-{self.path}-{self.nth}"


MOMENTS = ("start", "promote", "approve-1", "approve-2")
VARIABLE = (
    (re.compile(r"^/(commands|actions)/.*"), r"^/(commands|actions)/"),
    (re.compile(r"/statuses/[0-9a-f]{40}$"), r"/statuses/[0-9a-f]{40}$"),
)


def effects_of(log: list[tuple[str, dict[str, Any]]]) -> list[Effect]:
    """What the log of a clean run says that the bot did to the world, each with its number within its moment."""
    counts: dict[tuple[str, str, str, str], int] = {}
    found = []
    for moment, request in log:
        is_push = request["service"] == "git" and request["path"].endswith("git-receive-pack")
        if request["bot"] is None or not (is_push or (request["method"] != "GET" and request["service"] != "git")):
            continue
        path = next((general for known, general in VARIABLE if known.search(request["path"])), None)
        path = path or f"^{re.escape(request['path'])}$"
        kind = (moment, request["service"], request["method"], path)
        nth = counts.get(kind, 0)
        counts[kind] = nth + 1
        found.append(Effect(moment, request["service"], request["method"], path, nth))
    return found


async def act(workspace: Workspace, moment: str) -> None:
    """One moment of the script; what Slack did not get an answer to, the person does again."""
    match moment:
        case "start":
            await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "stop"})
            with contextlib.suppress(Refused):  # killed on its way up: it is started again by itself
                await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start"})
            await workspace.until(lambda: _is_ready(workspace), wants="the bot is up again")
        case "promote":
            await _insist(lambda: workspace.say("developer", "/promote apm-stack prod"))
            await workspace.card_is("waiting for approval")
        case "approve-1":
            await _approve(workspace, "approver-1")
            await workspace.thread_says("1 of 2")
        case "approve-2":
            await _approve(workspace, "approver-2")
            await workspace.card_is("succeeded")


async def _is_ready(workspace: Workspace) -> bool:
    return all(bot["ready"] for bot in (await workspace.call("GET", "/api/ready"))["bots"])


async def _approve(workspace: Workspace, user: str) -> None:
    async def click() -> dict[str, Any]:
        return await workspace.click(user, "change.approve", await workspace.card())

    await _insist(click)


async def _insist(deed: Any) -> None:
    for _ in range(100):
        ack = (await deed())["ack"]
        if ack is not None and ack["status"] == 200:  # over HTTP a bot on its way up says 503
            return
        await asyncio.sleep(0.1)
    raise AssertionError("Slack never got an answer")


async def clean_run(workspace: Workspace) -> list[Effect]:
    log: list[tuple[str, dict[str, Any]]] = []
    last = 0
    for moment in MOMENTS:
        await act(workspace, moment)
        await workspace.settle()
        for request in await workspace.requests(after=last):
            log.append((moment, request))
            last = request["n"]
    return effects_of(log)


async def assert_nothing_twice(workspace: Workspace) -> None:
    """One pull request, one merge, one sync, one card; both approvals counted; no note twice."""
    await workspace.settle()
    pulls = await workspace.pulls()
    assert [pull["merged"] for pull in pulls] == [True]
    applied = [r for r in await workspace.requests() if r["applied"]]
    assert len([r for r in applied if r["method"] == "PUT" and r["path"].endswith("/merge")]) == 1
    application = await workspace.application("apm-stack-production")
    merged = pulls[0]["merge_commit_sha"]
    assert [(o["phase"], o["revision"]) for o in application["operations"]] == [("Succeeded", merged)]
    cards = await workspace.cards()
    assert len(cards) == 1
    assert "approver-1" in cards[0].plain
    assert "approver-2" in cards[0].plain
    assert len(cards[0].replies) == len(set(cards[0].replies)), cards[0].replies


async def survive(home: Path, effect: Effect, when: str, *options: str) -> bool:
    """Run the script with one kill; answers whether the kill was reached (coalesced updates may leave it out)."""
    async with sandbox(home, *SPEED, *options) as workspace:
        for moment in MOMENTS:
            if moment == effect.moment:
                await workspace.fault(
                    effect.service, when, method=effect.method, path=effect.path, times=1, skip=effect.nth
                )
            elif moment == "start":
                continue
            await act(workspace, moment)
        await assert_nothing_twice(workspace)
        faults = (await workspace.call("GET", "/api/faults"))["faults"]
        return all(fault["left"] == 0 for fault in faults)


async def test_every_kind_of_effect_survives_a_kill(tmp_path: Path) -> None:
    """A seeded sample, two worlds at a time: each effect once, at one moment, before or after, over either way."""
    async with sandbox(tmp_path / "clean", *SPEED) as workspace:
        effects = await clean_run(workspace)
    services = {(e.service, e.path) for e in effects}
    for needed in (
        "chat\\.postMessage",
        "chat\\.update",
        "git\\-receive\\-pack",
        "/pulls$",
        "merge",
        "sync",
        "statuses",
    ):
        assert any(needed in path for _, path in services), f"the clean run has no {needed}"
    chooser = random.Random(SEED)  # noqa: S311
    moments: dict[tuple[str, ...], list[Effect]] = {}
    for effect in effects:
        if effect.nth == 0:  # later ones may be left out: updates of a card coalesce
            moments.setdefault(effect.kind[1:], []).append(effect)
    cases = [
        (chosen := chooser.choice(each), chooser.choice(["kill_before", "kill_after"]), chooser.choice(chosen.ways))
        for each in moments.values()
    ]
    assert {slack for _, _, slack in cases} == {"socket", "http"}
    await _run_cases(tmp_path, cases, must_be_reached=True)


@pytest.mark.long
@pytest.mark.parametrize("slack", ["socket", "http"])
async def test_the_whole_matrix(tmp_path: Path, slack: str) -> None:
    async with sandbox(tmp_path / "clean", *SPEED, "--slack", slack) as workspace:
        effects = await clean_run(workspace)
    cases = [(effect, when, slack) for effect in effects for when in ("kill_before", "kill_after")]
    await _run_cases(tmp_path, cases, must_be_reached=False)


@pytest.mark.postgresql
async def test_the_effects_that_count_survive_a_kill_on_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    """A small sample: the sync and the card, each killed when it was done and nobody knew."""
    cases = [
        (Effect("approve-2", "argocd", "POST", r"/sync$", 0), "kill_after", "socket"),
        (Effect("promote", "slack", "POST", r"/chat\.postMessage$", 0), "kill_after", "http"),
    ]
    await _run_cases(tmp_path, cases, must_be_reached=True, cluster=cluster)


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.parametrize("slack", ["socket", "http"])
async def test_the_whole_matrix_on_postgresql(tmp_path: Path, cluster: Cluster, slack: str) -> None:
    database = ("--database", cluster.url(cluster.create()))
    async with sandbox(tmp_path / "clean", *SPEED, "--slack", slack, *database) as workspace:
        effects = await clean_run(workspace)
    cases = [(effect, when, slack) for effect in effects for when in ("kill_before", "kill_after")]
    await _run_cases(tmp_path, cases, must_be_reached=False, cluster=cluster)


async def _run_cases(
    tmp_path: Path, cases: list[tuple[Effect, str, str]], *, must_be_reached: bool, cluster: Cluster | None = None
) -> None:
    """On SQLite, or each in a database of its own."""
    turn = asyncio.Semaphore(2)
    failures: list[str] = []

    async def one(number: int, effect: Effect, when: str, slack: str) -> None:
        async with turn:
            try:
                database = ("--database", cluster.url(cluster.create())) if cluster else ()
                reached = await survive(tmp_path / f"case-{number}", effect, when, "--slack", slack, *database)
            except AssertionError as error:
                failures.append(f"{effect} {when} {slack}: {error}")
            else:
                if must_be_reached and not reached:
                    failures.append(f"{effect} {when} {slack}: the kill was never reached")

    async with asyncio.TaskGroup() as group:
        for number, case in enumerate(cases):
            group.create_task(one(number, *case))
    assert not failures, "\n".join(failures)
