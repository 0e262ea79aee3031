"""Silences: made, changed in place or replaced, expired, never deleted. Refusals in the real one's words."""

import re
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.domain.alerts.matcher import Matcher, Operator, all_match
from bot.sandbox.alertmanager.alerts import stamp

Json = dict[str, Any]
REQUIRED = ("comment", "createdBy", "endsAt", "matchers", "startsAt")
ORDER = ("active", "pending", "expired")


class NoSuchSilence(LookupError):
    pass


class Unfit(ValueError):
    """`code` is the validation's, None for what is answered as plain words."""

    def __init__(self, message: str, *, status: int = 400, code: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    created_by: str
    comment: str
    annotations: dict[str, str] = field(default_factory=dict)

    def state(self, now: datetime) -> str:
        if self.ends_at <= now:
            return "expired"
        return "pending" if self.starts_at > now else "active"

    def as_json(self, now: datetime) -> Json:
        told: Json = {
            "id": self.id, "status": {"state": self.state(now)}, "updatedAt": stamp(self.updated_at),
            "comment": self.comment, "createdBy": self.created_by, "endsAt": stamp(self.ends_at),
            "matchers": [
                {"isEqual": m.is_equal, "isRegex": m.is_regex, "name": m.name, "value": m.value} for m in self.matchers
            ],
            "startsAt": stamp(self.starts_at),
        }  # fmt: skip
        return told | ({"annotations": self.annotations} if self.annotations else {})


class Silences:
    def __init__(self) -> None:
        self._silences: dict[str, Silence] = {}

    def get(self, silence: str) -> Silence:
        if (found := self._silences.get(silence)) is None:
            raise NoSuchSilence(silence)
        return found

    def listed(self, now: datetime, filters: tuple[Matcher, ...] = ()) -> list[Silence]:
        """Active ones first, the soonest to end before the others. A filter is compared with their own matchers."""
        found = [s for s in self._silences.values() if all(each in s.matchers for each in filters)]
        return sorted(found, key=lambda s: (ORDER.index(s.state(now)), s.ends_at))

    def hiding(self, labels: dict[str, str], now: datetime) -> list[str]:
        """The ids of active ones that match."""
        return [s.id for s in self.listed(now) if s.state(now) == "active" and all_match(s.matchers, labels)]

    def put(self, body: Json, now: datetime) -> str:
        """Make or change one; answers the id that it has now. Raises `Unfit` and `NoSuchSilence`."""
        wanted = _read(body, now)
        before = self.get(wanted.id) if wanted.id else None
        if before is not None and _changes_in_place(before, wanted, now):
            self._silences[before.id] = replace(wanted, starts_at=before.starts_at)
            return before.id
        if before is not None and before.state(now) != "expired":
            self.expire(before.id, now)
        made = replace(wanted, id=str(uuid.uuid4()), starts_at=max(wanted.starts_at, now))
        self._silences[made.id] = made
        return made.id

    def expire(self, silence: str, now: datetime) -> None:
        """Safe to repeat. Raises `NoSuchSilence`."""
        found = self.get(silence)
        if found.state(now) == "expired":
            return
        starts_at = min(found.starts_at, now)
        self._silences[silence] = replace(found, starts_at=starts_at, ends_at=now, updated_at=now)

    def dump(self) -> list[Json]:
        now = max((s.updated_at for s in self._silences.values()), default=None)
        return [silence.as_json(now) for silence in self._silences.values()] if now else []

    def load(self, stored: list[Json]) -> None:
        for each in stored:
            silence = replace(_whole(each), id=each["id"], updated_at=datetime.fromisoformat(each["updatedAt"]))
            self._silences[silence.id] = silence


def _changes_in_place(before: Silence, wanted: Silence, now: datetime) -> bool:
    if set(before.matchers) != set(wanted.matchers):
        return False
    match before.state(now):
        case "active":
            return int(before.starts_at.timestamp()) == int(wanted.starts_at.timestamp())
        case "pending":
            return wanted.starts_at >= now
        case _:
            return False


def _read(body: Json, now: datetime) -> Silence:
    for name in REQUIRED:
        if body.get(name) is None:
            raise Unfit(f"{name} in body is required", status=422, code=602)
    if not body["matchers"]:
        raise Unfit("matchers in body should have at least 1 items", status=422, code=612)
    for number, matcher in enumerate(body["matchers"]):
        for name in ("isRegex", "name", "value"):
            if matcher.get(name) is None:
                raise Unfit(f"matchers.{number}.{name} in body is required", status=422, code=602)
            kind, go = (bool, "bool") if name == "isRegex" else (str, "string")
            if not isinstance(matcher[name], kind):
                raise _unparsed(
                    f"json: cannot unmarshal {type(matcher[name]).__name__.replace('str', 'string')} into Go struct "
                    f"field Silence.matchers.{number}.{name} of type {go}"
                )
    wanted = replace(_whole(body), id=body.get("id") or "", updated_at=now)
    if wanted.starts_at >= wanted.ends_at:
        raise Unfit("Failed to create silence: start time must be before end time")
    if wanted.ends_at < now:
        raise Unfit("Failed to create silence: end time can't be in the past")
    if all(matcher.matches({}) for matcher in wanted.matchers):
        raise Unfit("invalid silence: matcher set 0: at least one matcher must not match the empty string")
    return wanted


def _whole(body: Json) -> Silence:
    return Silence(
        id="", matchers=tuple(_matcher(number, each) for number, each in enumerate(body["matchers"])),
        starts_at=_time(body["startsAt"]), ends_at=_time(body["endsAt"]), updated_at=_time(body["endsAt"]),
        created_by=body["createdBy"], comment=body["comment"], annotations=body.get("annotations") or {},
    )  # fmt: skip


def _matcher(number: int, told: Json) -> Matcher:
    is_equal = told.get("isEqual") is not False
    if not told["isRegex"]:
        return Matcher(told["name"], Operator.EQUAL if is_equal else Operator.NOT_EQUAL, told["value"])
    try:
        re.compile(told["value"])
    except (re.error, OverflowError, RecursionError) as error:
        raise Unfit(
            f'invalid silence: invalid label matcher {number} in set 0: invalid regular expression "{told["value"]}": '
            f"error parsing regexp: {error}: `{told['value']}`"
        ) from None
    return Matcher(told["name"], Operator.MATCHES if is_equal else Operator.MATCHES_NOT, told["value"])


def _time(text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise _unparsed(f'parsing time "{text}" as "2006-01-02": cannot parse "{text}" as "2006"') from None
    return moment if moment.tzinfo else datetime.fromisoformat(f"{text}+00:00")


def _unparsed(why: str) -> Unfit:
    return Unfit(f'parsing silence body from "" failed, because {why}', code=400)
