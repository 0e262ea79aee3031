"""The Web API's one endpoint: token, scope and rate checks, then the method; every answer is HTTP 200 or 429.

Whoever shows a token that is known is told its scopes in the headers of every answer, as the real Slack does.
"""

from aiohttp import web

from bot.sandbox.seeded import TOKENS
from bot.sandbox.slack.messages import Json
from bot.sandbox.slack.parts import Parts
from bot.sandbox.slack.web_api import apps, chat, conversations, people, views
from bot.sandbox.slack.web_api.call import Arrived, Call, Method, SlackError, read_arguments
from bot.sandbox.traffic import APPLIED

METHODS: dict[str, Method] = {
    **apps.METHODS, **chat.METHODS, **conversations.METHODS, **people.METHODS, **views.METHODS,
}  # fmt: skip


async def serve(parts: Parts, request: web.Request) -> web.Response:
    """Answer one call."""
    name = request.match_info["method"]
    headers: dict[str, str] = {}
    try:
        arrived = await read_arguments(request)
        headers = _scopes_told(parts, name, arrived.token)
        answer = _answer(parts, name, request, arrived)
    except SlackError as refused:
        request[APPLIED] = False
        return web.json_response({"ok": False, "error": refused.error, **refused.more}, headers=headers)
    except _RateLimited as limited:
        request[APPLIED] = False
        body = {"ok": False, "error": "ratelimited"}
        return web.json_response(body, status=429, headers={**headers, "Retry-After": str(limited.seconds)})
    return web.json_response({"ok": True, **answer}, headers=headers)


class _RateLimited(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__(f"retry after {seconds} s")
        self.seconds = seconds


def _answer(parts: Parts, name: str, request: web.Request, arrived: Arrived) -> Json:
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


def _scopes_told(parts: Parts, name: str, token: str | None) -> dict[str, str]:
    """What the token has (unless there is no manifest yet: then nobody knows), and what the method takes."""
    method = METHODS.get(name)
    accepted = {"x-accepted-oauth-scopes": ",".join(method.scopes)} if method and method.scopes else {}
    if token == TOKENS.slack_app:
        return {"x-oauth-scopes": "connections:write", **accepted}
    granted = parts.installation.scopes
    if token != TOKENS.slack_bot or granted is None:
        return {}
    return {"x-oauth-scopes": ",".join(sorted(granted - set(parts.workspace.settings.refuse_scope))), **accepted}


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
