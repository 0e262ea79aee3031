"""The end of an act on a silence: written with its audit entry and answer, and told to the groups that it touches."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ulid import ULID

from bot.domain.alerts.alert import Alert
from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.standing import soonest
from bot.domain.request import Answer, Request
from bot.domain.text import Text
from bot.ports import Clock
from bot.ports_alerts import GroupConflict
from bot.ports_store import Store, Transaction
from bot.services.alerts.acting import about
from bot.services.alerts.showing import show
from bot.services.concluding import conclude
from bot.wake import Bells

MOST_TOLD = 20
NOTHING = Text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an act does to the groups of a source: those with alerts that it `means` are told. Without words of what was
    done they are looked at only: somebody acted on what they show, and that is no longer so."""

    source: str
    means: Callable[[Alert], bool]
    says: Text = NOTHING
    until: Text = NOTHING
    detail: Mapping[str, Any] = field(default_factory=dict)
    is_new: bool = False

    def note(self, number: int, of: int) -> Text:
        which = "its alerts" if number in (0, of) else f"{number} of its {of} alerts"
        return Text.of(self.says, which, self.until)


class SilenceEffects:
    """`conclude` is the one writer."""

    def __init__(self, store: Store, clock: Clock, bells: Bells) -> None:
        self._store, self._clock, self._bells = store, clock, bells

    async def conclude(
        self, request: Request, asked: str, answer: Answer, group: AlertGroup | None = None,
        effect: Effect | None = None,
    ) -> Answer:  # fmt: skip
        """Write it all, and have the groups that it touches looked at right away."""
        facts = about(group)
        if effect is not None:
            facts = replace(facts, detail={**facts.detail, **effect.detail})
        while True:
            try:
                async with self._store.writing() as tx:
                    if effect is not None:
                        await self._touch(tx, effect, group)
                    await conclude(tx, request, asked, answer, facts, now=self._clock.now())
                break
            except GroupConflict:
                continue
        self._bells.alerts.ring()
        self._bells.checks.ring()
        self._bells.outbox.ring()
        return answer

    async def _touch(self, tx: Transaction, effect: Effect, asked_of: AlertGroup | None) -> None:
        """Asking about one group asks about all of its source, so that the others need no mark. The gravest are chosen,
        and written in the order in which everybody writes them: nobody waits for each other."""
        now = self._clock.now()
        touched = [
            (group, number)
            for group in await tx.alerts.list_open(source=effect.source)
            if (number := sum(map(effect.means, group.alerts))) or (asked_of is not None and group.id == asked_of.id)
        ]
        for group, number in sorted(touched[:MOST_TOLD], key=lambda each: each[0].id):
            first = group.first_acted_at or (now if effect.is_new else None)
            written = await tx.alerts.swap(replace(group, check_at=soonest(group.check_at, now), first_acted_at=first))
            notes = [effect.note(number, len(group.alerts))] if effect.says.parts else []
            await show(tx, written, notes, at=None, now=now)


def id_of(request: Request) -> str:
    """What the silence carries that this act makes or changes: the same for every try of the same act."""
    return str(ULID(hashlib.sha256(request.id.encode()).digest()[:16]))
