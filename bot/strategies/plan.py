"""What a strategy answers: the small protocol that every way of writing a promotion to Git implements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.change import ValueChange
from bot.domain.identity import Revision
from bot.ports import Commit, Git


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
class MergePlan:
    """A promotion that is a merge: a commit of the target's base and `merged`, with this tree."""

    merged: Revision
    tree: str
    values: tuple[ValueChange, ...] = ()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictedPath:
    """A path in conflict, and who touched it last on each branch since they parted; None: nobody did."""

    path: str
    on_target: Commit | None
    on_source: Commit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflicts:
    """Both branches changed the same places, and git cannot merge them. `paths` are the first of `total`."""

    source_branch: str
    target_branch: str
    paths: tuple[ConflictedPath, ...]
    total: int


PlanAnswer = Plan | MergePlan | NothingToPromote | CannotPlan | Conflicts


class Strategy(Protocol):
    """How a promotion is written to Git. One implementation per file of this folder, one line in `roster`."""

    async def plan(self, git: Git, *, source: Side, target: Side) -> PlanAnswer:
        """What carries the source, as of the revision that it deployed, onto the target's base.

        Only reads. Same input, same plan. Raises what `git` raises.
        """
        ...

    async def active_differences(self, git: Git, *, active: Side, result: Side) -> tuple[ValueChange, ...] | CannotPlan:
        """The values that this strategy carries, as they run (at the active revision) against what would ship.

        Both sides are of the same environment.
        """
        ...
