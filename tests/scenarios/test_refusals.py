"""Late, repeated and tampered clicks, and deliveries that come twice: a private reason, an audit entry, no effect."""

import json
from pathlib import Path
from typing import Any

from bot.sandbox.surroundings import seeded_configuration
from tests.scenarios.conftest import Start
from tests.scenarios.evidence import acts, audit, changes, effects, refused
from tests.scenarios.guide import deploy_staging
from tests.scenarios.workspace import Message, Workspace

NOBODYS = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def fingerprint_of(card: Message) -> str:
    value = next(b["value"] for b in card.data["buttons"] if b["action_id"] == "change.approve")
    return str(json.loads(value)["fingerprint"])


def value(change: str, fingerprint: str) -> str:
    return json.dumps({"change": change, "fingerprint": fingerprint})


async def deliveries(workspace: Workspace, kind: str) -> list[dict[str, Any]]:
    found = (await workspace.call("GET", "/api/deliveries"))["deliveries"]
    return [delivery for delivery in found if delivery["kind"] == kind]


async def test_a_tampered_or_repeated_click_does_nothing(workspace: Workspace) -> None:
    card = await workspace.propose()
    change, fingerprint = card.change or "", fingerprint_of(card)
    other = "0" * 64
    for tampered, slug, words in (
        ("yes please", "unknown-button", "no longer known"),
        ("{", "unknown-button", "no longer known"),
        ('{"change": 1}', "unknown-button", "no longer known"),
        ('{"change": "' + '{"a":' * 60, "unknown-button", "no longer known"),
        (f"change.approve|{change}", "stale", "has changed since you saw it"),
        (value(NOBODYS, fingerprint), "no-such-change", "/gitops status"),
        (value(change, other), "stale", "has changed since you saw it"),
        (value(change, ""), "stale", "has changed since you saw it"),
        (value(change, fingerprint[:5]), "stale", "has changed since you saw it"),
    ):
        async with refused(workspace, "approver-1", slug, words):
            await workspace.click("approver-1", "change.approve", card, value=tampered)
    await workspace.approve("approver-1")
    await workspace.told("approver-1", "counts: 1 of 2")
    async with refused(workspace, "approver-1", "already", "You have approved #1 already"):
        await workspace.click("approver-1", "change.approve", card)
    assert len(await changes(workspace)) == 1
    assert (await workspace.card_is("waiting for approval")).ts == card.ts


async def test_a_typed_approval_names_what_was_seen(workspace: Workspace) -> None:
    card = await workspace.propose()
    fingerprint = fingerprint_of(card)
    wrong = ("0" if fingerprint[0] != "0" else "1") * 6
    async with refused(workspace, "approver-1", "stale", "has changed since you saw it"):
        await workspace.say("approver-1", f"/approve #1 {wrong}")
    async with refused(workspace, "approver-1", "no-fingerprint", "first 6 characters", "/gitops approve #1"):
        await workspace.say("approver-1", f"@tiphys approve #1 {fingerprint[:5]}")
    await workspace.say("approver-1", f"/approve #1 {fingerprint[:6]}")
    await workspace.told("approver-1", "counts: 1 of 2")
    await workspace.settle()

    await workspace.say("approver-2", "/approve 1 abc")  # too short names nothing: the summary opens instead
    [view] = await workspace.until(lambda: workspace.views("approver-2"), wants="the summary opens")
    for words in ("apm-stack", "production", "2.14.0 → 2.15.1", fingerprint[:12], "1 of 2"):
        assert words in view["plain"]
    assert (await workspace.card()).state == "waiting for approval"
    await workspace.submit("approver-2", view["view_id"], {})
    await workspace.told("approver-2", "counts: 2 of 2")
    await workspace.card_is("succeeded")
    async with refused(workspace, "approver-3", "finished", "It is over", "#1 is succeeded"):
        await workspace.say("approver-3", "/approve #1")
    async with refused(workspace, "approver-3", "finished", "It is over", "#1 is succeeded"):
        await workspace.click("approver-3", "change.approve", card, force=True)
    async with refused(workspace, "developer", "finished", "#1 is succeeded"):
        await workspace.say("developer", "/abort #1")


async def test_what_was_rejected_stays_rejected(workspace: Workspace) -> None:
    card = await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.say("approver-2", "/reject #1 the migration is not reviewed")
    await workspace.card_is("rejected")
    for user, action in (
        ("approver-3", "change.approve"), ("approver-3", "change.reject"), ("developer", "change.abort"),
        ("admin", "change.hold"),
    ):  # fmt: skip
        async with refused(workspace, user, "finished", "It is over", "rejected", "the migration is not reviewed"):
            await workspace.click(user, action, card, force=True)
    [pull] = await workspace.pulls()
    assert (pull["state"], pull["merged"]) == ("closed", False)
    assert pull["statuses"]["tiphys/approval"]["state"] == "failure"


