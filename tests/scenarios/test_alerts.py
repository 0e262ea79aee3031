"""An alert from when it fires until it is over, and what people do about it: through the real door, in the real bot."""

from typing import Any

from tests.scenarios.evidence import refused
from tests.scenarios.workspace import Message, Workspace

LABELS = {
    "alertname": "HighErrorRate", "severity": "critical", "tiphys_application": "apm-stack",
    "tiphys_environment": "production", "service": "apm-api",
}  # fmt: skip


async def alert_card(workspace: Workspace) -> Message:
    """The newest card of an alert group."""
    cards = [m for m in await workspace.messages("alerts")
             if (m.data.get("metadata") or {}).get("event_type") == "tiphys_alert"]  # fmt: skip
    assert cards, "no alert card"
    return cards[-1]


async def shows(workspace: Workspace, words: str) -> Message:
    """Wait until the card says so."""

    async def look() -> Message | None:
        card = await alert_card(workspace)
        return card if words in card.plain else None

    found: Message = await workspace.until(look, wants=f"an alert card that says {words!r}")
    return found


async def thread_says(workspace: Workspace, words: str) -> None:
    async def look() -> bool:
        return any(words in reply for reply in (await alert_card(workspace)).replies)

    await workspace.until(look, wants=f"the thread says {words!r}")


async def alerts(workspace: Workspace, do: str, **labels: str) -> None:
    await workspace.call("POST", "/api/alerts", {"do": do, "labels": LABELS | labels, "annotations": {}})


async def silences(workspace: Workspace) -> list[dict[str, Any]]:
    return list((await workspace.call("GET", "/api/alerts"))["silences"])


async def test_it_is_acknowledged_silenced_and_ends(workspace: Workspace) -> None:
    await alerts(workspace, "fire")
    card = await shows(workspace, "critical")
    assert card.text.startswith("HighErrorRate: firing")
    assert {"alert.acknowledge", "alert.assign", "alert.silence"} <= card.actions

    await workspace.click("developer", "alert.acknowledge", card)
    card = await shows(workspace, "acknowledged by")
    assert "alert.unacknowledge" in card.actions
    await thread_says(workspace, "developer acknowledged it")

    async with refused(workspace, "developer", "no-permission", "alerts, silence, apm-stack/production"):
        await workspace.click("developer", "alert.silence", card)
    view = (await workspace.click("approver-1", "alert.silence", card))["view_id"]
    [opened] = [view for view in await workspace.views("approver-1") if view["open"]]
    assert "Matches 1 alert that fires now (HighErrorRate)." in opened["plain"]
    typed = {"user": "approver-1", "view_id": view, "action_id": "alert.count", "selected": 'service="nothing"'}
    await workspace.call("POST", "/api/click", typed)

    async def counted() -> bool:
        views = await workspace.views("approver-1")
        return any("Matches nothing that fires now." in view["plain"] for view in views if view["open"])

    await workspace.until(counted, wants="the count of what is typed")
    answer = await workspace.submit("approver-1", view, {"matchers": 'service=~"("', "comment": "known"})
    assert "not a regular expression" in answer["errors"]["matchers"]
    names = ("alertname", "tiphys_application", "tiphys_environment")
    matchers = "\n".join(f'{name}="{LABELS[name]}"' for name in names)
    await workspace.submit("approver-1", view, {"duration": "1h", "matchers": matchers, "comment": "known <!channel>"})
    await workspace.told("approver-1", "Silenced until")
    card = await shows(workspace, "silenced until")
    await thread_says(workspace, "approver-1 silenced its alerts")
    [silence] = await silences(workspace)
    assert silence["createdBy"] == "approver-1 (U0APPR1)"
    assert silence["comment"].startswith("known <!channel> (tiphys:")
    assert "<!channel>" not in str(card.data["text"])

    short = silence["id"][:8]
    await workspace.say("approver-2", "/silence list", channel="alerts")
    assert short in await workspace.told("approver-2", "1 silence:")
    await workspace.say("approver-2", f"/silence expire {short}", channel="alerts")
    await workspace.told("approver-2", "The silence is ended")

    async def fires_again() -> bool:
        return "silenced until" not in (await alert_card(workspace)).plain

    await workspace.until(fires_again, wants="the card fires again")
    await workspace.say("approver-2", "/alerts prod critical", channel="alerts")
    assert "HighErrorRate · apm-stack · production" in await workspace.told("approver-2", "1 group of alerts")

    await alerts(workspace, "resolve")
    card = await shows(workspace, "resolved")
    assert card.text.startswith("HighErrorRate: resolved")
    assert "had it" in card.plain
    assert card.actions == set()
    assert len(await workspace.messages("alerts")) == 1
