"""Who says yes: looked up at the moment of the click and again at the merge; what cannot be verified is never a yes."""

import json
from pathlib import Path

from bot.sandbox.surroundings import seeded_configuration
from tests.scenarios.conftest import Start
from tests.scenarios.evidence import audit, changes, effects, refused
from tests.scenarios.workspace import Message, Workspace

RIGHT = "changes, approve, apm-stack/production"
SPEED = ("--speed", "10")


async def counts(workspace: Workspace, count: str) -> Message:
    """Wait until the card says how many approvals count."""

    async def look() -> Message | None:
        card = await workspace.card()
        return card if f"approvals {count}" in card.plain else None

    found: Message = await workspace.until(look, wants=f"a card with {count} approvals")
    return found


def configured(tmp_path: Path, *replaced: tuple[str, str]) -> tuple[str, ...]:
    """Options for the seeded configuration with pieces of it replaced."""
    text = seeded_configuration()
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "other.yaml"
    file.write_text(text, "utf-8")
    return (*SPEED, "--config", str(file))


def entry_of(name: str, user: str) -> str:
    """A person's line of `people:`."""
    return f"  {name}: {{slack: [{user}], github: [{name}], argocd: [{name}], emails: [{name}@example.com]}}\n"


async def test_whose_yes_does_not_count(workspace: Workspace) -> None:
    card = await workspace.propose()
    for user, slug, words in (
        ("developer", "own-change", "You asked for #1 yourself"),
        ("developer-2", "no-permission", RIGHT),
        ("guest", "not-a-member-guest", "guests may not act"),
        ("external", "not-a-member-external", "another workspace"),
        ("robot", "not-a-member-bot", "Bots may not act"),
        ("gone", "not-a-member-deactivated", "deactivated"),
    ):
        async with refused(workspace, user, slug, words) as refusal:
            await workspace.click(user, "change.approve", card, force=user == "gone")
        [entry] = [entry for entry in refusal.entries if entry.outcome == "refused"]
        assert (entry.action, entry.change) == ("asked.approve", card.change)
        async with refused(workspace, user, slug, words):
            await workspace.say(user, "/approve #1", force=user == "gone")
    for user, slug, words in (
        ("developer-2", "no-permission", "changes, reject, apm-stack/production"),
        ("guest", "not-a-member-guest", "guests may not act"),
    ):
        async with refused(workspace, user, slug, words):
            await workspace.click(user, "change.reject", card)
        async with refused(workspace, user, slug, words):
            await workspace.say(user, "/reject #1 I do not like it")
    assert await workspace.views("developer") == []
    async with refused(workspace, "external", "not-a-member-external", "another workspace"):
        await workspace.click("external", "change.details", card)
    assert (await workspace.card()).state == "waiting for approval"


async def test_an_unreachable_directory_is_never_a_yes(workspace: Workspace) -> None:
    card = await workspace.propose()
    for trouble in ({"do": "status", "status": 500}, {"do": "timeout", "seconds": 1}, {"do": "html", "status": 502}):
        await workspace.call("POST", "/api/faults", {"service": "slack", "path": "users.info", **trouble})
        async with refused(workspace, "approver-1", "cannot-verify", "cannot verify who you are", "Try again"):
            await workspace.click("approver-1", "change.approve", card)
        await workspace.end_faults()
    await workspace.fault("slack", "status", path="usergroups.users.list", status=500)
    async with refused(workspace, "approver-1", "cannot-verify", "cannot verify your user groups"):
        await workspace.click("approver-1", "change.approve", card)
    await workspace.end_faults()
    await workspace.call("PATCH", "/api/slack", {"plan_upgrade_required": True})
    async with refused(workspace, "approver-1", "cannot-verify", "plan has no user groups", "name people by id"):
        await workspace.click("approver-1", "change.approve", card)
    await workspace.say("approver-1", "/whoami")
    assert "plan has no user groups" in await workspace.told("approver-1", "Cannot verify")
    await workspace.click("admin", "change.hold", card)  # by his own id: no user group is needed
    await workspace.card_is("held")
    await workspace.call("PATCH", "/api/slack", {"plan_upgrade_required": False})
    fingerprint = json.loads(card.data["buttons"][0]["value"])["fingerprint"]
    for user in ("approver-1", "approver-2"):
        await workspace.say(user, f"/approve #1 {fingerprint[:6]}")
    await counts(workspace, "2 of 2")
    await workspace.fault("slack", "timeout", path="users.info", seconds=3)
    async with refused(workspace, "admin", "cannot-verify", "cannot verify"):
        await workspace.click("admin", "change.hold", card)
    assert [pull["merged"] for pull in await workspace.pulls()] == [False]


