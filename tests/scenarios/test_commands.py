"""What is typed: every misreading and every no is answered in words, and leaves nothing behind but an audit entry."""

from pathlib import Path

import pytest

from tests.scenarios.evidence import changes, effects, refused
from tests.scenarios.workspace import Refused, Workspace

MISREADINGS = (
    ("/promote apm-stak prod", "unknown-application", ("no application apm-stak", "Did you mean apm-stack", "Usage:")),
    ("/promote apm-stack prodd", "unknown-environment", ("no environment prodd", "prod or production?", "Usage:")),
    ("/promote apm-stack", "missing-argument", ("environment is missing", "Usage: promote", "For example")),
    ("/promote apm-stack prod now", "too-many-arguments", ("“now”", "Usage: promote")),
    ("/promote apm-stack prod --snyc", "unknown-flag", ("--snyc", "Did you mean --sync?")),
    ("/gitops promte apm-stack prod", "unknown-command", ("promte", "Did you mean promote", "/gitops help")),
    ("@tiphys promoted apm-stack prod", "unknown-command", ("promoted", "Did you mean promote")),
    ("/approve everything", "unknown-change", ("everything", "#42", "Usage: approve")),
    ("/approve #99", "no-such-change", ("no change #99", "/gitops status")),
    ("/abort #99", "no-such-change", ("no change #99", "/gitops status")),
    ("/reject #99 too risky", "no-such-change", ("no change #99", "/gitops status")),
    ("/reject #99", "missing-argument", ("reason is missing", "Usage: reject")),
)


async def test_what_cannot_be_read_is_answered_with_the_usage(workspace: Workspace) -> None:
    for text, slug, words in MISREADINGS:
        async with refused(workspace, "approver-1", slug, *words):
            await workspace.say("approver-1", text)
    assert await changes(workspace) == []


async def test_who_may_not_ask_is_told_why(workspace: Workspace) -> None:
    for user, slug, words in (
        ("guest", "not-a-member-guest", "guests may not act"),
        ("external", "not-a-member-external", "another workspace"),
        ("robot", "not-a-member-bot", "Bots may not act"),
        ("gone", "not-a-member-deactivated", "deactivated"),
    ):
        async with refused(workspace, user, slug, words):
            await workspace.say(user, "/promote apm-stack prod", force=user == "gone")
    async with refused(workspace, "robot", "not-a-member-bot", "Bots may not act"):
        await workspace.say("robot", "@tiphys promote apm-stack prod")
    await workspace.call("PATCH", "/api/users/guest", {"is_restricted": False})
    async with refused(
        workspace, "guest", "no-permission", "changes, promote, apm-stack/production", "role:developer"
    ) as refusal:
        await workspace.say("guest", "@tiphys promote apm-stack prod")
    [entry] = [entry for entry in refusal.entries if entry.outcome == "refused"]
    assert (entry.actor, entry.action) == ("U0GUEST", "asked.promote")
    async with refused(workspace, "developer", "no-permission", "changes, abort"):
        await workspace.say("developer", "/abort #99")
    assert await changes(workspace) == []


async def test_what_cannot_be_promoted_is_an_answer_and_no_pull_request(workspace: Workspace) -> None:
    async with refused(workspace, "developer", "follows-branch", "development follows branch main by itself"):
        await workspace.say("developer", "/promote apm-stack dev")
    await workspace.call("PATCH", "/api/slack", {"not_in_channel": "deployments"})
    async with refused(workspace, "developer", "not-in-channel", "not in #deployments", "/invite @tiphys"):
        await workspace.say("developer", "/promote apm-stack prod", channel="staging")
    await workspace.call("PATCH", "/api/slack", {"not_in_channel": None})
    overlays = Path("bot/sandbox/seed/apm/deployments/k8s/overlays")
    production = (overlays / "production/kustomization.yaml").read_text("utf-8")
    same = production.replace("2.14.0", "2.15.1").replace("0.108.0", "0.109.0")
    await workspace.commit({"deployments/k8s/overlays/production/kustomization.yaml": same})
    async with refused(workspace, "developer", "nothing-to-promote", "nothing to promote", "what staging runs"):
        await workspace.say("developer", "/promote apm-stack prod")
    assert await workspace.pulls() == []
    assert await workspace.cards() == []


