"""Two replicas on one PostgreSQL: whoever gets a click, whoever dies, every change is merged once and synced once."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.postgresql import Cluster
from tests.scenarios import evidence
from tests.scenarios.conftest import sandbox
from tests.scenarios.guide import deploy_staging
from tests.scenarios.workspace import Message, Refused, Workspace

pytestmark = pytest.mark.postgresql

SEED = 20261129
EFFECTS = (
    {"service": "github", "method": "PUT", "path": "/merge$"},
    {"service": "github", "method": "POST", "path": "/pulls$"},
    {"service": "github", "method": "POST", "path": "/statuses/"},
    {"service": "git", "path": "git-receive-pack$"},
    {"service": "argocd", "method": "POST", "path": "/sync$"},
    {"service": "slack", "path": "/chat.postMessage$"},
    {"service": "slack", "path": "/chat.update$"},
)
PEOPLE = ("approver-1", "approver-2", "approver-3")
PATIENCE = 180.0  # a killed one starts while the other works, on a machine that may have other things to do


@pytest.fixture
async def replicas(request: pytest.FixtureRequest, tmp_path: Path, empty_postgresql: str) -> AsyncIterator[Workspace]:
    """Slack reaches them by sockets, or as the parameter says."""
    way = getattr(request, "param", "socket")
    options = ("--speed", "20", "--database", empty_postgresql, "--replicas", "2", "--slack", way)
    async with sandbox(tmp_path / "home", *options) as workspace:
        yield workspace


async def insist(deed: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    """What Slack gets no answer to, a person does again."""
    for _ in range(100):
        with contextlib.suppress(Refused):  # nobody is connected for a moment, or the button is gone meanwhile
            ack = (await deed())["ack"]
            if ack is not None and ack["status"] == 200:  # over HTTP one on its way up says 503
                return
        await asyncio.sleep(0.1)
    raise AssertionError("Slack never got an answer")


async def all_ready(workspace: Workspace) -> bool:
    return all(bot["ready"] for bot in (await workspace.call("GET", "/api/ready"))["bots"])


@dataclass(frozen=True, slots=True)
class Newest:
    """Of what earlier rounds left: the number of a request, the ts of a card."""

    request: int = 0
    card: str = ""


async def promote_once(
    workspace: Workspace, number: int, kill: dict[str, Any] | None, earlier: Newest, *, looks_back: bool = True
) -> Newest:
    """One round: asked twice at once, approved by everybody at once, once more each; `kill` ends who does that.

    `looks_back`: whether all cards are looked at in the end, and not this round's alone.
    """
    if number > 1:
        await deploy_staging(workspace, f"2.15.{number}")
    if kill is not None:
        await workspace.call("POST", "/api/faults", kill)
    people = ("developer", "developer-2")
    await asyncio.gather(*(insist(partial(workspace.say, who, "/promote apm-stack prod")) for who in people))

    async def opened() -> Message | None:
        cards = await workspace.cards(after=earlier.card)
        return cards[0] if [card.state for card in cards] == ["waiting for approval"] else None

    card = await workspace.until(opened, wants=f"card {number} waits for approval", patience=PATIENCE)
    approve = partial(workspace.click, action="change.approve", card=card, force=True)
    await asyncio.gather(*(insist(partial(approve, who)) for who in PEOPLE * 2))
    await workspace.card_is("succeeded", after=earlier.card, patience=PATIENCE)
    await workspace.end_faults()
    await workspace.until(lambda: all_ready(workspace), wants="both are up")
    return await assert_once_each(workspace, number, Newest() if looks_back else earlier, after=earlier.request)


async def assert_once_each(workspace: Workspace, rounds: int, earlier: Newest, *, after: int) -> Newest:
    """As many pull requests, syncs and cards as rounds, one merge since; no note twice, no act recorded twice."""
    assert await workspace.settle()
    pulls = await workspace.pulls()
    assert [pull["merged"] for pull in pulls] == [True] * rounds
    requests = await workspace.requests(after=after)  # the log keeps the newest alone
    merges = [r for r in requests if r["applied"] and r["method"] == "PUT" and r["path"].endswith("/merge")]
    assert len(merges) == 1
    operations = (await workspace.application("apm-stack-production"))["operations"]
    merged = [pull["merge_commit_sha"] for pull in sorted(pulls, key=lambda pull: pull["number"])]
    assert [(o["phase"], o["revision"]) for o in operations] == [("Succeeded", revision) for revision in merged]
    cards = await workspace.cards(after=earlier.card)
    assert len(cards) == len({card.change for card in cards}) == (1 if earlier.card else rounds)
    for card in cards:
        assert len(card.replies) == len(set(card.replies)), card.replies
    entries = [entry for entry in await evidence.audit(workspace) if entry.action.startswith("asked.")]
    answered = [entry.detail["request"] for entry in entries]
    assert len(answered) == len(set(answered)), "an act was worked off twice"
    return Newest(int(requests[-1]["n"]), cards[-1].ts)


@pytest.mark.parametrize("replicas", ["http", pytest.param("socket", marks=pytest.mark.long)], indirect=True)
async def test_two_replicas_merge_and_sync_once(replicas: Workspace) -> None:
    """Clicks race on both; in the second round whoever merges is killed before anybody knows."""
    ready = await replicas.call("GET", "/api/ready")
    assert [bot["name"] for bot in ready["bots"]] == ["bot-1", "bot-2"]
    assert len(set(ready["urls"]["bots"])) == 2
    newest = await promote_once(replicas, 1, None, Newest())
    await promote_once(replicas, 2, {**EFFECTS[0], "do": "kill_after", "times": 1}, newest)
    asked = {request["bot"] for request in await replicas.requests() if request["bot"]}
    assert asked == {"bot-1", "bot-2"}, "one of them did nothing"


@pytest.mark.long
@pytest.mark.parametrize("replicas", ["socket", "http"], indirect=True)
async def test_two_hundred_rounds_with_a_kill_in_a_third_of_them(replicas: Workspace) -> None:
    """Every round looks at all that database and servers hold, and at its own card; every twentieth at all cards."""
    chooser, newest = random.Random(SEED), Newest()  # noqa: S311
    for number in range(1, 201):
        kill = None
        if number % 3 == 0:
            kill = {**chooser.choice(EFFECTS), "do": chooser.choice(["kill_before", "kill_after"]), "times": 1}
        newest = await promote_once(replicas, number, kill, newest, looks_back=number % 20 == 0)


async def test_a_stopped_replica_hands_back_and_a_dead_one_is_taken_over(replicas: Workspace) -> None:
    """Who merges gets no answer: stopped, it lets the other one try at once; killed, its lease ends by itself."""
    await replicas.say("developer", "/promote apm-stack prod")
    card = await replicas.card_is("waiting for approval")
    await replicas.fault("github", "timeout", method="PUT", path="/merge$", seconds=60)
    for who in PEOPLE[:2]:
        await insist(partial(replicas.click, who, "change.approve", card))
    stopped = await who_merges(replicas)
    await replicas.call("POST", "/api/bots", {"bot": stopped, "do": "stop"})
    killed = await who_merges(replicas, but=stopped)
    leased = await evidence.rows(replicas, "SELECT leased_by FROM changes WHERE leased_by IS NOT NULL")
    assert len(leased) == 1
    await replicas.call("POST", "/api/bots", {"bot": killed, "do": "kill"})
    assert await evidence.rows(replicas, "SELECT leased_by FROM changes WHERE leased_by IS NOT NULL") == leased
    await replicas.end_faults()
    await replicas.call("POST", "/api/bots", {"bot": stopped, "do": "start"})
    await replicas.card_is("succeeded")
    assert await replicas.settle(), "one that is down does not keep the other from telling"
    [pull] = await replicas.pulls()
    assert pull["merged"]
    assert len((await replicas.application("apm-stack-production"))["operations"]) == 1


async def who_merges(workspace: Workspace, *, but: str = "") -> str:
    async def asked() -> str | None:
        found = [r["bot"] for r in await workspace.requests(service="github") if r["path"].endswith("/merge")]
        return next((bot for bot in found if bot != but), None)

    return str(await workspace.until(asked, wants="somebody merges"))


async def test_postgresql_restarts_under_the_bots(tmp_path: Path, cluster: Cluster, empty_postgresql: str) -> None:
    """While it is away `/readyz` says so and acts are refused in words; afterwards everything goes on by itself."""
    options = ("--speed", "20", "--database", empty_postgresql, "--replicas", "2")
    async with sandbox(tmp_path / "home", *options) as workspace:
        await workspace.say("developer", "/promote apm-stack prod")
        card = await workspace.card_is("waiting for approval")
        cluster.stop()
        try:
            clicked = await workspace.click("approver-1", "change.approve", card)
            assert clicked["ack"] is not None
            await workspace.told("approver-1", "That could not be recorded, so nothing has happened.")

            async def said() -> bool:
                seen = [await _readyz(url) for url in (await workspace.call("GET", "/api/ready"))["urls"]["bots"]]
                return all(not found["ready"] and "database: " in found["problems"][0] for found in seen)

            await workspace.until(said, wants="both say that their database is away")
            assert not await workspace.settle(timeout=0)
        finally:
            cluster.start()
        await workspace.until(lambda: all_ready(workspace), wants="both are ready again")
        for who in PEOPLE[:2]:
            await insist(partial(workspace.click, who, "change.approve", card))
        await workspace.card_is("succeeded")
        assert await workspace.settle()
        [pull] = await workspace.pulls()
        assert pull["merged"]


async def _readyz(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False) as client:
        found: dict[str, Any] = (await client.get(f"{url}/readyz")).json()
        return found
