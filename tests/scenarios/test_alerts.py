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


async def test_a_silence_is_extended_and_ended_by_its_buttons(workspace: Workspace) -> None:
    await alerts(workspace, "fire")
    await shows(workspace, "critical")
    await workspace.say("approver-1", "/silence add", channel="alerts")

    async def dialog() -> Any:
        return next((view for view in await workspace.views("approver-1") if view["open"]), None)

    opened = await workspace.until(dialog, wants="the dialog of a command without words")
    assert "Nothing is written yet" in opened["plain"]
    assert opened["callback_id"] == "silence.add"
    matchers = "\n".join(f'{name}="{LABELS[name]}"' for name in ("tiphys_application", "tiphys_environment"))
    typed = {"user": "approver-1", "view_id": opened["view_id"], "action_id": "alert.count", "selected": matchers}
    await workspace.call("POST", "/api/click", typed)

    async def dialog_says(words: str, user: str = "approver-1") -> None:
        async def look() -> bool:
            return any(words in view["plain"] for view in await workspace.views(user) if view["open"])

        await workspace.until(look, wants=f"an open dialog says {words!r}")

    await dialog_says("Matches 1 alert that fires now (HighErrorRate).")
    answer = await workspace.submit("approver-1", opened["view_id"], {"matchers": matchers, "comment": " "})
    assert list(answer["errors"]) == ["comment"]
    await workspace.submit("approver-1", opened["view_id"], {"matchers": matchers, "comment": "known"})
    await workspace.told("approver-1", "Silenced until")
    card = await shows(workspace, "silenced until")
    assert {"silence.extend", "silence.expire"} <= card.actions
    [made] = await silences(workspace)

    async with refused(workspace, "developer", "no-permission", "alerts, silence, apm-stack/production"):
        await workspace.click("developer", "silence.extend", card)
    view = (await workspace.click("approver-2", "silence.extend", card))["view_id"]
    await dialog_says("Then it ends", "approver-2")
    typed = {"user": "approver-2", "view_id": view, "action_id": "silence.other", "selected": "30m"}
    await workspace.call("POST", "/api/click", typed)
    await dialog_says("It ends later than that already", "approver-2")
    answer = await workspace.submit("approver-2", view, {"duration": "4h", "other": "30m", "comment": "still known"})
    assert list(answer["errors"]) == ["other"]
    await workspace.submit("approver-2", view, {"duration": "4h", "other": "", "comment": "still known"})
    await workspace.told("approver-2", "The silence is extended until")
    await thread_says(workspace, "approver-2 extended the silence of its alerts until")
    card = await shows(workspace, "still known")
    [longer] = await silences(workspace)
    assert (longer["id"], longer["createdBy"]) == (made["id"], "approver-1 (U0APPR1)")
    assert longer["endsAt"] > made["endsAt"]

    await workspace.say("approver-3", "/silence list", channel="alerts")
    await workspace.told("approver-3", "1 silence:")
    answers = (await workspace.call("GET", "/api/users/approver-3/ephemerals"))["ephemerals"]
    press = {"user": "approver-3", "ephemeral_id": answers[-1]["id"], "action_id": "silence.expire"}
    await workspace.call("POST", "/api/click", {**press, "confirm": True})
    await workspace.told("approver-3", "The silence is ended")
    await thread_says(workspace, "approver-3 ended the silence of its alerts")

    async def fires_again() -> bool:
        return "silenced until" not in (await alert_card(workspace)).plain

    await workspace.until(fires_again, wants="the card fires again")
    card = await alert_card(workspace)
    assert not {"silence.extend", "silence.expire"} & card.actions
    await workspace.call("POST", "/api/click", {**press, "confirm": True})
    await workspace.told("approver-3", "It is over since")
    [over] = await silences(workspace)
    assert over["status"]["state"] == "expired"
