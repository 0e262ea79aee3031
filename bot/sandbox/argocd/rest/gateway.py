"""What every endpoint shares: the parts of the server, who calls, request bodies, and finding an Application."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.argocd.admission import Admission
from bot.sandbox.argocd.application import NAMESPACE, Application
from bot.sandbox.argocd.clock import Clock
from bot.sandbox.argocd.controller import Controller
from bot.sandbox.argocd.git import GitReader
from bot.sandbox.argocd.objects import Json
from bot.sandbox.argocd.projects import Projects
from bot.sandbox.argocd.rbac import Account, Accounts
from bot.sandbox.argocd.registry import Registry
from bot.sandbox.argocd.rendering import Renderer
from bot.sandbox.argocd.wire import DEADLINE, DENIED, INTERNAL, INVALID, NOT_FOUND, ApiError, plain

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
TIMEOUT_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
GO_TYPES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The parts that endpoints work with."""

    clock: Clock
    registry: Registry
    projects: Projects
    accounts: Accounts
    git: GitReader
    renderer: Renderer
    controller: Controller
    admission: Admission

    def caller(self, request: web.Request) -> Account:
        """Raises `ApiError` 401."""
        return self.accounts.authenticate(request.headers.get("Authorization"), request.cookies.get("argocd.token"))

    def application(
        self, request: web.Request, action: str, *, project: str | None = None, namespace: str | None = None
    ) -> tuple[Application, Account]:
        """The named Application for a caller who may `action` it, or 403 and 404 exactly as the real server mixes them.

        `project` and `namespace` come from the body where the endpoint takes them there, else from the query.
        """
        account = self.caller(request)
        name = request.match_info["name"]
        if project is None:
            project = request.query.get("project", "")
        if namespace is None:
            namespace = request.query.get("appNamespace", "")
        denied = ApiError(DENIED, "permission denied")
        missing = ApiError(NOT_FOUND, f'applications.argoproj.io "{name}" not found') if project else denied
        if namespace not in {"", NAMESPACE}:
            raise denied
        if project and not account.may("applications", action, f"{project}/{name}"):
            raise denied
        found = self.registry.find(name)
        if found is None:
            raise missing
        if not account.may("applications", action, f"{found.project}/{name}"):
            raise missing
        if project and project != found.project:
            raise missing
        return found, account


async def body_of(request: web.Request, message: str, fields: Mapping[str, type]) -> Json:
    """The JSON body as the gateway decodes it: unknown fields ignored, wrong types refused in Go's words."""
    text = await request.text()
    if not text.strip():
        return {}
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ApiError(INVALID, _go_syntax_error(text, error)) from None
    if not isinstance(data, dict):
        kind = GO_TYPES.get(type(data), "null")
        raise ApiError(INVALID, f"json: cannot unmarshal {kind} into Go value of type application.{message}")
    names = {name.lower(): name for name in fields}
    taken = {names[key.lower()]: value for key, value in data.items() if key.lower() in names and value is not None}
    for name, value in taken.items():
        _check_type(f"{message}.{name}", value, fields[name])
    return taken


def _check_type(where: str, value: Any, wanted: type) -> None:
    if type(value) is not wanted:
        go = {str: "string", bool: "bool", int: "int64", dict: "application.Message", list: "[]string"}[wanted]
        kind = GO_TYPES.get(type(value), "null")
        raise ApiError(INVALID, f"json: cannot unmarshal {kind} into Go struct field {where} of type {go}")


def _go_syntax_error(text: str, error: json.JSONDecodeError) -> str:
    if error.pos >= len(text.rstrip()) or error.msg.startswith(("Unterminated", "Expecting value")):
        return "unexpected EOF"
    return f"invalid character {text[error.pos]!r} looking for beginning of object key string"


def gateway(server: Server) -> Any:
    """The middleware that makes every answer the gateway's: content types, errors, unknown routes, deadlines."""

    @web.middleware
    async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_api = request.path.startswith("/api/")
        is_write = request.method != "GET" and request.path.startswith("/api/v1/")
        if is_write and request.headers.get("Content-Type", "").lower() != "application/json":
            return plain(415, "Invalid content type")
        if is_api and any("/" in part for name, part in request.match_info.items() if name == "name"):
            return plain(404, "Not Found")
        try:
            async with asyncio.timeout(_grpc_timeout(request)):
                return await handler(request)
        except ApiError as error:
            return error.unary()
        except web.HTTPNotFound:
            return plain(404, "Not Found" if is_api else "404 page not found")
        except web.HTTPMethodNotAllowed:
            return plain(405, "Method Not Allowed")
        except TimeoutError:
            return ApiError(DEADLINE, "context deadline exceeded").unary()
        except web.HTTPException as error:
            return ApiError(INTERNAL, error.reason).unary()

    return serve


def _grpc_timeout(request: web.Request) -> float | None:
    """`Grpc-Timeout: 3S` bounds one request."""
    found = re.fullmatch(r"(\d{1,8})([HMSmun])", request.headers.get("Grpc-Timeout", ""))
    return int(found.group(1)) * TIMEOUT_UNITS[found.group(2)] if found else None
