"""The API v2, and what lies around it: health, the old API's end, a plain page."""

import json
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from html import escape
from typing import Any

from aiohttp import web

from bot.domain.alerts.matcher import BrokenMatcher, Matcher, all_match, parse_matchers
from bot.sandbox.alertmanager.alerts import Alert, Untellable, place, stamp
from bot.sandbox.alertmanager.silences import NoSuchSilence, Unfit
from bot.sandbox.alertmanager.state import State

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
YES = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
V1_IS_GONE = (
    "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the "
    "equivalent route in the v2 API"
)


class Said(Exception):
    """A refusal in words (a JSON string)."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Coded(Exception):
    """A refusal of the framework in front of the API (an object)."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@web.middleware
async def as_go_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    is_api = request.path.startswith("/api/v2")
    try:
        response = await handler(request)
    except Said as refusal:
        response = _json(refusal.words, refusal.status)
    except Coded as refusal:
        response = _coded(refusal.status, refusal.code, refusal.message)
    except web.HTTPMethodNotAllowed as refusal:
        allowed = ",".join(sorted(refusal.allowed_methods - {"HEAD"}))
        response = _coded(405, 405, f"method {request.method} is not allowed, but [{allowed}] are")
    except web.HTTPNotFound:
        if is_api:
            response = _coded(404, 404, f"path {request.path} was not found")
        else:
            response = web.Response(status=404, text="404 page not found\n")
    if is_api:
        response.headers["Cache-Control"] = "no-store"
    return response


class Endpoints:
    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get("/-/healthy", self.healthy),
            web.get("/-/ready", self.healthy),
            web.get("/api/v1/{tail:.*}", self.gone),
            web.get("/api/v2/status", self.status),
            web.get("/api/v2/receivers", self.receivers),
            web.get("/api/v2/alerts", self.alerts),
            web.post("/api/v2/alerts", self.post_alerts),
            web.get("/api/v2/alerts/groups", self.groups),
            web.get("/api/v2/silences", self.silences),
            web.post("/api/v2/silences", self.post_silence),
            web.get("/api/v2/silence/{id}", self.silence),
            web.delete("/api/v2/silence/{id}", self.expire),
        ]

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="OK")

    async def gone(self, request: web.Request) -> web.Response:
        return _json({"status": "deprecated", "error": V1_IS_GONE}, 410)

    async def status(self, request: web.Request) -> web.Response:
        return _json({
            "cluster": {"peers": [], "status": "disabled"},
            "config": {"original": "# the sandbox's own\n"},
            "uptime": stamp(self._state.started_at),
            "versionInfo": {
                "branch": "sandbox", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "",
                "version": "0.33.1",
            },
        })  # fmt: skip

    async def receivers(self, request: web.Request) -> web.Response:
        return _json([{"labels": {"name": name}, "name": name} for name in self._state.setup.receivers])

    async def alerts(self, request: web.Request) -> web.Response:
        return _json([self._alert(alert) for alert in self._asked_for(request)])

    async def groups(self, request: web.Request) -> web.Response:
        asked = {alert.fingerprint: alert for alert in self._asked_for(request)}
        found = []
        for group in self._state.dispatcher.groups:
            members = sorted((asked[name] for name in group.members if name in asked), key=place)
            if members:
                told = [self._alert(alert) for alert in members]
                found.append({"alerts": told, "labels": group.labels, "receiver": {"name": group.receiver}})
        return _json(found)

    async def post_alerts(self, request: web.Request) -> web.Response:
        body = await _body(request, "alerts")
        if not isinstance(body, list):
            raise Coded(
                400, 400, 'parsing alerts body from "" failed, because json: cannot unmarshal object into Go value of '
                "type models.PostableAlerts",
            )  # fmt: skip
        for each in body:
            try:
                self._state.tell(
                    each.get("labels") or {}, each.get("annotations") or {}, starts_at=_time(each.get("startsAt")),
                    ends_at=_time(each.get("endsAt")), generator_url=each.get("generatorURL") or "",
                )  # fmt: skip
            except Untellable as error:
                raise Said(400, str(error)) from None
        return web.Response(status=200)

    async def silences(self, request: web.Request) -> web.Response:
        now = self._state.now()
        return _json([each.as_json(now) for each in self._state.silences.listed(now, _filters(request))])

    async def post_silence(self, request: web.Request) -> web.Response:
        body = await _body(request, "silence")
        try:
            made = self._state.silences.put(body if isinstance(body, dict) else {}, self._state.now())
        except Unfit as error:
            if error.code is None:
                raise Said(error.status, str(error)) from None
            raise Coded(error.status, error.code, str(error)) from None
        except NoSuchSilence:
            raise Said(404, "silence not found") from None
        self._state.touched()
        return _json({"silenceID": made})

    async def silence(self, request: web.Request) -> web.Response:
        try:
            return _json(self._state.silences.get(_id(request)).as_json(self._state.now()))
        except NoSuchSilence:
            return web.Response(status=404)

    async def expire(self, request: web.Request) -> web.Response:
        try:
            self._state.silences.expire(_id(request), self._state.now())
        except NoSuchSilence:
            return web.Response(status=404)
        self._state.touched()
        return web.Response(status=200)

    async def page(self, request: web.Request) -> web.Response:
        """What the links of alerts lead to."""
        rows = "".join(
            f"<li><code>{escape(' '.join(f'{n}={v}' for n, v in sorted(alert.labels.items())))}</code></li>"
            for alert in self._state.firing()
        )
        html = f"<!doctype html><title>Alertmanager</title><h1>Firing</h1><ul>{rows or '<li>nothing</li>'}</ul>"
        return web.Response(text=html, content_type="text/html")

    def _asked_for(self, request: web.Request) -> list[Alert]:
        filters = _filters(request)
        try:
            receiver = re.compile(request.query.get("receiver", ".*"))
        except re.error as error:
            pattern = f"^(?:{request.query['receiver']})$"
            words = f"failed to parse receiver param: error parsing regexp: {error}: `{pattern}`"
            raise Said(400, words) from None
        found = []
        for alert in self._state.firing():
            silenced, inhibited = self._state.silenced_by(alert), self._state.inhibited_by(alert)
            is_left_out = (
                (silenced and not _flag(request, "silenced"))
                or (inhibited and not _flag(request, "inhibited"))
                or (not silenced and not inhibited and not _flag(request, "active"))
            )
            if (
                not is_left_out
                and all_match(filters, alert.labels)
                and receiver.fullmatch(self._state.receiver_of(alert))
            ):
                found.append(alert)
        return found

    def _alert(self, alert: Alert) -> Json:
        silenced, inhibited = self._state.silenced_by(alert), self._state.inhibited_by(alert)
        return {
            "annotations": alert.annotations, "endsAt": stamp(alert.end(self._state.now())),
            "fingerprint": alert.fingerprint, "receivers": [{"name": self._state.receiver_of(alert)}],
            "startsAt": stamp(alert.starts_at),
            "status": {
                "inhibitedBy": inhibited, "mutedBy": [], "silencedBy": silenced,
                "state": "suppressed" if silenced or inhibited else "active",
            },
            "updatedAt": stamp(alert.updated_at), "generatorURL": alert.generator_url, "labels": alert.labels,
        }  # fmt: skip


