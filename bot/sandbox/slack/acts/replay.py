"""Delivering something again, as it was or altered: what a repeating or tampering sender would do.

Over Socket Mode a payload goes out in a new envelope. Over HTTP the very request is sent again, with its old signature;
what is altered is altered and nothing else, so that an altered body has a signature that does not fit, unless
`X-Slack-Signature` is given too or `sign` asks for a new one.
"""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from bot.sandbox.control.http import Body, ControlError
from bot.sandbox.slack.acts.say import acknowledgement
from bot.sandbox.slack.deliveries import Acknowledged, Delivery, Retry
from bot.sandbox.slack.http_door import HttpDoor, encoded
from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.parts import Parts


class Replay(Body):
    delivery_id: str
    headers: dict[str, str | None] | None = None
    body: Any = None
    sign: bool = False


async def replay(parts: Parts, body: Replay) -> Json:
    delivery = parts.deliveries.find(body.delivery_id)
    if delivery is None and parts.deliveries.beside is not None:
        found = await parts.deliveries.beside.replay(body.delivery_id, body.headers or {}, body.body)
        if found is not None:
            return found
    if delivery is None:
        raise ControlError(404, "no_such_delivery", f"no delivery {body.delivery_id}", "delivery_id")
    if parts.http is not None:
        payload, acknowledged = await _over_http(parts, parts.http, delivery, body)
    else:
        payload, acknowledged = await _over_socket_mode(parts, delivery, body)
    if acknowledged is None:
        return {"status": None, "ack": None}
    secret = str(payload.get("response_url", "")).rsplit("/", 1)[-1]
    act = parts.interactions.find(secret) if delivery.kind == "command" else None
    ack = acknowledgement(parts, acknowledged, act) if act else acknowledged.as_json()
    return {"status": acknowledged.delivery.status, "ack": ack}


async def _over_socket_mode(parts: Parts, delivery: Delivery, body: Replay) -> tuple[Json, Acknowledged | None]:
    """Of headers, Socket Mode knows only Slack's remark on repeats."""
    payload = _payload(delivery, body.body)
    acknowledged = await parts.deliveries.deliver(
        delivery.kind, delivery.type, delivery.user, lambda _: payload, replay_of=delivery.id,
        retry=_retry(body.headers or {}),
    )  # fmt: skip
    return payload, acknowledged


async def _over_http(
    parts: Parts, door: HttpDoor, delivery: Delivery, body: Replay
) -> tuple[Json, Acknowledged | None]:
    """A body in the form of text goes out as it is, readable or not."""
    payload = _payload(delivery, None if isinstance(body.body, str) else body.body)
    sent = delivery.sent or door.written(delivery.type, payload)  # it may be from a world in Socket Mode
    if body.body is not None:
        sent = replace(sent, body=body.body if isinstance(body.body, str) else encoded(delivery.type, payload))
    sent = replace(sent, headers=_altered(sent.headers, body.headers or {}))
    if body.sign:
        sent = door.signed(sent)
    acknowledged = await parts.deliveries.resend(
        delivery, door.resend(sent, payload, parts.deliveries.ack_seconds)
    )  # fmt: skip
    return payload, acknowledged


def _altered(headers: dict[str, str], altered: dict[str, str | None]) -> dict[str, str]:
    """Null takes a header away; upper and lower case are the same."""
    gone = {name.lower() for name in altered}
    kept = {name: value for name, value in headers.items() if name.lower() not in gone}
    return kept | {name: value for name, value in altered.items() if value is not None}


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


def _retry(headers: dict[str, str | None]) -> Retry | None:
    lower = {key.lower(): value or "" for key, value in headers.items()}
    attempt = lower.get("x-slack-retry-num", "")
    if not attempt.isdigit():
        return None
    return Retry(attempt=int(attempt), reason=lower.get("x-slack-retry-reason", ""))
