"""What the servers were asked, and the trouble they make on demand: request log, faults, and the middleware of both."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ServiceName = Literal["slack", "argocd", "github", "git", "alertmanager", "notifications"]
FaultKind = Literal["status", "timeout", "reset", "html", "slow", "apply_then_reset", "kill_before", "kill_after"]
KillBot = Callable[[str], Awaitable[None]]

SECRET_KEYS = re.compile(r"token|secret|password|authorization|private_key", re.IGNORECASE)
LOG_LIMIT = 20_000
LOG_BODY = web.RequestKey("log_body", object)
APPLIED = web.RequestKey("applied", bool)
HTML_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(slots=True, kw_only=True)
class LoggedRequest:
    """One request as it reached a server. `applied`: it took effect; `bot` is None for a person or a script; `ms` is
    how long the answer took, None while there is none."""

    n: int
    at: datetime
    bot: str | None
    service: ServiceName
    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int | None = None
    applied: bool = False
    ms: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "n": self.n, "at": self.at.isoformat().replace("+00:00", "Z"), "bot": self.bot, "service": self.service,
            "method": self.method, "path": self.path, "query": self.query, "body": self.body,
            "status": self.status, "applied": self.applied, "ms": self.ms,
        }  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Fault:
    """Trouble for the requests that match; `left` counts down, None means until it is ended.

    The first `skip` matching requests pass unharmed.
    """

    id: str
    service: ServiceName
    do: FaultKind
    method: str | None = None
    path: re.Pattern[str] | None = None
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    left: int | None = None
    bot: str | None = None
    skip: int = 0

    def matches(self, request: LoggedRequest) -> bool:
        return (
            self.left != 0
            and self.service == request.service
            and (self.method is None or self.method.upper() == request.method)
            and (self.path is None or self.path.search(request.path) is not None)
            and (self.bot is None or self.bot == request.bot)
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "service": self.service, "do": self.do, "method": self.method,
            "path": self.path.pattern if self.path else None, "status": self.status, "headers": self.headers,
            "seconds": self.seconds, "bot": self.bot, "left": self.left, "skip": self.skip,
        }  # fmt: skip


class Traffic:
    """Log and faults of all servers of one world.

    A request's bot is told by the local port it came in on: each bot gets ports of its own (`assign_port`), people
    and scripts use the main ones. `kill` is how a `kill_*` fault ends a bot; the world sets it.
    """

    def __init__(self) -> None:
        self._requests: list[LoggedRequest] = []
        self._last = 0
        self._faults: list[Fault] = []
        self._fault_ids = 0
        self._bot_of_port: dict[int, str] = {}
        self.kill: KillBot | None = None
        self.touched: Callable[[], None] = lambda: None

    def assign_port(self, port: int, bot: str) -> None:
        self._bot_of_port[port] = bot

    def bot_of(self, request: web.Request) -> str | None:
        name = request.transport.get_extra_info("sockname") if request.transport else None
        return self._bot_of_port.get(name[1]) if name else None

    def requests(self, *, service: str | None = None, after: int = 0) -> tuple[list[LoggedRequest], int]:
        """Requests with a number above `after`, oldest first, and the newest number of all."""
        found = [r for r in self._requests if r.n > after and (service is None or r.service == service)]
        return found, self._last

    def add_fault(self, fault: Fault) -> Fault:
        self._fault_ids += 1
        fault.id = f"F{self._fault_ids}"
        self._faults.append(fault)
        return fault

    def faults(self) -> list[Fault]:
        return list(self._faults)

    def dump(self) -> dict[str, int]:
        """What outlives a restart: the numbers, so that none is given twice. Requests and faults do not."""
        return {"last": self._last, "fault_ids": self._fault_ids}

    def load(self, data: dict[str, int]) -> None:
        self._last, self._fault_ids = data["last"], data["fault_ids"]

    def end_faults(self) -> None:
        """End all faults; requests that a `timeout` holds go on being held until their client gives up."""
        for fault in self._faults:
            fault.left = 0

    def middleware(self, service: ServiceName, path_is_git: Callable[[str], bool] = lambda _: False) -> Any:
        """The aiohttp middleware for one server. Requests whose path `path_is_git` are logged as service `git`.

        A handler may set `request[LOG_BODY]` (any JSON value) to replace what is logged as the body, and
        `request[APPLIED]` to say whether an answered request took effect (default: the status is below 400).
        """

        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            began = time.perf_counter()
            entry = await self._record("git" if path_is_git(request.path) else service, request)
            fault = self.fault_for(entry)
            try:
                if fault is None:
                    return await self._apply(entry, request, handler)
                if fault.left is not None:
                    fault.left -= 1
                return await self._trouble(fault, entry, request, handler)
            finally:
                entry.ms = round((time.perf_counter() - began) * 1000, 2)
                self.touched()

        return watch

    def enter(self, entry: LoggedRequest) -> LoggedRequest:
        """Number it, and put it into the log."""
        self._last += 1
        entry.n = self._last
        self._requests.append(entry)
        del self._requests[:-LOG_LIMIT]
        return entry

    def fault_for(self, entry: LoggedRequest) -> Fault | None:
        """The first fault that matches, unless it lets this one pass."""
        for fault in self._faults:
            if fault.matches(entry):
                if fault.skip == 0:
                    return fault
                fault.skip -= 1
        return None

    async def _record(self, service: ServiceName, request: web.Request) -> LoggedRequest:
        at, body = datetime.now(UTC), None if service == "git" else await _readable_body(request)
        return self.enter(
            LoggedRequest(
                n=0, at=at, bot=self.bot_of(request), service=service, method=request.method, path=request.path,
                query={k: redact_value(k, v) for k, v in request.query.items()}, body=body,
            )
        )  # fmt: skip

    async def _apply(self, entry: LoggedRequest, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            entry.status = error.status
            raise
        finally:
            if LOG_BODY in request:
                entry.body = redact(request[LOG_BODY])
        entry.status = response.status
        entry.applied = request.get(APPLIED, response.status < 400)
        return response

    async def _trouble(
        self, fault: Fault, entry: LoggedRequest, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        match fault.do:
            case "status":
                entry.status = fault.status
                body = json.dumps({"message": "fault", "error": "fault", "ok": False})
                return web.Response(
                    status=fault.status, headers=fault.headers, text=body, content_type="application/json"
                )
            case "html":
                entry.status = fault.status
                return web.Response(
                    status=fault.status, headers=fault.headers, text=HTML_PAGE, content_type="text/html"
                )
            case "timeout":
                await asyncio.sleep(fault.seconds if fault.seconds is not None else 3600)
                return _dropped(request)
            case "slow":
                await asyncio.sleep(fault.seconds if fault.seconds is not None else 1)
                return await self._apply(entry, request, handler)
            case "reset":
                return _dropped(request)
            case "apply_then_reset":
                await self._apply_unheard(entry, request, handler)
                return _dropped(request)
            case "kill_before":
                await self.kill_bot(entry.bot)
                return _dropped(request)
            case "kill_after":
                await self._apply_unheard(entry, request, handler)
                await self.kill_bot(entry.bot)
                return _dropped(request)

    async def _apply_unheard(self, entry: LoggedRequest, request: web.Request, handler: Handler) -> None:
        with contextlib.suppress(web.HTTPException):  # an answer like any other
            await self._apply(entry, request, handler)

    async def kill_bot(self, name: str | None) -> None:
        if self.kill is not None and name is not None:
            await self.kill(name)


def redact(value: Any) -> Any:
    """A copy of JSON data with the values of secret-looking keys replaced."""
    if isinstance(value, dict):
        return {key: redact_value(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item) for item in value]
    return value


def redact_value(key: str, value: Any) -> Any:
    return "<redacted>" if SECRET_KEYS.search(key) and isinstance(value, str) else redact(value)


async def _readable_body(request: web.Request) -> Any:
    if not request.can_read_body:
        return None
    raw = await request.read()
    try:
        return redact(json.loads(raw))
    except ValueError:
        pass
    if request.content_type == "application/x-www-form-urlencoded":
        return redact({key: str(value) for key, value in (await request.post()).items()})
    return raw[:2000].decode("utf-8", "replace")


def _dropped(request: web.Request) -> web.Response:
    """Cut the connection; the response that aiohttp wants goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)
