"""What an Alertmanager sends: the body of a webhook → the snapshot that it is.

Alertmanager's own bodies have `version` "4"; Grafana's have "1" and the same fields beside some of its own.
Source: alertmanager `notify/webhook/webhook.go`, `template/template.go`; grafana/alerting `receivers/webhook`.
"""

import re
from collections.abc import Iterator

from pydantic import ValidationError

from bot.domain.alerts.alert import Alert, AlertState
from bot.domain.alerts.snapshot import Snapshot
from bot.integrations.alertmanager import wire
from bot.ports_alerts import NotASnapshot

WHOLE = "keep the webhook's own format: no `payload` (Alertmanager) and no custom payload (Grafana)"

_QUOTED = re.compile(r"\\([\\.+*?()|\[\]{}^$])")


def read_snapshot(source: str, body: bytes | str) -> Snapshot:
    """The snapshot in a webhook's body. Raises `NotASnapshot`, which names the field, never what stands in it.

    Text is as it came, control characters and all. The receiver's name is its own again: it comes as a regular
    expression. `status` and the common labels of the body are left alone, because they are of the alerts that were
    kept, and can say "resolved" of a group that fires.
    """
    message = _message(body)
    return Snapshot(
        source=source,
        receiver=_QUOTED.sub(r"\1", message.receiver),
        group_key=message.group_key,
        group_labels=message.group_labels,
        alerts=tuple(_alert(alert) for alert in message.alerts),
        truncated=0 if _is_all_over(message) else message.truncated_alerts,
        external_url=message.external_url,
    )


def check_snapshot(source: str, body: bytes | str) -> None:
    """Raises what `read_snapshot` raises, and makes nothing of the rest."""
    _message(body)


def _message(body: bytes | str) -> wire.WebhookMessage:
    try:
        return wire.WebhookMessage.model_validate_json(body)
    except ValidationError as error:
        raise NotASnapshot(_reason(error)) from None


def _is_all_over(message: wire.WebhookMessage) -> bool:
    """Whether those that were left out are over too: the reason, unlike the status, is of the whole group."""
    is_over = all(alert.status == "resolved" for alert in message.alerts)
    return is_over and message.notification_reason == "all alerts resolved"


def _alert(alert: wire.WebhookAlert) -> Alert:
    is_over = alert.status == "resolved"
    return Alert(
        fingerprint=alert.fingerprint,
        labels=alert.labels,
        annotations=alert.annotations,
        state=AlertState.RESOLVED if is_over else AlertState.FIRING,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at if is_over else None,
        generator_url=alert.generator_url,
    )


def _reason(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    match first["type"], first["loc"]:
        case "json_invalid", _:
            return "it is not JSON"
        case _, ():
            return f"it is not an object; {WHOLE}"
        case _, ("version",):
            return f'`version` is neither "4" (Alertmanager) nor "1" (Grafana); {WHOLE}'
        case _, where:
            return f"`{'.'.join(_ours(where))}`: {first['msg']}"


def _ours(where: tuple[int | str, ...]) -> Iterator[str]:
    """The place without the names of labels, which are theirs."""
    for part in where:
        yield str(part)
        if part in ("labels", "annotations", "groupLabels"):
            return
