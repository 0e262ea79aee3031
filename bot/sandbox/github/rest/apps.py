"""What a GitHub App asks as itself (with its signed word), and what its installation's token reaches."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.sandbox.github import refusals
from bot.sandbox.github.apps import Apps, Grant, reaches, suspended
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.people import APP_SLUG
from bot.sandbox.github.records import now
from bot.sandbox.github.refusals import Refusal
from bot.sandbox.github.rest.call import REPO, Call, Endpoints
from bot.sandbox.github.shapes import Shapes, moment
from bot.sandbox.seeded import GITHUB_APP_ID

MOST_REPOSITORIES = 500
UNKNOWN_REPOSITORY = (
    "There is at least one repository that does not exist or is not accessible to the parent installation."
)


class AppCall:
    """A request whose signed word has been found good."""

    def __init__(self, forge: Forge, request: web.Request, body: dict[str, Any]) -> None:
        self.forge, self.request, self.body, self.shapes = forge, request, body, Shapes(forge)

    @property
    def apps(self) -> Apps:
        return self.forge.apps

    def accounts(self) -> list[str]:
        """Where the App is installed: the sandbox's repositories belong to few."""
        names = [name for name in self.forge.repositories.names() if self.apps.is_installed_on(name)]
        return sorted({name.partition("/")[0] for name in names})


async def get_app(call: AppCall) -> web.Response:
    return web.json_response({
        "id": GITHUB_APP_ID, "slug": APP_SLUG, "name": "Tiphys", "node_id": f"A_{GITHUB_APP_ID}",
        "owner": call.shapes.user("example"), "description": "", "external_url": call.shapes.web,
        "html_url": f"{call.shapes.web}/apps/{APP_SLUG}", "created_at": moment(now()), "updated_at": moment(now()),
        "permissions": call.apps.records.permissions, "events": EVENTS, "installations_count": len(call.accounts()),
    })  # fmt: skip


async def list_installations(call: AppCall) -> web.Response:
    return web.json_response([_installation(call, account) for account in call.accounts()])


async def get_installation(call: AppCall) -> web.Response:
    return web.json_response(_installation(call, _account(call)))


async def get_repository_installation(call: AppCall) -> web.Response:
    name = f"{call.request.match_info['owner']}/{call.request.match_info['repo']}"
    if name not in call.forge.repositories.names() or not call.apps.is_installed_on(name):
        raise refusals.not_found()
    return web.json_response(_installation(call, name.partition("/")[0]))


async def create_token(call: AppCall) -> web.Response:
    account, records = _account(call), call.apps.records
    if records.suspended:
        raise suspended()
    reached = {
        name for name in call.forge.repositories.names()
        if name.partition("/")[0] == account and call.apps.is_installed_on(name)
    }  # fmt: skip
    wanted = call.body.get("repositories")
    if wanted is not None:
        if not isinstance(wanted, list) or not all(isinstance(name, str) for name in wanted):
            raise refusals.malformed("For 'properties/repositories', the value is not an array of strings.")
        named = {f"{account}/{name}" for name in wanted}
        if not named <= reached or len(named) > MOST_REPOSITORIES:
            raise Refusal(422, "unknown_repository", UNKNOWN_REPOSITORY)
        reached = named
    permissions = call.body.get("permissions", records.permissions)
    if not isinstance(permissions, dict):
        raise refusals.malformed("For 'properties/permissions', the value is not an object.")
    if not all(reaches(records.permissions.get(name), level) for name, level in permissions.items()):
        said = "The permissions requested are not granted to this installation."
        raise Refusal(422, "not_granted", said)
    token, grant = call.apps.issue(account, frozenset(reached), permissions)
    shape: dict[str, Any] = {
        "token": token, "expires_at": moment(grant.ends_at), "permissions": permissions,
        "repository_selection": "all" if wanted is None and records.repositories is None else "selected",
    }  # fmt: skip
    if wanted is not None:
        shape["repositories"] = [call.shapes.repository(name) for name in sorted(reached)]
    return web.json_response(shape, status=201)


