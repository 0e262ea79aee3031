"""Whether a change has its quorum: every approver looked up again, the rules asked, the answer explained."""

import asyncio
from datetime import datetime, timedelta

from bot.domain.approval import ApprovalCase, RuleResult, Standing
from bot.domain.change import Change
from bot.domain.identity import UserId
from bot.domain.lifecycle import State
from bot.domain.pipeline import Configuration, Stage
from bot.ports import Clock
from bot.ports_store import Store
from bot.rules import evaluate
from bot.services.access import Access

REMEMBERED_FOR = timedelta(minutes=1)


class Approvers:
    def __init__(self, store: Store, access: Access, clock: Clock) -> None:
        self._store, self._access, self._clock = store, access, clock
        self._remembered: dict[tuple[UserId, str], tuple[Standing, datetime]] = {}

    async def judge(
        self, change: Change, stage: Stage, configuration: Configuration, fingerprint: str
    ) -> RuleResult | None:
        """What the rules say of the approvals that name `fingerprint`; None when the stage needs none.

        Looks that only watch may reuse a yes of the last minute; at the merge every approver is looked up anew.
        """
        if stage.approvals is None or stage.approvals.needed == 0:
            return None
        async with self._store.reading() as tx:
            given = await tx.approvals.list(change.id)
        approvals = tuple(a for a in given if a.fingerprint == fingerprint and not change.is_void(a))
        users = {a.user for a in approvals}
        standing = await self._standing(users, stage, fresh=change.state is State.MERGING)
        return evaluate(
            ApprovalCase(
                policy=stage.approvals, fingerprint=fingerprint, requester=change.requested_by,
                requester_person=configuration.person_key(change.requested_by),
                approvals=approvals, standing=standing, now=self._clock.now(),
            )
        )  # fmt: skip

    async def _standing(self, users: set[UserId], stage: Stage, *, fresh: bool) -> dict[UserId, Standing]:
        now = self._clock.now()
        known = {
            user: standing for (user, name), (standing, at) in self._remembered.items()
            if name == stage.name and user in users and not fresh and now - at < REMEMBERED_FOR
        }  # fmt: skip
        asked = sorted(users - set(known))
        found = await asyncio.gather(*(self._access.may_approve(user, stage) for user in asked))
        for user, standing in zip(asked, found, strict=True):
            if standing.may_approve:
                self._remembered[(user, stage.name)] = (standing, now)
            else:  # asked again at every look: neither a no nor an outage outlasts its cause
                self._remembered.pop((user, stage.name), None)
        return known | dict(zip(asked, found, strict=True))
