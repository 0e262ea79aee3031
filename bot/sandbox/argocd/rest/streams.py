"""The watch streams: NDJSON or Server-Sent Events, silent until the first event, cut without a final chunk."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.rbac import Account
from bot.sandbox.argocd.registry import Watcher, WatchEvent
from bot.sandbox.argocd.rest.gateway import Server
from bot.sandbox.argocd.selectors import BadSelector, Requirement, parse_selector
from bot.sandbox.argocd.tree import resource_tree
from bot.sandbox.argocd.wire import UNKNOWN, ApiError, dumps, field_names, only_fields

KEEP_ALIVE_SECONDS = 15.0
CLIENT_CHECK_SECONDS = 2.0


class Wire:
    """One client's stream. Nothing is sent, not even headers, before the first message."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._fields = field_names(request.query.get("fields"))
        self.is_sse = request.headers.get("Accept") == "text/event-stream"
        self.response: web.StreamResponse | None = None
        self.first_at = 0.0

    @property
    def is_gone(self) -> bool:
        return self._request.transport is None or self._request.transport.is_closing()

    def shown(self, message: Json) -> str:
        return dumps(only_fields(message, self._fields) if self._fields else message)

    async def send(self, text: str) -> None:
        response = await self._opened(200)
        head, tail = (b"data: ", b" \n\n") if self.is_sse else (b"", b"")
        if self._fields:
            await response.write(head + text.encode() + tail + b"\n")
        else:
            await response.write(head + text.encode() + tail)
            await response.write(b"\n")

    async def keep_alive(self) -> None:
        if self.response is not None:
            await self.response.write(b":\n")

    async def refuse(self, error: ApiError) -> web.StreamResponse:
        """An error before any data: its status, the nested form, and an orderly end."""
        response = await self._opened(error.status)
        text = self.shown(error.streamed()).encode()
        await response.write(b"data: " + text + b" \n\n" if self.is_sse else text)
        await response.write_eof()
        return response

    def cut(self) -> web.StreamResponse:
        """End the connection without the final chunk."""
        if self._request.transport is not None:
            self._request.transport.close()
        return self.response or web.Response(status=499)

    async def _opened(self, status: int) -> web.StreamResponse:
        if self.response is None:
            kind = "text/event-stream" if self.is_sse else "application/json"
            headers = {"Content-Type": kind}
            headers |= {"X-Content-Type-Options": "nosniff"} if self.is_sse else {"Vary": "Accept-Encoding"}
            if status == 200:
                headers["Grpc-Metadata-Content-Type"] = "application/grpc"
            self.response = web.StreamResponse(status=status, headers=headers)
            self.response.enable_chunked_encoding()
            await self.response.prepare(self._request)
            self.first_at = asyncio.get_running_loop().time()
        return self.response


class StreamEndpoints:
    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/stream/applications", self.applications),
            web.get("/api/v1/stream/applications/{name}/resource-tree", self.tree),
        ]

    async def applications(self, request: web.Request) -> web.StreamResponse:
        wire = Wire(request)
        try:
            account = self._server.caller(request)
            interest = _Interest(request, account)
        except ApiError as error:
            return await wire.refuse(error)
        snapshot = [WatchEvent("ADDED", app.as_json()) for app in self._server.registry]
        watcher = self._server.registry.watch()
        said: dict[str, str] = {}
        try:
            if interest.wants_snapshot:
                for event in snapshot:
                    await self._pass_on(wire, interest, event, said)
            async for event in self._events(wire, watcher):
                await self._pass_on(wire, interest, event, said)
        except ConnectionError:
            pass
        finally:
            self._server.registry.unwatch(watcher)
        return wire.cut()

    async def tree(self, request: web.Request) -> web.StreamResponse:
        """The application's tree after each change; nothing at the beginning."""
        wire = Wire(request)
        try:
            app, _ = self._server.application(request, "get")
        except ApiError as error:
            return await wire.refuse(error)
        watcher = self._server.registry.watch()
        last = dumps(resource_tree(app))
        try:
            async for event in self._events(wire, watcher):
                tree = resource_tree(app)
                if event.application["metadata"]["name"] == app.name and dumps(tree) != last:
                    last = dumps(tree)
                    await wire.send(wire.shown({"result": tree}))
        except ConnectionError:
            pass
        finally:
            self._server.registry.unwatch(watcher)
        return wire.cut()

    async def _pass_on(self, wire: Wire, interest: "_Interest", event: WatchEvent, said: dict[str, str]) -> None:
        if interest.covers(event.application):
            text = wire.shown({"result": {"type": event.type, "application": event.application}})
            name = event.application["metadata"]["name"]
            if said.get(name) != text:
                said[name] = text
                await wire.send(text)

    async def _events(self, wire: Wire, watcher: Watcher) -> AsyncIterator[WatchEvent]:
        """Events until the server ends the stream or the client is gone; keeps SSE clients alive meanwhile."""
        loop, interval = asyncio.get_running_loop(), self._server.clock.real(KEEP_ALIVE_SECONDS)
        alive_until = 0.0
        while not wire.is_gone:
            wait = CLIENT_CHECK_SECONDS
            if wire.is_sse and wire.response is not None:
                alive_until = alive_until or wire.first_at + interval
                wait = min(wait, max(0.0, alive_until - loop.time()))
            try:
                async with asyncio.timeout(wait):
                    event = await watcher.queue.get()
            except TimeoutError:
                if alive_until and loop.time() >= alive_until:
                    alive_until += interval
                    await wire.keep_alive()
                continue
            if event is None:
                return
            yield event


class _Interest:
    """Which applications a watch asks for. Raises `ApiError` for a bad selector."""

    def __init__(self, request: web.Request, account: Account) -> None:
        query = request.query
        self._account = account
        self._name = query.get("name", "")
        self._projects = query.getall("projects", [])
        try:
            self._selected: Requirement = parse_selector(query.get("selector", ""))
        except BadSelector as bad:
            raise ApiError(UNKNOWN, f"error parsing labels with selectors: {bad}") from None
        version = query.get("resourceVersion", "")
        self.wants_snapshot = not version or bool(self._name)
        self._least = int(version) if version.isdigit() else 0

    def covers(self, application: dict[str, Any]) -> bool:
        meta, project = application["metadata"], application["spec"].get("project") or "default"
        return (
            self._account.may("applications", "get", f"{project}/{meta['name']}")
            and self._name in {"", meta["name"]}
            and (not self._projects or project in self._projects)
            and self._selected(meta.get("labels") or {})
            and int(meta["resourceVersion"]) >= self._least
        )
