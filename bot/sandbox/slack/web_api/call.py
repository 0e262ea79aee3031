"""One call of the Web API: its arguments, however they were sent, and how it can be refused."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.parts import Parts


class SlackError(Exception):
    """An `ok: false` answer: Slack's error code and whatever goes with it."""

    def __init__(self, error: str, /, **more: Any) -> None:
        super().__init__(error)
        self.error, self.more = error, more


def invalid(error: str, problems: list[str]) -> SlackError:
    """A refusal that says what is wrong where, as Slack words it."""
    messages = [f"[ERROR] {problem}" for problem in problems]
    return SlackError(error, errors=problems, response_metadata={"messages": messages})


@dataclass(slots=True)
class Call:
    """Arguments by name. Booleans and objects may come as text: query strings and forms have nothing else."""

    method: str
    host: str
    arguments: Json

    def text(self, name: str) -> str | None:
        value = self.arguments.get(name)
        if value is None or value == "":
            return None
        return value if isinstance(value, str) else json.dumps(value)

    def required(self, name: str, error: str = "invalid_arguments") -> str:
        value = self.text(name)
        if value is None:
            if error == "invalid_arguments":
                raise invalid(error, [f"missing required field: {name} [json-pointer:/{name}]"])
            raise SlackError(error)
        return value

    def flag(self, name: str) -> bool:
        return str(self.arguments.get(name, "")).lower() in {"1", "true"}

    def integer(self, name: str, default: int, *, most: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not value.isdigit():
            raise invalid("invalid_arguments", [f"must be a number [json-pointer:/{name}]"])
        return min(int(value), most) or default

    def has(self, name: str) -> bool:
        return self.arguments.get(name) is not None

    def structure(self, name: str, error: str) -> Any:
        """A list or object, also when sent as JSON text; None when absent. Raises `SlackError` with `error`."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        if value == "":
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None


Handler = Callable[[Parts, Call], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method. Any one of `scopes` lets the bot call it; none listed: no scope is needed."""

    handler: Handler
    scopes: tuple[str, ...] = ()
    app_token: bool = False
    """Called with the app-level token instead of the bot's."""


@dataclass(slots=True)
class Arrived:
    """What a request carried: the token, and arguments from query, form and JSON together."""

    token: str | None
    arguments: Json = field(default_factory=dict)


async def read_arguments(request: web.Request) -> Arrived:
    """Collect the arguments of a request. Raises `SlackError` for a body that says JSON and is none."""
    arguments: Json = dict(request.query)
    if request.body_exists:
        if request.content_type == "application/json":
            arguments |= _json_body(await request.text())
        else:
            arguments |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    token = credential.strip() if scheme.lower() == "bearer" else None
    return Arrived(token or arguments.pop("token", None), arguments)


def _json_body(raw: str) -> Json:
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body
