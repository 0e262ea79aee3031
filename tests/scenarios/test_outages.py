"""Argo CD, GitHub, Git or Slack give no proper answer for a while: the change waits, says for what, and completes."""

import itertools
import random
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import sandbox
from tests.scenarios.workspace import Workspace

SEED = 20261124
MOMENTS = ("promote", "approve-1", "approve-2")
NAMES = {"argocd": "Argo CD", "github": "GitHub", "git": "Git", "slack": "Slack"}
TROUBLES: dict[str, dict[str, Any]] = {
    "500": {"do": "status", "status": 500},
    "503": {"do": "status", "status": 503},
    "429": {"do": "status", "status": 429, "headers": {"Retry-After": "1"}},
    "html": {"do": "html", "status": 502},
    "reset": {"do": "reset"},
    "timeout": {"do": "timeout", "seconds": 1},
}
Plan = tuple[tuple[str, str], ...]  # for each moment: which service has which trouble


def sample() -> list[Plan]:
    """Every service three times, every trouble twice, three to a world."""
    troubles = list(TROUBLES) * 2
    chooser = random.Random(SEED)  # noqa: S311
    chooser.shuffle(troubles)
    pairs = list(zip(list(NAMES) * 3, troubles, strict=True))
    return [tuple(pairs[at : at + len(MOMENTS)]) for at in range(0, len(pairs), len(MOMENTS))]


def whole() -> list[Plan]:
    """Every trouble of every service at every moment."""
    return [
        tuple(pair if moment == at else ("", "") for at in MOMENTS)
        for pair in itertools.product(NAMES, TROUBLES)
        for moment in MOMENTS
    ]


async def act(workspace: Workspace, moment: str) -> None:
    match moment:
        case "promote":
            assert (await workspace.say("developer", "/promote apm-stack prod"))["ack"] is not None
        case "approve-1":
            assert (await workspace.click("approver-1", "change.approve", await workspace.card()))["ack"] is not None
        case _:
            assert (await workspace.click("approver-2", "change.approve", await workspace.card()))["ack"] is not None


async def settled(workspace: Workspace, moment: str) -> None:
    match moment:
        case "promote":
            await workspace.card_is("waiting for approval")
        case "approve-1":
            await workspace.thread_says("1 of 2")
        case _:
            await workspace.card_is("succeeded")


async def says_what_it_waits_for(workspace: Workspace, service: str, since: int) -> None:
    """The trouble was met; and where Slack can show anything, somebody reads what is waited for."""

    async def met() -> bool:
        asked = await workspace.requests(service=service, after=since)
        return sum(not r["applied"] for r in asked if r["bot"] is not None) >= 2

    async def told() -> bool:
        words = f"aiting for {NAMES[service]}"
        cards = [card.plain for card in await workspace.cards()]
        return any(words in text for text in [*cards, *await workspace.ephemerals("developer")])

    await workspace.until(met, wants=f"the trouble of {service} is met")
    if service != "slack":
        await workspace.until(told, wants=f"somebody is told that {NAMES[service]} gives no answer")


async def endure(home: Path, plan: Plan) -> None:
    async with sandbox(home, "--speed", "20") as workspace:
        for moment, (service, trouble) in zip(MOMENTS, plan, strict=True):
            since = (await workspace.requests())[-1]["n"]
            if service == "slack":  # who cannot be looked up is refused at once: see test_identity
                await workspace.fault(service, path=r"^/(api/chat|commands|actions)", **TROUBLES[trouble])
            elif service:
                await workspace.fault(service, **TROUBLES[trouble])
            await act(workspace, moment)
            if service and not (moment == "approve-1" and service in ("github", "git", "argocd")):
                await says_what_it_waits_for(workspace, service, since)
            await workspace.end_faults()
            await settled(workspace, moment)
        [pull] = await workspace.pulls()
        assert pull["merged"]
        operations = (await workspace.application("apm-stack-production"))["operations"]
        assert [o["revision"] for o in operations] == [pull["merge_commit_sha"]]
        assert len(await workspace.cards()) == 1


@pytest.mark.parametrize("plan", sample(), ids=lambda plan: "+".join(f"{s}-{t}" for s, t in plan))
async def test_an_outage_is_waited_out(tmp_path: Path, plan: Plan) -> None:
    await endure(tmp_path / "home", plan)


@pytest.mark.long
@pytest.mark.parametrize("plan", whole(), ids=lambda plan: "+".join(f"{s}-{t}" for s, t in plan))
async def test_every_outage_at_every_moment(tmp_path: Path, plan: Plan) -> None:
    await endure(tmp_path / "home", plan)
