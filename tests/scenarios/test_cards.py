"""The card's life: what its buttons open and do, that it comes back, and whom it calls."""

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.evidence import audit, effects, mentioned, refused
from tests.scenarios.guide import branches
from tests.scenarios.workspace import Refused, Workspace

HOSTILE = "<!channel> <!here> @everyone <@U0ADMIN> <https://evil.example|PR #1> *`_~ [x](https://evil.example) & done"


async def view_of(workspace: Workspace, user: str, clicked: dict[str, Any]) -> dict[str, Any]:
    found = await workspace.views(user)
    view: dict[str, Any] = next(view for view in found if view["view_id"] == clicked["view_id"])
    return view


async def test_dialogs_show_what_would_happen(workspace: Workspace) -> None:
    card = await workspace.propose()
    assert card.text.startswith("apm-stack → production: waiting for approval ·")
    assert card.actions == {
        "change.approve", "change.reject", "change.diff", "change.hold", "change.abort", "change.why", "change.details"
    }  # fmt: skip
    confirm = next(b["confirm"] for b in card.data["buttons"] if b["action_id"] == "change.approve")
    for words in ("apm-stack", "production", "revision"):
        assert words in confirm["text"]
    async with refused(workspace, "developer-2", "no-permission", "changes, approve, apm-stack/production"):
        await workspace.click("developer-2", "change.approve", card)

    diff = await view_of(workspace, "developer-2", await workspace.click("developer-2", "change.diff", card))
    assert "-  newTag: 2.14.0\n" in diff["plain"]
    assert "+  newTag: 2.15.1\n" in diff["plain"]
    details = await view_of(workspace, "developer-2", await workspace.click("developer-2", "change.details", card))
    for words in ("promotion commit", "fingerprint", "back to", "staging is Healthy", "@developer promote", "refused"):
        assert words in details["plain"]
    await workspace.click("developer-2", "change.why", card)
    told = await workspace.told("developer-2", "#1 apm-stack → production: waiting for approval")
    assert "⏳ approvals: needs 2 more approvals, 0 of 2" in told
    await workspace.approve("approver-1", "approver-2")
    ended = await workspace.card_is("succeeded")
    assert ended.actions == {"change.details"}
    assert ended.ts == card.ts
    details = await view_of(workspace, "developer", await workspace.click("developer", "change.details", ended))
    assert "@approver-1 approve: Your approval" in details["plain"]


async def test_a_rejection_needs_a_reason_which_stays_text(workspace: Workspace) -> None:
    card = await workspace.propose()
    opened = await workspace.click("approver-1", "change.reject", card)
    view = await view_of(workspace, "approver-1", opened)
    assert view["inputs"][0]["label"] == "Why?"
    with pytest.raises(Refused, match="must be filled in"):  # Slack does not let it go at all
        await workspace.submit("approver-1", view["view_id"], {"Why?": ""})
    answer = await workspace.submit("approver-1", view["view_id"], {"Why?": "   \n "})
    assert answer["response_action"] == "errors"
    assert answer["errors"] == {"reason": "Say why, so that everybody can read it."}
    assert (await workspace.card()).state == "waiting for approval"
    assert [e.slug for e in await audit(workspace) if e.action == "received.submission"] == ["no-reason"]
    await workspace.submit("approver-1", view["view_id"], {"Why?": HOSTILE})
    card = await workspace.card_is("rejected")
    assert "<!channel> <!here> @everyone" in card.plain
    assert "apm-stack → production · rejected by approver-1: <!channel>" in card.plain
    await workspace.settle()
    messages = [card.data, *card.data["replies"]]
    pinged = {who for message in messages for who in mentioned([message["text"], message["blocks"]])}
    assert pinged <= {"U0DEV1", "U0APPR1", "S0PLATFORM"}
    assert not any("evil.example" in link for message in messages for link in links(message["blocks"]))
    assert all("<https://evil" not in message["text"] for message in messages)
    [pull] = await workspace.pulls()
    assert pull["state"] == "closed"
    comments = [r["body"]["body"] for r in await workspace.requests(service="github") if "/comments" in r["path"]
                and r["method"] == "POST"]  # fmt: skip
    assert len(comments) == 1
    assert "rejected. rejected" not in comments[0]
    assert "@everyone" not in comments[0].replace("@\u200b", "")
    assert "](https" not in comments[0]


