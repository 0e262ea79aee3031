"""What every control route shares: the error shape, reading bodies, and who may call at all."""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlError(Exception):
    """A refusal of the control API: `{"error": {"slug", "message", "field"?}}` with its status.

    400 malformed, 404 unknown thing, 409 not possible now, 422 the real system would refuse it.
    """

    def __init__(self, status: int, slug: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.slug, self.message, self.field = status, slug, message, field

    def response(self) -> web.Response:
        error: dict[str, Any] = {"slug": self.slug, "message": self.message}
        if self.field is not None:
            error["field"] = self.field
        return web.json_response({"error": error}, status=self.status)


class Body(BaseModel):
    """Base of the control API's request bodies: unknown fields are refused by name."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


BodyT = TypeVar("BodyT", bound=BaseModel)
WithoutNul = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""Text that a process can be given."""


async def read_body(request: web.Request, model: type[BodyT]) -> BodyT:
    """Parse the JSON body as `model`; an empty body counts as `{}`. Raises `ControlError` 400 naming the field."""
    try:
        raw = await request.text()
        data = json.loads(raw) if raw.strip() else {}
        json.dumps(data, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except json.JSONDecodeError as error:
        raise ControlError(400, "not_json", f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except (ValueError, LookupError, RecursionError) as error:  # bytes, charset, numbers and depth that are none
        raise ControlError(400, "not_json", f"the body cannot be read: {error}") from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise ControlError(400, "malformed", f"{field}: {first['msg']}", field) from None


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals, unknown routes and crashes into the one error shape."""
    try:
        return await handler(request)
    except ControlError as error:
        return error.response()
    except web.HTTPException as error:
        if error.status < 400:
            raise
        slug = {404: "no_such_route", 405: "method_not_allowed", 413: "too_large"}.get(error.status, "refused")
        return ControlError(error.status, slug, f"{request.method} {request.path}: {error.reason}").response()
    except Exception as error:  # a bug of the sandbox: told where a script reads it, and in full in the log
        log.exception("sandbox.control_crashed", method=request.method, path=request.path)
        return ControlError(500, "crashed", f"{request.method} {request.path}: {type(error).__name__}").response()


@web.middleware
async def own_pages_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a Host that is not ours and any foreign Origin: no other page in the browser may drive the sandbox."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    port = name[1] if name else None
    ours = {f"127.0.0.1:{port}", f"localhost:{port}"}
    if request.headers.get("Host", "") not in ours:
        raise ControlError(403, "foreign_host", f"this sandbox answers to {' and '.join(sorted(ours))} only")
    origin = request.headers.get("Origin")
    if origin is not None and origin not in {f"http://{host}" for host in ours}:
        raise ControlError(403, "foreign_origin", "only the sandbox's own page may call it from a browser")
    return await handler(request)