async def list_reached(call: Call) -> web.Response:
    """What an installation's token reaches; other tokens have no such list."""
    grant = call.identity.grant
    if grant is None:
        raise Refusal(403, "no_installation", "You must authenticate with an installation access token.")
    shown = [call.shapes.repository(name) for name in sorted(grant.repositories)]
    return web.json_response({"total_count": len(shown), "repository_selection": "selected", "repositories": shown})


def check_reach(grant: Grant, method: str, path: str) -> None:
    """Raises `Refusal` where the token is not for this repository (404) or lacks the right (403).

    `path` is below the API's prefix.
    """
    parts = path.strip("/").split("/", 3)
    if path.strip("/") == "user":
        raise Refusal(403, "not_for_apps", "Resource not accessible by integration")
    if parts[0] != "repos" or len(parts) < 3:
        return
    if f"{parts[1]}/{parts[2]}" not in grant.repositories:
        raise refusals.not_found()
    rest = parts[3] if len(parts) > 3 else ""
    level = "read" if method == "GET" else "write"
    needed = _needed(rest, level)
    if not any(grant.may(name, wanted) for name, wanted in needed):
        accepted = "; ".join(f"{name}={wanted}" for name, wanted in needed)
        raise Refusal(403, "no_right", "Resource not accessible by integration", accepted=accepted)


def _needed(rest: str, level: str) -> list[tuple[str, str]]:
    """The permissions any one of which lets a request through."""
    first, last = rest.partition("/")[0], rest.rpartition("/")[2]
    if first == "pulls":
        return [("contents", "write")] if last == "merge" else [("pull_requests", level)]
    if first == "issues":
        return [("issues", level), ("pull_requests", level)]
    if first == "statuses" or (first == "commits" and last in ("status", "statuses")):
        return [("statuses", level)]
    if first == "commits" and last == "check-runs":
        return [("checks", level)]
    if first == "branches" and last == "protection":
        return [("administration", level)]
    if first in ("commits", "compare", "branches", "git"):
        return [("contents", level)]
    return [("metadata", level)]


def _account(call: AppCall) -> str:
    """The account whose installation the path names. Raises `Refusal` 404."""
    wanted = int(call.request.match_info["installation"])
    for account in call.accounts():
        if call.apps.installation_id(account) == wanted:
            return account
    raise refusals.not_found()


def _installation(call: AppCall, account: str) -> dict[str, Any]:
    number, records = call.apps.installation_id(account), call.apps.records
    api = f"{call.shapes.api}/app/installations/{number}"
    return {
        "id": number, "account": {**call.shapes.user(account), "type": "Organization"}, "app_id": GITHUB_APP_ID,
        "app_slug": APP_SLUG, "target_type": "Organization", "permissions": records.permissions, "events": EVENTS,
        "repository_selection": "all" if records.repositories is None else "selected",
        "access_tokens_url": f"{api}/access_tokens", "repositories_url": f"{call.shapes.api}/installation/repositories",
        "html_url": f"{call.shapes.web}/organizations/{account}/settings/installations/{number}",
        "created_at": moment(now()), "updated_at": moment(now()),
        "suspended_at": moment(now()) if records.suspended else None, "suspended_by": None,
    }  # fmt: skip


EVENTS = ["pull_request", "pull_request_review", "push", "status"]
AppEndpoint = Callable[[AppCall], Awaitable[web.Response]]
AS_THE_APP: list[tuple[str, str, AppEndpoint]] = [
    ("GET", "/app", get_app),
    ("GET", "/app/installations", list_installations),
    ("GET", r"/app/installations/{installation:\d+}", get_installation),
    ("POST", r"/app/installations/{installation:\d+}/access_tokens", create_token),
    ("GET", REPO + "/installation", get_repository_installation),
]
ENDPOINTS: Endpoints = [("GET", "/installation/repositories", list_reached)]
