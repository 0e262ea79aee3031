"""Recording what people did before it is answered: one short transaction, shared by all who come at the same moment.

Every acknowledgement waits for its commit, and a commit for the disk. A burst would wait for one disk write each, in
turn; so whoever arrives while no more can be written at once goes into the next commit together. How that is done is
each database's own: `bot.store.threaded` and `bot.store.kept_commits`.
"""

import asyncio

from bot.domain.audit import AuditEntry
from bot.domain.identity import ChangeId
from bot.domain.incoming import Ack, Incoming
from bot.domain.request import Answer
from bot.store.acts import PATIENCE_SECONDS, Act, ActRows
from bot.store.audit import audit_row
from bot.store.commits import Commits
from bot.store.documents import ACK
from bot.store.engine import open_blocking_engine
from bot.store.inbound import inbound_row
from bot.store.lone import LoneCommits
from bot.store.outbox import answer_row
from bot.store.threaded import ThreadedCommits


class Recorder:
    """`record` returns after the commit. `turn` is held while it writes, where a database has one writer at a time.

    An act that nobody waits for any more, because the database took too long, is not committed when it wakes up: who
    sent it was told that nothing has happened.
    """

    def __init__(self, url: str, owner: str, turn: asyncio.Lock | None, lone: LoneCommits | None) -> None:
        self._commits = _commits(url, owner, turn, lone)
        self._is_patient = turn is not None  # SQLite has nothing to wait for but its disk

    async def record(
        self, incoming: Incoming, ack: Ack, entry: AuditEntry, *, done: bool, answer: Answer | None = None,
        touch: ChangeId | None = None,
    ) -> Ack | None:  # fmt: skip
        """See `bot.ports_store.Store.record`."""
        now, loop = entry.at, asyncio.get_running_loop()
        act = Act(
            id=incoming.id, at=now, touch=touch,
            received=inbound_row(incoming, ack, now=now, done=done), audited=audit_row(entry),
            answered=answer_row(incoming.request, answer, now=now) if answer and answer.text.parts else None,
            known=loop.create_future(),
        )  # fmt: skip
        self._commits.take(act)
        if self._is_patient:
            known = await act.known
        else:
            limit = loop.call_later(PATIENCE_SECONDS, act.end, TimeoutError())
            try:
                known = await act.known
            finally:
                limit.cancel()
        return ACK.validate_json(known) if known is not None else None

    async def close(self) -> None:
        """Acts that wait for their commit are cancelled: who sent them gets no acknowledgement."""
        await self._commits.close()


def _commits(url: str, owner: str, turn: asyncio.Lock | None, lone: LoneCommits | None) -> Commits[Act]:
    if turn is not None and lone is not None:
        engine = open_blocking_engine(url)
        return ThreadedCommits("recorder", engine, ActRows(engine.dialect), turn, lone)
    from bot.store.kept_commits import KeptCommits  # loads the driver, which SQLite does without

    return KeptCommits(url, owner)
