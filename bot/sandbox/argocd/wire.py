"""How the API server speaks: errors with their gRPC codes, JSON answers, plain refusals, field filters."""

import json
from http import HTTPStatus
from typing import Any, NoReturn

from aiohttp import web

from bot.sandbox.argocd.objects import Json

HTTP_OF_GRPC = {
    1: 408, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500,
    14: 503, 15: 500, 16: 401,
}  # fmt: skip
UNKNOWN, INVALID, DEADLINE, NOT_FOUND, DENIED, PRECONDITION, INTERNAL, UNAUTHENTICATED = 2, 3, 4, 5, 7, 9, 13, 16


class ApiError(Exception):
    """A refusal of the API server: gRPC code and message; the HTTP status follows from the code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    @property
    def status(self) -> int:
        return HTTP_OF_GRPC[self.code]

    def unary(self) -> web.Response:
        return answer(
            {"error": self.message, "code": self.code, "message": self.message}, status=self.status, from_grpc=False
        )

    def streamed(self) -> Json:
        """The nested form, as streams report errors."""
        reason = HTTPStatus(self.status).phrase
        return {
            "error": {
                "grpc_code": self.code, "http_code": self.status, "message": self.message, "http_status": reason,
            }
        }  # fmt: skip


def required_missing(field: str) -> NoReturn:
    """What a missing required field answers: an internal error, as the real gateway does."""
    raise ApiError(INTERNAL, f'grpc: error while marshaling: proto: required field "{field}" not set')


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def answer(value: Any, *, status: int = 200, from_grpc: bool = True) -> web.Response:
    headers = {"Content-Type": "application/json", "Vary": "Accept-Encoding"}
    if from_grpc:
        headers["Grpc-Metadata-Content-Type"] = "application/grpc"
    return web.Response(status=status, body=dumps(value).encode(), headers=headers)


def plain(status: int, text: str) -> web.Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, body=f"{text}\n".encode(), headers=headers)


def only_fields(value: Any, fields: list[str]) -> Any:
    """The generic path filter: keeps the named paths; ancestors are told by plain string prefix, as there."""
    return _filtered(value, fields, "")


def field_names(query: str | None) -> list[str] | None:
    """The `fields` parameter as a list, or None where it was not given."""
    return [name.strip() for name in query.split(",") if name.strip()] if query else None


def _filtered(value: Any, fields: list[str], at: str) -> Any:
    if isinstance(value, list):
        return [_filtered(item, fields, at) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name in sorted(value):
        path = f"{at}.{name}" if at else name
        if path in fields or any(path.startswith(f"{field}.") for field in fields):
            kept[name] = value[name]
        elif any(field.startswith(path) for field in fields):
            kept[name] = _filtered(value[name], fields, path)
    return kept
