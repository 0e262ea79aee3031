"""The two answers of a decision: go on, or wait; each with its reason for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.domain.identity import SYSTEM
from bot.domain.lifecycle import Event
from bot.domain.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Take `event`. `facts` are fields of the change that become known with it; `note` goes to the card's thread."""

    event: Event
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    note: Text | None = None
    actor: str = SYSTEM
    look_again: timedelta = timedelta(0)  # when the new state is worked on: at once, unless something needs a moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do before `look_again` has passed or somebody wakes us."""

    reason: str
    look_again: timedelta
    facts: Mapping[str, Any] = field(default_factory=dict)


Decision = Advance | Wait