async def test_a_newer_source_takes_over(workspace: Workspace) -> None:
    old = await workspace.propose()
    await workspace.approve("approver-1")
    await deploy_staging(workspace, "2.15.2")
    await workspace.say("developer-2", "/promote apm-stack prod")
    await workspace.told("developer-2", "This is #2")

    async def asked_again() -> Message | None:
        card = await workspace.card()
        return card if card.change != old.change and card.state == "waiting for approval" else None

    new: Message = await workspace.until(asked_again, wants="a card of its own for the newer source")
    assert "2.15.2" in new.plain
    first, _ = await workspace.cards()
    assert first.state == "superseded"
    async with refused(workspace, "approver-2", "finished", "#1 is superseded", "newer promotion"):
        await workspace.click("approver-2", "change.approve", old, force=True)
    async with refused(workspace, "approver-2", "stale", "#2 has changed since you saw it"):
        await workspace.click("approver-2", "change.approve", new, value=value(new.change or "", fingerprint_of(old)))
    assert [(pull["number"], pull["state"]) for pull in await workspace.pulls()] == [(1, "closed"), (2, "open")]


async def test_what_nobody_decided_is_expired(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "hasty.yaml"
    file.write_text(seeded_configuration().replace("expire: 30m", "expire: 5s"), "utf-8")
    workspace = await start("--speed", "10", "--config", str(file))
    card = await workspace.propose()
    await workspace.approve("approver-1")
    ended = await workspace.card_is("expired")
    assert "/gitops promote apm-stack production" in ended.plain
    async with refused(workspace, "approver-2", "finished", "#1 is expired", "nobody decided in time"):
        await workspace.click("approver-2", "change.approve", card, force=True)
    assert [(pull["state"], pull["merged"]) for pull in await workspace.pulls()] == [("closed", False)]


async def test_what_was_seen_before_a_rebuild_counts_no_more(workspace: Workspace) -> None:
    card = await workspace.propose()
    stale = fingerprint_of(card)
    await workspace.approve("approver-1")
    await workspace.told("approver-1", "counts: 1 of 2")
    production = Path("bot/sandbox/seed/apm/deployments/k8s/overlays/production/kustomization.yaml").read_text("utf-8")
    path = "deployments/k8s/overlays/production/kustomization.yaml"
    await workspace.commit({path: production.replace("count: 6", "count: 7")})
    await workspace.thread_says("Approvals no longer count")

    async def anew() -> Message | None:
        newest = await workspace.card()
        return newest if newest.state == "waiting for approval" and fingerprint_of(newest) != stale else None

    newest: Message = await workspace.until(anew, wants="it asks again, for something else")
    assert "approvals 0 of 2" in newest.plain
    async with refused(workspace, "approver-2", "stale", "#1 has changed since you saw it", "decide again"):
        await workspace.click("approver-2", "change.approve", newest, value=value(card.change or "", stale))
    async with refused(workspace, "approver-2", "stale", "#1 has changed since you saw it"):
        await workspace.say("approver-2", f"/approve #1 {stale[:6]}")


async def test_a_delivery_that_comes_twice_is_one_act(workspace: Workspace) -> None:
    card = await workspace.propose()
    await workspace.say("developer", "/promote apm-stak prod")
    opened = await workspace.click("approver-1", "change.reject", card)
    await workspace.approve("approver-2")
    await workspace.told("approver-2", "counts: 1 of 2")
    await workspace.say("developer-2", "@tiphys status")
    await workspace.told("developer-2", "1 open change")
    await workspace.submit("approver-1", opened["view_id"], {"Why?": "not today"})
    await workspace.card_is("rejected")
    await workspace.say("developer", "/promote apm-stack prod")
    await workspace.card_is("waiting for approval")

    async def traces() -> list[Any]:
        await workspace.settle()
        answered = [await workspace.ephemerals(user) for user in ("developer-2", "approver-1", "approver-2")]
        replies = [card.replies for card in await workspace.cards()]
        views = [len(await workspace.views(user)) for user in ("approver-1", "approver-2")]
        return [
            await acts(workspace), len(await audit(workspace)), await changes(workspace), await effects(workspace),
            answered, replies, views, len(await workspace.pulls()),
        ]  # fmt: skip

    before = await traces()
    for kind, number in (("command", 3), ("mention", 1), ("click", 2), ("submit", 1)):
        done = await deliveries(workspace, kind)
        assert len(done) == number
        for delivery in done:
            again = await workspace.call("POST", "/api/replay", {"delivery_id": delivery["id"]})
            assert again["status"] == delivery["status"] == 200
    misread = (await deliveries(workspace, "command"))[1]
    again = await workspace.call("POST", "/api/replay", {"delivery_id": misread["id"]})
    assert "no application apm-stak" in again["ack"]["plain"]
    assert await traces() == before
    assert [card.state for card in await workspace.cards()] == ["rejected", "waiting for approval"]