async def written(workspace: Workspace) -> list[str]:
    """The effects but for the status of the approval, which may be told anew as gates open and close."""
    return [effect for effect in await effects(workspace) if "/statuses/" not in effect]


async def test_nothing_merges_while_the_approvers_cannot_be_looked_up(workspace: Workspace) -> None:
    card = await workspace.propose()
    [pull] = await workspace.pulls()
    await workspace.github("status", number=pull["number"], context="ci/build", state="pending")
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("waiting for checks")
    await workspace.settle()  # the status that says so, too
    await workspace.fault("slack", "status", path="users.info", status=500)
    before = await written(workspace)
    await workspace.github("status", number=pull["number"], context="ci/build", state="success")

    async def unverified() -> bool:
        return "cannot be verified" in (await workspace.card()).plain

    await workspace.until(unverified, wants="the card says that the approvers cannot be verified")
    steps = len(await audit(workspace))
    await workspace.settle()
    assert len(await audit(workspace)) - steps < 20, "it goes round and round"
    assert await written(workspace) == before
    assert [p["merged"] for p in await workspace.pulls()] == [False]
    await workspace.end_faults()
    await workspace.card_is("succeeded")
    assert (await workspace.card()).ts == card.ts


async def test_who_leaves_after_his_yes_no_longer_counts_at_the_merge(workspace: Workspace) -> None:
    await workspace.propose()
    await workspace.approve("approver-1")
    await counts(workspace, "1 of 2")
    await workspace.call("PATCH", "/api/usergroups/platform-team", {"users": ["approver-2", "approver-3"]})
    await workspace.approve("approver-2")
    await workspace.thread_says("An approval no longer counts")
    card = await workspace.card_is("waiting for approval")
    assert "does not count: @approver-1 (lacks the right changes, approve on apm-stack/production)" in card.plain
    await workspace.call("PATCH", "/api/users/approver-2", {"deleted": True})
    await workspace.approve("approver-3")

    async def told() -> bool:
        return "does not count: @approver-2 (is not a member here" in (await workspace.card()).plain

    await workspace.until(told, wants="the deactivated approver is named")
    await workspace.card_is("waiting for approval")
    assert [pull["merged"] for pull in await workspace.pulls()] == [False]
    await workspace.call("PATCH", "/api/usergroups/platform-team", {"users": ["approver-1", "approver-3"]})
    await workspace.card_is("succeeded")  # his yes counts again without being given again


async def test_one_person_with_two_ids_is_one(start: Start, tmp_path: Path) -> None:
    """`developer` has a second id that is an approver's, and two of the approvers are one person."""
    second = ("developer: {slack: [U0DEV1]", "developer: {slack: [U0DEV1, U0APPR3]")
    gone = (entry_of("approver-3", "U0APPR3"), "")
    twin = ("approver-1: {slack: [U0APPR1]", "approver-1: {slack: [U0APPR1, U0ADMIN]")
    alone = (entry_of("admin", "U0ADMIN"), "")
    also = ("from: [role:release]", "from: [role:release, U0ADMIN]")
    workspace = await start(*configured(tmp_path, second, gone, twin, alone, also))
    card = await workspace.propose()
    async with refused(workspace, "approver-3", "own-change", "You asked for #1 yourself"):
        await workspace.click("approver-3", "change.approve", card)
    await workspace.approve("approver-1")
    await counts(workspace, "1 of 2")
    async with refused(workspace, "admin", "already", "approved #1 already"):
        await workspace.click("admin", "change.approve", card)
    async with refused(workspace, "developer-2", "no-permission", "changes, abort"):
        await workspace.click("developer-2", "change.abort", card)
    await workspace.click("approver-3", "change.abort", card)  # his own change, whichever of his ids
    await workspace.card_is("aborted")


async def test_an_approver_has_the_right_and_is_named(start: Start, tmp_path: Path) -> None:
    """`role:release` has the right; `approvals.from` names people, one of them without it."""
    named = ("from: [role:release]", "from: [U0APPR1, U0APPR2, U0DEV2]")
    workspace = await start(*configured(tmp_path, named))
    card = await workspace.propose()
    async with refused(workspace, "approver-3", "no-approver", "would not count", "U0APPR1, U0APPR2 and U0DEV2"):
        await workspace.click("approver-3", "change.approve", card)
    async with refused(workspace, "admin", "no-approver", "would not count"):
        await workspace.click("admin", "change.approve", card)
    async with refused(workspace, "developer-2", "no-permission", RIGHT):
        await workspace.click("developer-2", "change.approve", card)
    assert [row[2] for row in await changes(workspace)] == [None]
    await workspace.approve("approver-1", "approver-2")
    await workspace.card_is("succeeded")
