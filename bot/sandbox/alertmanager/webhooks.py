"""What receivers are told: the body of version 4 as Go writes it, and one attempt at delivering it."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import structlog

from bot.sandbox.alertmanager.alerts import Alert, place, stamp

log = structlog.get_logger(__name__)

Json = dict[str, Any]
NO_TIME = "0001-01-01T00:00:00Z"
SPECIAL = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
META = frozenset("\\.+*?()|[]{}^$")
USER_AGENT = "Alertmanager/0.33.1"
KEPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTarget:
    """A bot's endpoint, and the token that it takes."""

    url: str
    token: str = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Attempt:
    """`status` None: nobody answered."""

    at: datetime
    url: str
    body: Json
    status: int | None = None
    ms: int | None = None

    def as_json(self) -> Json:
        return {"at": stamp(self.at), "url": self.url, "status": self.status, "ms": self.ms, "body": self.body}


def quoted(receiver: str) -> str:
    """Go's `regexp.QuoteMeta`, which the real one applies to the receiver's name."""
    return "".join(f"\\{each}" if each in META else each for each in receiver)


def body_of(
    alerts: Sequence[Alert], now: datetime, *, receiver: str, group_labels: Json, group_key: str, external_url: str,
    reason: str,
) -> Json:  # fmt: skip
    """`alerts` are the group's alerts that nothing hides; at least one."""
    ordered = sorted(alerts, key=place)
    return {
        "receiver": quoted(receiver),
        "status": "resolved" if all(alert.is_resolved(now) for alert in alerts) else "firing",
        "alerts": [_alert(alert, now) for alert in ordered],
        "notification_reason": reason,
        "groupLabels": dict(sorted(group_labels.items())),
        "commonLabels": _common([alert.labels for alert in alerts]),
        "commonAnnotations": _common([alert.annotations for alert in alerts]),
        "externalURL": external_url,
        "version": "4",
        "groupKey": group_key,
        "truncatedAlerts": 0,
    }


def encoded(body: Json) -> bytes:
    """As Go writes JSON: a few characters escaped, UTF-8 otherwise, a line end."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return (text.translate(SPECIAL) + "\n").encode("utf-8", "replace")


class Sender:
    """One connection pool; `log` has the newest attempts."""

    def __init__(self) -> None:
        self.targets: Callable[[], list[AlertTarget]] = list
        self.log: list[Attempt] = []
        self._http: httpx.AsyncClient | None = None
        self._turn = 0

    async def attempt(self, body: Json, *, seconds: float) -> int | None:
        """Deliver it once, to the next of the bots, as a balancer before them would. None: nobody answered."""
        targets = self.targets()
        target = targets[self._turn % len(targets)]
        self._turn += 1
        if self._http is None:
            self._http = httpx.AsyncClient(trust_env=False)
        attempt = Attempt(at=datetime.now(UTC), url=target.url, body=body)
        self.log.append(attempt)
        del self.log[:-KEPT]
        headers = {
            "Authorization": f"Bearer {target.token}", "Content-Type": "application/json", "User-Agent": USER_AGENT
        }  # fmt: skip
        began = time.perf_counter()
        try:
            answer = await self._http.post(
                target.url, content=encoded(body), headers=headers, timeout=max(seconds, 0.1), follow_redirects=False
            )
            attempt.status = answer.status_code
        except httpx.HTTPError as error:
            log.info("alertmanager.webhook_unanswered", url=target.url, error=type(error).__name__)
        attempt.ms = round((time.perf_counter() - began) * 1000)
        return attempt.status

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()


def _alert(alert: Alert, now: datetime) -> Json:
    is_over = alert.is_resolved(now)
    return {
        "status": "resolved" if is_over else "firing",
        "labels": dict(sorted(alert.labels.items())),
        "annotations": dict(sorted(alert.annotations.items())),
        "startsAt": stamp(alert.starts_at),
        "endsAt": stamp(alert.ends_at) if is_over else NO_TIME,
        "generatorURL": alert.generator_url,
        "fingerprint": alert.fingerprint,
    }


def _common(maps: list[dict[str, str]]) -> Json:
    first, *others = maps
    return {name: value for name, value in sorted(first.items()) if all(m.get(name) == value for m in others)}