def _json(value: Any, status: int = 200) -> web.Response:
    return _typed(json.dumps(value) + "\n", status)


def _coded(status: int, code: int, message: str) -> web.Response:
    return _typed(json.dumps({"code": code, "message": message}), status)


def _typed(text: str, status: int) -> web.Response:
    """Without a charset, as Go's framework writes it."""
    return web.Response(status=status, body=text.encode(), headers={"Content-Type": "application/json"})


async def _body(request: web.Request, what: str) -> Any:
    raw = await request.read()
    if not raw:
        raise Coded(422, 602, f"{what} in body is required")
    if request.content_type != "application/json":
        raise Coded(415, 415, f'unsupported media type "{request.content_type}", only [application/json] are allowed')
    try:
        return json.loads(raw)
    except ValueError:
        raise Coded(400, 400, f'parsing {what} body from "" failed, because unexpected EOF') from None


def _filters(request: web.Request) -> tuple[Matcher, ...]:
    found: list[Matcher] = []
    for text in request.query.getall("filter", []):
        try:
            found += parse_matchers(text)
        except BrokenMatcher:
            why = "unexpected open or close brace" if text[:1] in "{}" else "bad matcher format"
            raise Said(400, f"{why}: {text}") from None
    return tuple(found)


def _flag(request: web.Request, name: str) -> bool:
    """A value that is none counts as no."""
    return request.query.get(name, "true").lower() in YES


def _id(request: web.Request) -> str:
    silence = request.match_info["id"]
    try:
        return str(uuid.UUID(silence))
    except ValueError:
        raise Coded(422, 601, f'silenceID in path must be of type uuid: "{silence}"') from None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