async def test_hold_lift_and_abort(workspace: Workspace) -> None:
    card = await workspace.propose()
    for action in ("change.hold", "change.abort"):
        async with refused(workspace, "developer-2", "no-permission", "changes, abort, apm-stack/production"):
            await workspace.click("developer-2", action, card)
    await workspace.click("approver-3", "change.hold", card)
    held = await workspace.card_is("held")
    assert "held by approver-3" in held.text
    await workspace.thread_says("approver-3 holds it.")
    await workspace.told("approver-3", "#1 is held")
    [lift] = [b for b in held.data["buttons"] if b["action_id"] == "change.hold"]
    assert lift["label"] == "Lift the hold"
    await workspace.click("developer", "change.hold", held)  # his own change
    await workspace.card_is("waiting for approval")
    await workspace.thread_says("developer lifted the hold.")
    assert next(b["confirm"] for b in card.data["buttons"] if b["action_id"] == "change.abort")["style"] == "danger"
    await workspace.click("developer", "change.abort", card)
    card = await workspace.card_is("aborted")
    assert "aborted by developer" in card.plain
    await workspace.settle()
    [pull] = await workspace.pulls()
    assert (pull["state"], pull["merged"], pull["statuses"]["tiphys/approval"]["state"]) == ("closed", False, "failure")
    found = await branches(workspace)
    assert [name for name in found if name.startswith("tiphys/")] == []
    assert (await workspace.application("apm-stack-production"))["operations"] == []


async def test_a_deleted_card_comes_back_when_it_is_named(workspace: Workspace) -> None:
    card = await workspace.propose()
    await workspace.settle()
    before = await effects(workspace)

    async def lost() -> None:
        [shown] = await workspace.cards()
        await workspace.call("DELETE", f"/api/channels/deployments/messages/{shown.ts}")

    async def back() -> bool:
        cards = await workspace.cards()
        return len(cards) == 1 and cards[0].state == "waiting for approval" and "change.approve" in cards[0].actions

    for user, words in (
        ("developer", "/gitops status"),
        ("developer-2", "@tiphys status apm-stack prod"),
        ("developer-2", "/promote apm-stack prod"),
        ("approver-3", "/approve #1"),
    ):
        await lost()
        assert await workspace.cards() == []
        await workspace.say(user, words)
        await workspace.until(back, wants=f"the card comes back after {words}")
    assert await effects(workspace) == before
    assert (await workspace.card()).change == card.change

    await workspace.approve("approver-1")
    await workspace.thread_says("approver-1 (1 of 2)")  # in the thread of the card that stands now
    await lost()
    await workspace.say("approver-2", "/approve #1")
    await workspace.until(back, wants="the card comes back")
    await workspace.approve("approver-2")
    await workspace.card_is("succeeded")
    assert len(await workspace.cards()) == 1


async def test_one_call_for_the_approvers_and_one_for_the_requester(workspace: Workspace) -> None:
    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("Approved by approver-1 (1 of 2)")
    await workspace.approve("approver-2")
    await workspace.card_is("succeeded")
    await workspace.thread_says("apm-stack → production (#1): succeeded")
    await workspace.settle()
    card = await workspace.card()
    said = [sorted(set(mentioned([reply["text"], reply["blocks"]]))) for reply in card.data["replies"]]
    assert [who for who in said if who] == [["S0PLATFORM"], ["U0DEV1"]]
    assert [message.change for message in await workspace.messages()] == [card.change]
    first = next(r["body"] for r in await workspace.requests(service="slack") if r["path"].endswith("chat.postMessage"))
    assert not set(mentioned([first["text"], first["blocks"]])), "a card is posted without a mention"


async def test_a_broken_configuration_changes_nothing_and_a_good_one_does(workspace: Workspace) -> None:
    config = Path((await workspace.call("GET", "/api/ready"))["paths"]["config"])
    good = config.read_text("utf-8")
    broken = good.replace("sync: controlled", "sync: contolled").replace("from: staging", "from: stagin")
    await workspace.call("POST", "/api/bots", {"bot": "bot-1", "do": "start", "config": broken})

    async def complaint() -> str | None:
        return next((m.plain for m in await workspace.messages("admin") if "tiphys.yaml" in m.plain), None)

    told = await workspace.until(complaint, wants="the admin channel is told")
    for words in ("the configuration before it stays in force", "contolled", "stagin"):
        assert words in told
    await workspace.say("developer", "/promote apm-stack prod")
    await workspace.card_is("waiting for approval")
    config.write_text(good.replace("needed: 2", "needed: 1"), "utf-8")

    async def reloaded() -> bool:
        await workspace.say("developer", "/gitops status")
        await workspace.settle()
        return "needs 1 more approval, 0 of 1" in (await workspace.card()).text

    await workspace.until(reloaded, wants="one approval is enough now")
    await workspace.approve("approver-1")
    await workspace.card_is("succeeded")
    assert len([m for m in await workspace.messages("admin") if "tiphys.yaml" in m.plain]) == 1


def links(value: object) -> list[str]:
    """Where the links of blocks lead."""
    if isinstance(value, list):
        return [link for item in value for link in links(item)]
    if not isinstance(value, dict):
        return []
    own = [str(value["url"])] if value.get("type") == "link" else []
    return own + [link for item in value.values() for link in links(item)]
