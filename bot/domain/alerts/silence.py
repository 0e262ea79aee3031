"""Silences: Alertmanager's word for hiding alerts until some moment."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from bot.domain.alerts.matcher import Matcher


class SilenceState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceDraft:
    """What is asked for. `comment` carries our own id, so that it is found again after an unclear answer."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What the API tells of one. `created_by` and `comment` are untrusted: nobody proves who he is there."""

    id: str
    state: SilenceState
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str


class SilenceAction(StrEnum):
    """What is pressed where a silence is shown, and the dialog of one that is typed; the values are action ids that
    scripts rely on."""

    ADD = "silence.add"
    EXTEND = "silence.extend"
    EXPIRE = "silence.expire"


_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_SECONDS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRef:
    """Which silence a button is about, and when that ends as far as its presser can see: who presses it when that is no
    longer so meant something else."""

    source: str
    id: str
    ends_at: datetime

    @classmethod
    def of(cls, source: str, silence: Silence) -> Self:
        return cls(source=source, id=silence.id, ends_at=silence.ends_at)

    @property
    def parts(self) -> dict[str, str]:
        """What travels with a button or dialog."""
        return {"silence": self.id, "source": self.source, "ends": str(int(self.ends_at.timestamp()))}

    @property
    def can_travel(self) -> bool:
        """Whether it comes back as it left. Ids are Alertmanager's, or of whatever speaks like one."""
        return _ID.fullmatch(self.id) is not None

    def is_as_seen(self, silence: Silence) -> bool:
        """To the second: that is how exactly the end travels."""
        return int(silence.ends_at.timestamp()) == int(self.ends_at.timestamp())

    def written(self) -> str:
        return json.dumps(self.parts, separators=(",", ":"))


def read_ref(value: str) -> SilenceRef | None:
    """What `written` wrote; None for anything else. A key to look up, never an authority."""
    try:
        data = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    silence, source, ends = (data.get(name) for name in ("silence", "source", "ends"))
    if not (isinstance(silence, str) and isinstance(source, str) and isinstance(ends, str)):
        return None
    if not (_ID.fullmatch(silence) and _SECONDS.fullmatch(ends)):
        return None
    try:
        return SilenceRef(source=source, id=silence, ends_at=datetime.fromtimestamp(int(ends), UTC))
    except (OverflowError, ValueError):
        return None
