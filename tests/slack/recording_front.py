"""A front that records in the real inbox and keeps what it was given."""

from datetime import UTC, datetime

from bot.domain.audit import AuditEntry
from bot.domain.dialog import Dialog
from bot.domain.incoming import Ack, Incoming
from bot.domain.request import Answer
from bot.store.store import SqlStore


class RecordingFront:
    """Records as the chat's front does; `answers` says what it answers to which action."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.taken: list[Incoming] = []
        self.looked: list[Incoming] = []
        self.shown: Dialog | None = None
        self.refused: list[str | None] = []
        self.answers: dict[str, Ack] = {}
        self.broken = False
        self.failure: Exception = RuntimeError("the disk is full")  # what a broken one raises

    async def take(self, incoming: Incoming, *, refusal: Answer | None = None) -> Ack:
        if self.broken:
            raise self.failure
        if refusal is not None:
            self.refused.append(refusal.refused)
            return Ack(text=refusal.text)
        ack = self.answers.get(incoming.action, Ack())
        entry = AuditEntry(at=datetime.now(UTC), actor=incoming.user, action="received", outcome="done", text="")
        if (known := await self._store.record(incoming, ack, entry, done=True)) is not None:
            return known
        self.taken.append(incoming)
        return ack

    async def look(self, incoming: Incoming) -> Dialog | None:
        self.looked.append(incoming)
        return self.shown
