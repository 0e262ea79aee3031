"""Several promotions at the same time: of one stage there is ever one, of two stages in one repository both finish."""

import asyncio

from tests.scenarios.guide import branches
from tests.scenarios.workspace import Workspace


async def staging_is_merged(workspace: Workspace) -> str:
    """Staging needs no approvals: it is merged at once, and then waits for [Sync]."""
    card = await workspace.card_is("waiting for sync", channel="staging")
    assert "change.sync" in card.actions
    pull = next(p for p in await workspace.pulls() if p["title"].endswith("to staging"))
    assert pull["merged"]
    return str(pull["merge_commit_sha"])


async def revisions(workspace: Workspace, application: str) -> list[tuple[str, str]]:
    return [(o["phase"], o["revision"]) for o in (await workspace.application(application))["operations"]]


async def test_two_promotions_in_one_repository_both_finish(workspace: Workspace) -> None:
    """Each moves the base under the other, in files that the other does not read."""
    await workspace.propose()
    await workspace.say("developer-2", "/promote apm-stack staging", channel="staging")
    staging = await staging_is_merged(workspace)
    await workspace.approve("approver-1", "approver-2")
    await workspace.click("developer-2", "change.sync", await workspace.card("staging"))
    card = await workspace.card_is("succeeded")
    await workspace.card_is("succeeded", channel="staging")
    assert not [reply for reply in card.replies if "no longer count" in reply]

    production = next(p for p in await workspace.pulls() if p["title"].endswith("to production"))
    assert production["merged"]
    assert await revisions(workspace, "apm-stack-staging") == [("Succeeded", staging)]
    assert await revisions(workspace, "apm-stack-production") == [("Succeeded", production["merge_commit_sha"])]
    images = (await workspace.application("apm-stack-production"))["images"]
    assert "example/apm-api:2.15.1" in images, "what staging ran when it was asked, not what it runs since"
    assert set(await branches(workspace)) == {"main"}


async def test_one_stage_has_one_promotion(workspace: Workspace) -> None:
    """Asked by three people at once, and again: one change, one pull request, and everybody is led to its card."""
    people = ("developer", "developer-2", "approver-3")
    await asyncio.gather(*(workspace.say(user, "/promote apm-stack prod") for user in people))
    await workspace.card_is("waiting for approval")
    assert await workspace.settle()
    answers = [(await workspace.ephemerals(user))[-1] for user in people]
    assert sorted("is open already" in answer for answer in answers) == [False, True, True], answers
    assert len(await workspace.cards()) == 1
    assert len(await workspace.pulls()) == 1

    await workspace.say("developer-2", "/promote apm-stack prod", channel="staging")
    await workspace.told("developer-2", "Its card is in")
    assert len(await workspace.pulls()) == 1

    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("succeeded")
    await workspace.say("developer", "/promote apm-stack prod")
    await workspace.told("developer", "nothing to promote")
    assert len(await workspace.pulls()) == 1
