"""One REST call: who asks for what, its parsed body, and GitHub's way to answer lists and noes."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from bot.sandbox.github import refusals
from bot.sandbox.github.apps import Identity
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.history import History
from bot.sandbox.github.people import may_write
from bot.sandbox.github.records import Pull, RepositoryRecords
from bot.sandbox.github.refusals import Refusal
from bot.sandbox.github.shapes import Shapes

PAGE, LARGEST_PAGE = 30, 100
DOCUMENTATION = "https://docs.github.com/rest"


class Call:
    """A request whose token has been found good."""

    def __init__(self, forge: Forge, request: web.Request, identity: Identity, body: dict[str, Any]) -> None:
        self.forge = forge
        self.request = request
        self.identity, self.login = identity, identity.login
        self.body = body
        self.shapes = Shapes(forge)

    @property
    def repository(self) -> str:
        """The repository of the path. Raises `Refusal` 404."""
        name = f"{self.request.match_info['owner']}/{self.request.match_info['repo']}"
        self.forge.of(name)
        return name

    @property
    def records(self) -> RepositoryRecords:
        return self.forge.of(self.repository)

    @property
    def pull(self) -> Pull:
        """The pull request of the path. Raises `Refusal` 404."""
        return self.forge.pull(self.repository, int(self.request.match_info["number"]))

    @property
    def history(self) -> History:
        return History(self.forge.repositories, self.repository)

    def path(self, name: str) -> str:
        return self.request.match_info[name]

    def needs_write(self) -> None:
        """Raises `Refusal` 403."""
        if not may_write(self.login):
            raise Refusal(403, "no_write_access", "Resource not accessible by personal access token")

    def text(self, key: str) -> str:
        """A string that the body must have. Raises `Refusal` 422."""
        if self.body.get(key) is None:
            raise refusals.malformed(f'"{key}" wasn\'t supplied.')
        value = self.find_text(key)
        return value or ""

    def find_text(self, key: str) -> str | None:
        """A string that the body may have. Raises `Refusal` 422 for another type."""
        value = self.body.get(key)
        if value is not None and not isinstance(value, str):
            raise refusals.malformed(f"For 'properties/{key}', {json.dumps(value)} is not a string.")
        return value

    def one_of(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """Raises `Refusal` 422."""
        value = self.text(key) if default is None else self.find_text(key) or default
        if value not in allowed:
            raise refusals.malformed(f"For 'properties/{key}', {value} is not a member of {list(allowed)}")
        return value

    def page(self, items: Sequence[Any], shape: Callable[[Any], Any]) -> web.Response:
        """One page of a list, with the `Link` header."""
        size = min(max(self._number("per_page", PAGE), 1), LARGEST_PAGE)
        page = max(self._number("page", 1), 1)
        last = max((len(items) + size - 1) // size, 1)
        shown = [shape(item) for item in items[(page - 1) * size : page * size]]
        links = []
        if page > 1:
            links += [("prev", page - 1), ("first", 1)]
        if page < last:
            links += [("next", page + 1), ("last", last)]
        # On the address that the client used, so that it may check that the next page is on the same host.
        header = ", ".join(
            f'<{self.request.url.update_query(page=number, per_page=size)}>; rel="{rel}"' for rel, number in links
        )
        return web.json_response(shown, headers={"Link": header} if header else {})

    def _number(self, key: str, default: int) -> int:
        text = self.request.query.get(key, "")
        return int(text) if re.fullmatch(r"\d{1,6}", text) else default


Endpoint = Callable[[Call], Awaitable[web.Response]]
Endpoints = list[tuple[str, str, Endpoint]]

REPO = "/repos/{owner}/{repo}"


def refused(refusal: Refusal) -> web.Response:
    """GitHub's error shape."""
    body: dict[str, Any] = {"message": refusal.message}
    if refusal.errors is not None:
        body["errors"] = refusal.errors
    return web.json_response(
        {**body, "documentation_url": DOCUMENTATION, "status": str(refusal.status)}, status=refusal.status,
        headers={"X-Accepted-GitHub-Permissions": refusal.accepted} if refusal.accepted else {},
    )  # fmt: skip


def unless_known(request: web.Request, response: web.Response) -> web.Response:
    """Give a read its ETag, and answer 304 to a client that has this version already."""
    if request.method != "GET" or response.status != 200 or not isinstance(response.body, bytes):
        return response
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()}"'
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response
