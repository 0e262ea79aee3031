"""Alertmanager's JSON as models, private to this adapter: absent and null are the same, what we do not know is ignored.

Webhooks tell times to the nanosecond, the API to the millisecond: all are cut to milliseconds, so that an episode is
the same wherever it was heard of.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic_core import PydanticCustomError

from bot.integrations.json_api import Wire

NO_TIME = "0001-01-01T"
"""How Go writes a time that is none; in most zones it is out of Python's range."""

Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Filled = Annotated[str, StringConstraints(min_length=1)]


def _moment(value: object) -> datetime:
    if not isinstance(value, str) or value.startswith(NO_TIME):
        raise PydanticCustomError("time_expected", "a time is expected")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("time_expected", "a time with its zone is expected (RFC 3339)") from None
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)


def _maybe_moment(value: object) -> datetime | None:
    return None if isinstance(value, str) and value.startswith(NO_TIME) else _moment(value)


Moment = Annotated[datetime, BeforeValidator(_moment)]
MaybeMoment = Annotated[datetime | None, BeforeValidator(_maybe_moment)]


class WebhookAlert(Wire):
    status: Literal["firing", "resolved"]
    labels: Annotated[dict[str, str], Field(min_length=1)]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: Moment
    ends_at: MaybeMoment = None
    generator_url: str = Field("", validation_alias="generatorURL")
    fingerprint: Fingerprint


class WebhookMessage(Wire):
    """`version` stands first, so that its error is the first: whatever is wrong then has the same reason."""

    version: Literal["4", "1"]
    receiver: Filled
    group_key: Filled
    group_labels: dict[str, str] = Field(default_factory=dict)
    truncated_alerts: int = Field(0, ge=0, strict=True)
    external_url: str = Field("", validation_alias="externalURL")
    notification_reason: str = Field("", validation_alias="notification_reason")  # from 0.32 on
    alerts: Annotated[tuple[WebhookAlert, ...], Field(min_length=1)]


class Receiver(Wire):
    name: str


class AlertStatus(Wire):
    state: str = ""
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()


class ApiAlert(Wire):
    """`endsAt` is left alone: here it is a time in the future, at which it would end if nobody sent it again."""

    fingerprint: Fingerprint
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: Moment
    generator_url: str = Field("", validation_alias="generatorURL")
    receivers: tuple[Receiver, ...] = ()
    status: AlertStatus = AlertStatus()


class ApiMatcher(Wire):
    name: str
    value: str
    is_regex: bool
    is_equal: bool = True


class SilenceStatus(Wire):
    state: str = ""


class ApiSilence(Wire):
    id: Filled
    status: SilenceStatus = SilenceStatus()
    matchers: tuple[ApiMatcher, ...]
    starts_at: Moment
    ends_at: Moment
    created_by: str = ""
    comment: str = ""


class SilenceId(Wire):
    silence_id: Filled = Field(validation_alias="silenceID")


class ClusterStatus(Wire):
    status: str = ""


class VersionInfo(Wire):
    version: str = ""


class ApiStatus(Wire):
    """Its `config` is not read: old versions show secrets in it."""

    uptime: MaybeMoment = None  # since when, not how long
    version_info: VersionInfo = VersionInfo()
    cluster: ClusterStatus = ClusterStatus()


ALERTS = TypeAdapter(tuple[ApiAlert, ...], config=ConfigDict(defer_build=True))
SILENCES = TypeAdapter(tuple[ApiSilence, ...], config=ConfigDict(defer_build=True))
SILENCE = TypeAdapter(ApiSilence)
SILENCE_ID = TypeAdapter(SilenceId)
STATUS = TypeAdapter(ApiStatus)
