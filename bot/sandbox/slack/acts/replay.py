"""Delivering something again, as it was or altered: what a repeating or tampering sender would do."""

import json
from typing import Any
from urllib.parse import parse_qsl

from bot.sandbox.control.http import Body, ControlError
from bot.sandbox.slack.acts.say import acknowledgement
from bot.sandbox.slack.deliveries import Delivery, Retry
from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.parts import Parts


class Replay(Body):
    delivery_id: str
    headers: dict[str, str | None] | None = None
    body: Any = None


async def replay(parts: Parts, body: Replay) -> Json:
    """Deliver the payload in a new envelope. Of headers, Socket Mode knows only Slack's remark on repeats."""
    delivery = parts.deliveries.find(body.delivery_id)
    if delivery is None and parts.deliveries.beside is not None:
        found = await parts.deliveries.beside.replay(body.delivery_id, body.headers or {}, body.body)
        if found is not None:
            return found
    if delivery is None:
        raise ControlError(404, "no_such_delivery", f"no delivery {body.delivery_id}", "delivery_id")
    payload = _payload(delivery, body.body)
    acknowledged = await parts.deliveries.deliver(
        delivery.kind, delivery.type, delivery.user, lambda _: payload, replay_of=delivery.id,
        retry=_retry({key: value for key, value in (body.headers or {}).items() if value is not None}),
    )  # fmt: skip
    if acknowledged is None:
        return {"status": None, "ack": None}
    secret = str(payload.get("response_url", "")).rsplit("/", 1)[-1]
    act = parts.interactions.find(secret) if delivery.kind == "command" else None
    ack = acknowledgement(parts, acknowledged, act) if act else acknowledged.as_json()
    return {"status": acknowledged.delivery.status, "ack": ack}


def _payload(delivery: Delivery, altered: Any) -> Json:
    if altered is None:
        if delivery.payload is None:
            raise ControlError(409, "never_sent", f"{delivery.id} reached nobody, there is nothing to repeat")
        return delivery.payload
    if isinstance(altered, str):
        altered = _parsed(altered)
    if not isinstance(altered, dict):
        raise ControlError(400, "malformed", "body: an object, or its JSON or form text", "body")
    return altered


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    form = dict(parse_qsl(text, keep_blank_values=True))
    if "payload" not in form:
        return form
    try:
        return json.loads(form["payload"])
    except ValueError:
        raise ControlError(400, "malformed", "body: the payload is not JSON", "body") from None


def _retry(headers: dict[str, str]) -> Retry | None:
    lower = {key.lower(): value for key, value in headers.items()}
    attempt = lower.get("x-slack-retry-num", "")
    if not attempt.isdigit():
        return None
    return Retry(attempt=int(attempt), reason=lower.get("x-slack-retry-reason", ""))
