"""The watch: which applications moved, from one stream for the whole bot.

The stream is opened without `resourceVersion`: its snapshot makes the headers come at once, and is the list that every
reconnect needs. A watch loses events in silence (between snapshot and subscription, when buffers overflow, when an
application leaves our sight), so "anything may have moved" is said after each snapshot and every few minutes besides.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable

import structlog
from pydantic import ValidationError

from bot.domain.pipeline import ArgocdReference
from bot.integrations.argocd.errors import API, error_of, read_complaint
from bot.integrations.argocd.sse import EventLines
from bot.integrations.argocd.transport import Patience, Transport
from bot.integrations.argocd.wire import WatchedApplication, WatchMessage
from bot.ports import Denied, OutsideError, Unavailable
from bot.tasks import TaskSet

log = structlog.get_logger(__name__)

STREAM = "/api/v1/stream/applications"
FIELDS = ",".join(
    [
        "result.type",
        *(
            f"result.application.{field}"
            for field in (
                "metadata.name",
                "metadata.namespace",
                "metadata.deletionTimestamp",
                "spec.project",
                # Argo CD does not send the same payload twice: what is named here is what counts as having moved.
                # The resource version is left out on purpose, it moves with every look that Argo CD takes.
                "spec.syncPolicy.automated",
                "operation.info",
                "operation.sync.revision",
                "status.sync.status",
                "status.sync.revision",
                "status.health.status",
                "status.operationState.phase",
                "status.operationState.message",
                "status.operationState.startedAt",
            )
        ),
        "error",  # a projection drops what it does not name, errors too
    ]
)

_chance = random.SystemRandom()


class Moved:
    """What moved and was not told yet: each application once, however often it moved. Adding never waits."""

    def __init__(self) -> None:
        self._references: dict[ArgocdReference, None] = {}
        self._anything = False
        self._some = asyncio.Event()

    def add(self, reference: ArgocdReference) -> None:
        self._references[reference] = None
        self._some.set()

    def add_anything(self) -> None:
        """Everything waiting is covered by this."""
        self._anything = True
        self._references.clear()
        self._some.set()

    async def next(self) -> ArgocdReference | None:
        """The next application, or None: any."""
        await self._some.wait()
        if self._anything:
            self._anything = False
            reference = None
        else:
            reference = next(iter(self._references))
            del self._references[reference]
        if not self._references:
            self._some.clear()
        return reference


class Watch:
    """One reader task and one reminder, for as long as `references` is iterated."""

    def __init__(
        self, transport: Transport, *, instance: str, projects: tuple[str, ...] = (), patience: Patience
    ) -> None:
        self._transport, self._instance, self._projects, self._patience = transport, instance, projects, patience
        self._project_of: dict[tuple[str, str], str] = {}
        self._moved = Moved()
        self._troubled = False

    async def references(self) -> AsyncGenerator[ArgocdReference | None, None]:
        """What moved, endlessly; failures are waited out and logged once. Close the iterator to end the tasks."""
        tasks = TaskSet(f"argocd.{self._instance}")
        tasks.start(self._read_for_ever(), name="watch")
        tasks.start(self._remind(), name="remind")
        try:
            while True:
                yield await self._moved.next()
        finally:
            await tasks.close()

    async def _remind(self) -> None:
        while True:
            await asyncio.sleep(self._patience.relist)
            self._moved.add_anything()

    async def _read_for_ever(self) -> None:
        failures = 0
        while True:
            connection = _Connection(self._moved, self._instance, self._project_of, self._patience)
            try:
                await connection.read(self._transport, self._projects, self._recovered)
                failure: OutsideError = Unavailable("argocd", "the stream ended")
            except OutsideError as error:
                failure = error
            failures = 1 if connection.was_live else failures + 1
            await asyncio.sleep(self._back_off(failure, failures))

    def _recovered(self) -> None:
        if self._troubled:
            self._troubled = False
            log.info("argocd.watch.recovered", instance=self._instance)

    def _back_off(self, failure: OutsideError, failures: int) -> float:
        """Seconds until the next try. A stream that ended after it lived is normal; trouble is logged once."""
        if failures > 1 or isinstance(failure, Denied):
            if not self._troubled:
                self._troubled = True
                log.warning("argocd.watch.failing", instance=self._instance, reason=failure.reason)
        else:
            log.debug("argocd.watch.ended", instance=self._instance, reason=failure.reason)
        if isinstance(failure, Denied):
            return self._patience.back_off_denied
        longest = min(self._patience.back_off_most, self._patience.back_off_first * 2.0 ** min(failures - 1, 16))
        return longest * _chance.uniform(0.5, 1)


class _Connection:
    """One stream from its opening to its end."""

    def __init__(self, moved: Moved, instance: str, project_of: dict[tuple[str, str], str], patience: Patience) -> None:
        self._moved, self._instance, self._project_of, self._patience = moved, instance, project_of, patience
        self._settled = False
        self._timer: asyncio.TimerHandle | None = None
        self._settle_by = 0.0
        self.was_live = False

    async def read(self, transport: Transport, projects: tuple[str, ...], on_live: Callable[[], None]) -> None:
        """Until the stream ends; raises the error that ended it."""
        query = [*(("projects", project) for project in projects), ("fields", FIELDS)]
        lines = EventLines()
        try:
            async with transport.stream(STREAM, query) as chunks:
                async for chunk in chunks:
                    for text in lines.feed(chunk):
                        self._take(text, on_live)
                for text in lines.end():
                    self._take(text, on_live)
        except ValueError as error:
            raise API.not_understood(f"in the watch, {error}") from error
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _take(self, text: str, on_live: Callable[[], None]) -> None:
        try:
            message = WatchMessage.model_validate_json(text)
        except ValidationError as error:
            raise API.not_understood(f"in the watch, {text[:80]}") from error
        if message.error is not None or message.result is None:
            complaint = read_complaint(200, text.encode())
            raise error_of(complaint) if complaint is not None else API.not_understood(f"in the watch, {text[:80]}")
        if not self.was_live:
            self.was_live = True
            self._settle_by = asyncio.get_running_loop().time() + self._patience.settle_most
            self._moved.add_anything()
            on_live()
        in_snapshot = not self._settled and message.result.type == "ADDED"
        if in_snapshot:
            self._expect_the_end_of_the_snapshot()
        self._note(message.result.application, tell=not in_snapshot)

    def _note(self, application: WatchedApplication, *, tell: bool) -> None:
        place = (application.metadata.namespace, application.metadata.name)
        if not all(place):
            return
        project = application.spec.project
        before = self._project_of.get(place, project)
        self._project_of[place] = project
        if tell:
            for name in {before, project}:  # who knows it under its old project must look too
                self._moved.add(
                    ArgocdReference(instance=self._instance, project=name, namespace=place[0], name=place[1])
                )

    def _expect_the_end_of_the_snapshot(self) -> None:
        """Nothing marks it: it is over when it has been quiet for a moment. The subscription starts only then."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(min(loop.time() + self._patience.settle, self._settle_by), self._settle)

    def _settle(self) -> None:
        self._settled = True
        self._moved.add_anything()