async def test_a_second_request_finds_the_open_one(workspace: Workspace) -> None:
    await workspace.say("developer", "/promote apm-stack prod", channel="staging")
    assert "Its card is in #deployments" in await workspace.told("developer", "This is #1")
    card = await workspace.card_is("waiting for approval")
    await workspace.settle()
    before = len(await effects(workspace))
    await workspace.say("developer-2", "/gitops promote apm-stack production", channel="staging")
    told = await workspace.told("developer-2", "#1 is open already")
    assert "waiting for approval" in told
    assert "Its card is in #deployments" in told
    assert "PR #1" in told
    await workspace.say("approver-1", "@tiphys promote apm-stack prod", thread_ts=card.ts)
    await workspace.told("approver-1", "#1 is open already")
    await workspace.say("developer", "/gitops status apm-stack prod")
    assert "#1 is open: waiting for approval" in await workspace.told("developer", "apm-stack/production runs")
    await workspace.settle()
    assert len(await workspace.pulls()) == 1
    assert len(await workspace.cards()) == 1
    assert (await workspace.cards())[0].ts == card.ts
    assert len(await effects(workspace)) == before
    with pytest.raises(Refused, match="command_in_thread"):
        await workspace.say("developer", "/promote apm-stack prod", thread_ts=card.ts)


async def test_mentions_do_what_commands_do_also_in_a_thread(workspace: Workspace) -> None:
    said = await workspace.say("developer", "shall we ship staging?")
    await workspace.say("developer", "@tiphys promote apm-stack staging", thread_ts=said["ts"])
    assert "Its card is in #staging" in await workspace.told("developer", "I read: promote apm-stack to staging")
    card = await workspace.card_is("waiting for sync", channel="staging")
    assert "change.sync" in card.actions
    async with refused(workspace, "robot", "not-a-member-bot", "Bots may not act"):
        await workspace.click("robot", "change.sync", card)
    async with refused(workspace, "guest", "not-a-member-guest", "guests may not act"):
        await workspace.click("guest", "change.sync", card)
    await workspace.call("PATCH", "/api/users/guest", {"is_restricted": False})
    async with refused(workspace, "guest", "no-permission", "changes, sync, apm-stack/staging"):
        await workspace.click("guest", "change.sync", card)
    assert (await workspace.application("apm-stack-staging"))["operations"] == []
    await workspace.click("developer-2", "change.sync", card)
    await workspace.card_is("succeeded", channel="staging")
    await workspace.told("developer-2", "Syncing apm-stack → staging (#1)")
    assert any("developer-2 pressed Sync" in reply for reply in (await workspace.card("staging")).replies)
    assert len((await workspace.application("apm-stack-staging"))["operations"]) == 1
    async with refused(workspace, "developer", "finished", "It is over", "#1 is succeeded"):
        await workspace.click("developer", "change.sync", card, force=True)


async def test_sync_can_be_asked_for_in_advance_by_whom_may_sync(workspace: Workspace) -> None:
    config = (await workspace.call("GET", "/api/ready"))["paths"]["config"]
    text = Path(config).read_text("utf-8")
    only_promote = text.replace("    p, role:developer, changes, sync, */staging, allow\n", "")
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "stop"})
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start", "config": only_promote})
    async with refused(workspace, "developer", "no-permission", "changes, sync, apm-stack/staging", "role:release"):
        await workspace.say("developer", "/promote apm-stack staging --sync")
    await workspace.say("approver-1", "/promote apm-stack stg --sync")
    await workspace.told("approver-1", "promote apm-stack to staging, and sync it after the merge")
    await workspace.card_is("succeeded", channel="staging")
    assert [o["phase"] for o in (await workspace.application("apm-stack-staging"))["operations"]] == ["Succeeded"]


async def test_everybody_learns_what_he_is_and_may(workspace: Workspace) -> None:
    await workspace.say("developer", "/gitops whoami")
    told = await workspace.told("developer", "You are developer (U0DEV1), a member.")
    assert "Roles: role:developer" in told
    assert "apm-stack/staging: get, promote and sync" in told
    assert "apm-stack/production: get and promote" in told
    await workspace.say("approver-1", "@tiphys whoami")
    told = await workspace.told("approver-1", "You are approver-1 (U0APPR1)")
    assert "User groups: S0PLATFORM" in told
    assert "role:release" in told
    assert "approve, reject, abort" in told
    await workspace.say("guest", "/whoami")
    told = await workspace.told("guest", "You are guest (U0GUEST), a guest.")
    assert "Only members of this workspace may act" in told
    await workspace.say("guest", "/gitops help")
    told = await workspace.told("guest", "What you can type")
    for verb in ("abort", "approve", "help", "promote", "reject", "status", "whoami"):
        assert f"/gitops {verb}" in told
    await workspace.say("developer", "/gitops help promote")
    assert "--sync" in await workspace.told("developer", "promote <application> <environment>")
    await workspace.say("developer", "/gitops")
    await workspace.told("developer", "What you can type")
    await workspace.say("developer", "@tiphys status")
    await workspace.told("developer", "Nothing is open")
    for reserved in ("/status", "/help"):
        with pytest.raises(Refused, match="unknown_command"):
            await workspace.say("developer", reserved)
