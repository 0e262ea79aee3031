"""The Web API's one endpoint: token, scope and rate checks, then the method; every answer is HTTP 200 or 429."""

from aiohttp import web

from bot.sandbox.seeded import TOKENS
from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.web_api import apps, chat, conversations, people, views
from bot.sandbox.slack.web_api.call import Call, Method, SlackError, read_arguments
from bot.sandbox.traffic import APPLIED

METHODS: dict[str, Method] = {
    **apps.METHODS, **chat.METHODS, **conversations.METHODS, **people.METHODS, **views.METHODS,
}  # fmt: skip


async def serve(parts: Parts, request: web.Request) -> web.Response:
    """Answer one call."""
    name = request.match_info["method"]
    try:
        answer = await _answer(parts, name, request)
    except SlackError as refused:
        return _refusal(request, refused.error, refused.more)
    except _RateLimited as limited:
        request[APPLIED] = False
        body = {"ok": False, "error": "ratelimited"}
        return web.json_response(body, status=429, headers={"Retry-After": str(limited.seconds)})
    return web.json_response({"ok": True, **answer})


class _RateLimited(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__(f"retry after {seconds} s")
        self.seconds = seconds


async def _answer(parts: Parts, name: str, request: web.Request) -> Json:
    arrived = await read_arguments(request)
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    _check_token(method, arrived.token)
    _check_scope(parts, method)
    call = Call(name, request.host, arrived.arguments)
    settings = parts.workspace.settings
    if settings.rate_limits and (wait := parts.limits.admit(name, call.text("channel") or "", settings.scale)):
        raise _RateLimited(wait)
    return method.handler(parts, call)


def _check_token(method: Method, token: str | None) -> None:
    if not token:
        raise SlackError("not_authed")
    if token not in (TOKENS.slack_bot, TOKENS.slack_app):
        raise SlackError("invalid_auth")
    if method.app_token != (token == TOKENS.slack_app):
        raise SlackError("not_allowed_token_type")


def _check_scope(parts: Parts, method: Method) -> None:
    """One of the method's scopes must be granted; a refused scope (a knob) counts as not granted."""
    if not method.scopes:
        return
    refused = set(parts.workspace.settings.refuse_scope)
    installed = parts.installation.scopes
    granted = [s for s in method.scopes if (installed is None or s in installed) and s not in refused]
    if not granted:
        provided = sorted((installed or frozenset()) - refused)
        raise SlackError("missing_scope", needed=method.scopes[0], provided=",".join(provided))


def _refusal(request: web.Request, error: str, more: Json) -> web.Response:
    request[APPLIED] = False
    return web.json_response({"ok": False, "error": error, **more})
