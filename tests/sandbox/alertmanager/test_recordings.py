"""Held against recordings of a real 0.33.1: the same calls in the same order have the same status, keys and types."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.alerts.matcher import parse_matchers
from bot.sandbox.alertmanager.setup import Inhibition, Route, Setup
from tests.integrations.alertmanager.recorded import exchanges
from tests.sandbox.alertmanager.conftest import SetClock, Start
from tests.sandbox.argocd.shape import differences

BEGAN = datetime(2026, 11, 23, 11, 55, 48, 884_000, tzinfo=UTC)
AS_RECORDED = Setup(
    receiver="argocd-slackbot",
    group_by=("alertname", "namespace"),
    routes=(Route(parse_matchers('team="payments"'), "payments.oncall"),),
    inhibitions=(Inhibition(parse_matchers('alertname="NodeDown"'), parse_matchers('severity="warning"'), ("node",)),),
)
IN_ORDER = (
    ("api_empty", 0.0), ("api_status_receivers", 0.0), ("api_post_alerts", 0.0),
    ("api_silences_create_get_list", 1.56), ("api_alerts", 1.58), ("api_alert_groups", 1.58),
    ("api_silences_update_expire", 2.58), ("api_errors", 2.62),
)  # fmt: skip
OPTIONAL = {
    r"status\.config\.original": "another configuration",
    r"annotations": "an open map",
    r"\.labels": "an open map",
}
NOT_SERVED = {"OPTIONS", "HEAD"}
SILENCE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def test_the_same_calls_are_answered_the_same(start: Start) -> None:
    clock = SetClock(BEGAN)
    world = await start(setup=AS_RECORDED, clock=clock)
    ours: dict[str, str] = {}  # a recorded silence's id → the one here
    told: list[str] = []

    def here(text: str) -> str:
        return SILENCE_ID.sub(lambda found: ours.get(found[0], found[0]), text)

    for scenario, after in IN_ORDER:
        for recorded in exchanges("0.33", scenario):
            if recorded.method in NOT_SERVED:
                continue
            clock.time = max(clock.time + timedelta(milliseconds=1), BEGAN + timedelta(seconds=after))
            is_text = isinstance(recorded.body, str)
            content = None if recorded.body is None else here(recorded.body if is_text else json.dumps(recorded.body))
            kind = "text/plain" if "wrong content type" in recorded.label else "application/json"
            response = await world.api.request(
                recorded.method, here(recorded.path), content=content,
                headers={"Content-Type": kind} if content is not None else {},
            )  # fmt: skip
            at = f"{scenario}: {recorded.label}"
            if (response.status_code, response.headers.get("content-type")) != (
                recorded.status, recorded.content_type
            ):  # fmt: skip
                told.append(f"{at}: {response.status_code} {response.headers.get('content-type')} {response.text}")
                continue
            if recorded.answered is None:
                told += [f"{at}: {response.text!r}"] if response.text != recorded.answer else []
                continue
            answer, then = response.json(), recorded.answered
            if isinstance(then, dict) and "silenceID" in then:
                # An update in place keeps its id, any other has a new one.
                if then["silenceID"] in ours and ours[then["silenceID"]] != answer["silenceID"]:
                    told.append(f"{at}: not changed in place")
                if then["silenceID"] not in ours and answer["silenceID"] in ours.values():
                    told.append(f"{at}: changed in place")
                ours[then["silenceID"]] = answer["silenceID"]
            told += [f"{at}: {each}" for each in differences(then, answer, OPTIONAL)]
            told += [f"{at}: {what}" for what in _facts(then, answer, ours)]
    assert told == [], "\n".join(told)


def _facts(then: Any, answer: Any, ours: dict[str, str]) -> list[str]:
    """Beyond keys and types: words, order, states, who hides whom."""
    if isinstance(then, str) or (isinstance(then, dict) and "code" in then):
        return [] if _words(then) == _words(answer) else [f"says {answer}, recorded {then}"]
    if isinstance(then, list):
        if len(then) != len(answer):
            return [f"has {len(answer)}, recorded {len(then)}"]
        return [fact for pair in zip(then, answer, strict=True) for fact in _facts(*pair, ours)]
    found = []
    for key in ("fingerprint", "labels", "receivers", "receiver", "name", "comment", "createdBy"):
        if key in then and then[key] != answer.get(key):
            found.append(f"{key} is {answer.get(key)}, recorded {then[key]}")
    if "state" in then.get("status", {}):
        status = then["status"] | {name: [ours.get(i, i) for i in then["status"].get(name, [])] for name in _BY}
        if any(status[name] != answer["status"].get(name, []) for name in ("state", *_BY)):
            found.append(f"status is {answer['status']}, recorded {then['status']}")
    return found + _facts(then.get("alerts", []), answer.get("alerts", []), ours)


_BY = ("silencedBy", "inhibitedBy")


def _words(told: Any) -> str:
    """Without what a regular expression's own parser or Go's JSON says."""
    text = told if isinstance(told, str) else f"{told['code']} {told['message']}"
    return re.sub(r"(error parsing regexp: |failed, because |bad matcher format: |unexpected open).*", r"\1", text)
