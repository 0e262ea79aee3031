"""What a strategy answers: the small protocol that every way of writing a promotion to Git implements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.change import ValueChange
from bot.ports import Git


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One environment as it stands in one commit (or tree)."""

    environment: str
    treeish: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A promotion that can be written: these files get these bytes on the target's base.

    `notes` are sentences for people, without end punctuation: what was added, left alone or found odd.
    """

    values: tuple[ValueChange, ...]
    files: Mapping[str, bytes] = field(repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToPromote:
    """The target already says what the source says."""

    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotPlan:
    """The promotion cannot be written as the files stand. `reason` is a sentence, `way_out` what a person can do."""

    slug: str
    reason: str
    way_out: str = ""


class Strategy(Protocol):
    """How a promotion is written to Git. One implementation per file of this folder, one line in `roster`."""

    async def plan(self, git: Git, *, source: Side, target: Side) -> Plan | NothingToPromote | CannotPlan:
        """What carries the source's values, as of the revision that it deployed, onto the target's base.

        Only reads. Same input, same plan. Raises what `git` raises.
        """
        ...

    async def active_differences(self, git: Git, *, active: Side, result: Side) -> tuple[ValueChange, ...] | CannotPlan:
        """The values that this strategy carries, as they run (at the active revision) against what would ship.

        Both sides are of the same environment.
        """
        ...
