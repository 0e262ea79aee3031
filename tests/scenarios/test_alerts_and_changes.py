"""An alert after a deployment: its card names the change, the change waits for it, and both end right."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.scenarios.conftest import Start
from tests.scenarios.workspace import Message, Workspace


def labels(application: str, environment: str = "production", **more: str) -> dict[str, str]:
    known = {"alertname": "HighErrorRate", "severity": "critical", "service": "api"}
    return {**known, "tiphys_application": application, "tiphys_environment": environment, **more}


async def tell(workspace: Workspace, do: str, which: dict[str, str]) -> None:
    told = await workspace.call("POST", "/api/alerts", {"do": do, "labels": which})
    assert told["told"]


async def silence(workspace: Workspace, which: dict[str, str], *, by: str) -> None:
    """In Alertmanager itself, which says nothing of it to anybody."""
    now = datetime.now(UTC)
    matchers = [{"name": n, "value": v, "isRegex": False, "isEqual": True} for n, v in which.items()]
    body = {
        "matchers": matchers, "startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": by, "comment": "known",
    }  # fmt: skip
    url = (await workspace.call("GET", "/api/ready"))["urls"]["alertmanager"]
    async with httpx.AsyncClient(trust_env=False) as http:
        (await http.post(f"{url}/api/v2/silences", json=body)).raise_for_status()


async def change_says(workspace: Workspace, title: str, *words: str) -> Message:
    """Wait until the newest card of that change says all of this."""

    async def look() -> Message | None:
        cards = [card for card in await workspace.cards() if card.text.startswith(f"{title}: ")]
        said = f"{cards[-1].text}\n{cards[-1].plain}" if cards else ""
        return cards[-1] if cards and all(word in said for word in words) else None

    found: Message = await workspace.until(look, wants=f"a card of {title} that says {words}")
    return found


async def alert_says(workspace: Workspace, *words: str) -> Message:
    async def look() -> Message | None:
        for message in await workspace.messages("alerts"):
            metadata: dict[str, Any] = message.data.get("metadata") or {}
            said = f"{message.text}\n{message.plain}"
            if metadata.get("event_type") == "tiphys_alert" and all(word in said for word in words):
                return message
        return None

    found: Message = await workspace.until(look, wants=f"an alert's card that says {words}")
    return found


async def ship(workspace: Workspace, application: str, *approvers: str) -> str:
    """Promote it to production, up to the soak; the card's title."""
    title = f"{application} → production"
    await workspace.say("developer", f"/promote {application} prod")
    card = await change_says(workspace, title, ": waiting for approval")
    for approver in approvers:
        await workspace.click(approver, "change.approve", card)
    await change_says(workspace, title, ": verifying")
    return title


async def an_alert_that_ends(workspace: Workspace) -> None:
    title = await ship(workspace, "apm-stack", "approver-1", "approver-2")
    await tell(workspace, "fire", labels("apm-stack"))
    held = await change_says(workspace, title, ": verifying", "waiting: HighErrorRate fires (critical, since")
    [shown] = [word for word in held.text.split(" · ") if word.startswith("#")]
    card = await alert_says(
        workspace, "HighErrorRate: firing", "apm-stack", f" after {shown} (", "2.15.1", "@developer)"
    )
    opened = (await workspace.click("developer-2", "alert.change", card))["view_id"]
    [details] = [view["plain"] for view in await workspace.views("developer-2") if view["view_id"] == opened]
    for words in ("promotion commit", "@approver-1 approve: Your approval", "apm-stack"):
        assert words in details
    await tell(workspace, "resolve", labels("apm-stack"))
    ended = await change_says(workspace, title, ": succeeded")
    assert "alerts:" not in ended.plain
    over = await alert_says(workspace, "HighErrorRate: resolved", "apm-stack", f"after {shown}")
    assert over.ts == card.ts


async def test_alerts_after_a_promotion_hold_it_until_they_end_and_fail_it_if_they_stay(start: Start) -> None:
    workspace = await start("--speed", "10", quick=False)
    failing = await ship(workspace, "apm-gateway", "approver-1")
    await tell(workspace, "fire", labels("apm-gateway"))
    await change_says(workspace, failing, "waiting: HighErrorRate fires (critical, since")
    await an_alert_that_ends(workspace)  # while that one stays
    await change_says(workspace, failing, ": failed", "HighErrorRate fires (critical, since", "for longer than 20 s")
    await alert_says(workspace, "HighErrorRate: firing", "apm-gateway", "after #1")


async def test_nothing_is_promoted_from_where_an_alert_fires_or_nobody_can_tell(start: Start) -> None:
    workspace = await start("--speed", "10")
    title, staging = "apm-gateway → production", labels("apm-gateway", "staging")
    await workspace.fault("alertmanager", "status", status=503)
    await workspace.say("developer", "/promote apm-gateway prod")
    card = await change_says(workspace, title, ": waiting for approval", "cannot tell whether alerts fire on staging")
    await tell(workspace, "fire", staging)
    await workspace.click("approver-1", "change.approve", card)
    await change_says(workspace, title, ": waiting for checks", "⏳ cannot tell whether alerts fire on staging")
    await workspace.end_faults()
    await change_says(workspace, title, ": waiting for checks", "❌ HighErrorRate fires on staging (critical)")
    await silence(workspace, staging, by="approver-1")
    await change_says(workspace, title, ": succeeded")
