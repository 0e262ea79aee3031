"""A small GitHub over a real socket: pull requests that keep state, and answers that can be made to fail."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "ghp_standin_0123456789"
BASE = "b" * 40
HEAD = "a" * 40
TEST_MERGE = "7" * 40
MERGED = "c" * 40
REPOSITORY_ID = 1296269


@dataclass(kw_only=True)
class Fault:
    """What happens to the next `times` requests that match. `after`: the request is applied first."""

    method: str
    path: str
    status: int = 0
    document: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    hang: bool = False
    after: bool = False
    times: int = 1
    first: Callable[[], None] | None = None

    def matches(self, request: web.Request) -> bool:
        return self.times > 0 and request.method == self.method and re.search(self.path, request.path) is not None


@dataclass(kw_only=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Hub:
    """The world: one repository. `computing` is how many reads of a pull request still answer `mergeable: null`."""

    def __init__(self, name: str = "example/apm") -> None:
        self.name = name
        self.former_names: set[str] = set()
        self.branches = {"main": BASE}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[str]] = {}
        self.statuses: list[dict[str, Any]] = []
        self.unknown: set[str] = set()  # commits that were pushed and are not known here yet
        self.runs: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.computing = 0
        self.list_lags = False
        self.honours_filter = True
        self.page_size = 100
        self.release = asyncio.Event()
        self._server: TestServer | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._front])
        for prefix in ("/repos/{owner}/{name}", "/repositories/{id}"):
            app.router.add_get(prefix, self._repository)
            app.router.add_get(f"{prefix}/pulls", self._list)
            app.router.add_post(f"{prefix}/pulls", self._open)
            app.router.add_get(f"{prefix}/pulls/{{number}}", self._get)
            app.router.add_patch(f"{prefix}/pulls/{{number}}", self._patch)
            app.router.add_put(f"{prefix}/pulls/{{number}}/merge", self._merge)
            app.router.add_get(f"{prefix}/issues/{{number}}", self._issue)
            app.router.add_get(f"{prefix}/issues/{{number}}/comments", self._list_comments)
            app.router.add_post(f"{prefix}/issues/{{number}}/comments", self._comment)
            app.router.add_get(f"{prefix}/commits/{{sha}}/status", self._combined)
            app.router.add_get(f"{prefix}/commits/{{sha}}/check-runs", self._check_runs)
            app.router.add_post(f"{prefix}/statuses/{{sha}}", self._status)
        self._server = TestServer(app)
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release.set()
        if self._server is not None:
            await self._server.close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return str(self._server.make_url("")).rstrip("/")

    def fail(self, method: str, path: str, **how: Any) -> Fault:
        fault = Fault(method=method, path=path, **how)
        self.faults.append(fault)
        return fault

    def writes(self, method: str | None = None) -> list[Asked]:
        return [a for a in self.asked if a.method != "GET" and method in (None, a.method)]

    def open(self, branch: str, *, body: str, base: str = "main", head: str = HEAD) -> int:
        """A pull request as it stands on GitHub."""
        number = 12 + len(self.pulls)
        self.branches.setdefault(branch, head)
        self.pulls[number] = {
            "number": number, "html_url": f"https://github.example/{self.name}/pull/{number}", "state": "open",
            "title": "", "body": body, "draft": False, "merged": False, "merged_at": None, "merged_by": None,
            "merge_commit_sha": TEST_MERGE, "mergeable": True, "mergeable_state": "clean",
            "head": {"ref": branch, "sha": head, "repo": {"full_name": self.name}},
            "base": {"ref": base, "sha": BASE, "repo": {"full_name": self.name}},
        }  # fmt: skip
        return number

    def merge_by_hand(self, number: int, login: str = "dev-one") -> None:
        self.pulls[number] |= {
            "state": "closed", "merged": True, "merged_at": "2026-01-01T10:00:00Z", "merge_commit_sha": MERGED,
            "merged_by": {"login": login}, "mergeable": None, "mergeable_state": "unknown",
        }  # fmt: skip

    def close_by_hand(self, number: int, login: str = "dev-one") -> None:
        self.pulls[number] |= {"state": "closed", "closed_by": login}

    # --- the server ---

    @web.middleware
    async def _front(self, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.text()
        self.asked.append(
            Asked(
                method=request.method, path=request.path, query=dict(request.query), headers=dict(request.headers),
                body=json.loads(body) if body else None,
            )
        )  # fmt: skip
        for fault in self.faults:
            if fault.matches(request):
                fault.times -= 1
                return await self._break(fault, request, handler)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return refusal(401, "Bad credentials")
        name = f"{request.match_info.get('owner')}/{request.match_info.get('name')}"
        if name in self.former_names:
            rest = request.path.removeprefix(f"/repos/{name}")
            status = 301 if request.method == "GET" else 307
            return refusal(status, "Moved", Location=f"{self.url}/repositories/{REPOSITORY_ID}{rest}")
        if "owner" in request.match_info and name != self.name:
            return refusal(404, "Not Found")
        return await self._answer(request, handler)

    async def _answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        number = request.match_info.get("number")
        if number is not None and int(number) not in self.pulls:
            return refusal(404, "Not Found")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _break(self, fault: Fault, request: web.Request, handler: Any) -> web.StreamResponse:
        if fault.first is not None:
            fault.first()
        if fault.after:
            await self._answer(request, handler)
        if fault.hang:
            await self.release.wait()
        if (fault.reset or fault.hang) and request.transport is not None:
            request.transport.abort()
        if fault.text is not None:
            return web.Response(status=fault.status, text=fault.text, content_type="text/html", headers=fault.headers)
        return web.json_response(fault.document, status=fault.status or 200, headers=fault.headers)

    def _named(self, request: web.Request) -> dict[str, Any]:
        return self.pulls[int(request.match_info["number"])]

    async def _repository(self, request: web.Request) -> web.Response:
        return web.json_response({"id": REPOSITORY_ID, "full_name": self.name})

    async def _list(self, request: web.Request) -> web.Response:
        owner, _, branch = request.query.get("head", "").partition(":")
        found = list(self.pulls.values())
        if self.honours_filter:
            found = [p for p in found if p["head"]["ref"] == branch and owner == self.name.partition("/")[0]]
        if request.query.get("state", "open") == "open":
            found = [p for p in found if p["state"] == "open"]
        left_out = {"merged", "merged_by", "mergeable", "mergeable_state"}
        shown = [] if self.list_lags else [{k: v for k, v in p.items() if k not in left_out} for p in found]
        return web.json_response(shown)

    async def _open(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        invalid = [side for side in ("head", "base") if wanted[side] not in self.branches]
        if invalid:
            errors = [{"resource": "PullRequest", "field": side, "code": "invalid"} for side in invalid]
            return refusal(422, "Validation Failed", errors=errors)
        same = [
            p for p in self.pulls.values()
            if p["state"] == "open" and p["head"]["ref"] == wanted["head"] and p["base"]["ref"] == wanted["base"]
        ]  # fmt: skip
        if same:
            owner = self.name.partition("/")[0]
            said = f"A pull request already exists for {owner}:{wanted['head']}."
            errors = [{"resource": "PullRequest", "code": "custom", "message": said}]
            return refusal(422, "Validation Failed", errors=errors)
        if self.branches[wanted["head"]] == self.branches[wanted["base"]]:
            said = f"No commits between {wanted['base']} and {wanted['head']}"
            errors = [{"resource": "PullRequest", "code": "custom", "message": said}]
            return refusal(422, "Validation Failed", errors=errors)
        number = self.open(wanted["head"], body=wanted["body"], base=wanted["base"], head=self.branches[wanted["head"]])
        self.pulls[number]["title"] = wanted["title"]
        return web.json_response(self._shown(self.pulls[number], computing=True), status=201)

    async def _get(self, request: web.Request) -> web.Response:
        computing = self.computing > 0
        self.computing = max(0, self.computing - 1)
        return web.json_response(self._shown(self._named(request), computing=computing))

    def _shown(self, pull: dict[str, Any], *, computing: bool) -> dict[str, Any]:
        return {**pull, "mergeable": None, "mergeable_state": "unknown"} if computing else pull

    async def _patch(self, request: web.Request) -> web.Response:
        pull, wanted = self._named(request), await request.json()
        if "base" in wanted:
            pull["base"]["ref"] = wanted.pop("base")
        pull.update(wanted)
        return web.json_response(pull)

    async def _merge(self, request: web.Request) -> web.Response:
        pull, wanted = self._named(request), await request.json()
        if pull["state"] != "open" or pull["mergeable"] is not True:
            return refusal(405, "Pull Request is not mergeable")
        if wanted["sha"] != pull["head"]["sha"]:
            return refusal(409, "Head branch was modified. Review and try the merge again.")
        self.merge_by_hand(int(request.match_info["number"]), "tiphys")
        return web.json_response({"sha": MERGED, "merged": True, "message": "Pull Request successfully merged"})

    async def _issue(self, request: web.Request) -> web.Response:
        login = self._named(request).get("closed_by")
        return web.json_response({"number": 1, "closed_by": {"login": login} if login else None})

    async def _list_comments(self, request: web.Request) -> web.Response:
        comments = self.comments.get(int(request.match_info["number"]), [])
        return self._page(request, [{"body": body} for body in comments], lambda items: items)

    async def _comment(self, request: web.Request) -> web.Response:
        body = (await request.json())["body"]
        self.comments.setdefault(int(request.match_info["number"]), []).append(body)
        return web.json_response({"body": body}, status=201)

    async def _combined(self, request: web.Request) -> web.Response:
        newest: dict[str, dict[str, Any]] = {}
        for status in self.statuses:
            if status["sha"] == request.match_info["sha"]:
                newest[status["context"].lower()] = status
        return self._page(request, list(newest.values()), lambda items: {"state": "pending", "statuses": items})

    async def _check_runs(self, request: web.Request) -> web.Response:
        return self._page(request, self.runs, lambda items: {"total_count": len(self.runs), "check_runs": items})

    async def _status(self, request: web.Request) -> web.Response:
        status = {**(await request.json()), "sha": request.match_info["sha"]}
        if status["sha"] in self.unknown:
            return refusal(422, f"No commit found for SHA: {status['sha']}")
        if len(status["description"]) > 140:
            return refusal(422, "Validation Failed")
        self.statuses.append(status)
        return web.json_response(status, status=201)

    def _page(self, request: web.Request, items: list[Any], shape: Callable[[list[Any]], Any]) -> web.Response:
        page = int(request.query.get("page", "1"))
        first = (page - 1) * self.page_size
        headers = {}
        if first + self.page_size < len(items):
            headers["Link"] = f'<{self.url}{request.path}?page={page + 1}>; rel="next", <{self.url}/x>; rel="last"'
        return web.json_response(shape(items[first : first + self.page_size]), headers=headers)


def refusal(status: int, message: str, *, errors: list[Any] | None = None, **headers: str) -> web.Response:
    document: dict[str, Any] = {"message": message, "documentation_url": "https://docs.example", "status": str(status)}
    if errors is not None:
        document["errors"] = errors
    return web.json_response(document, status=status, headers=headers)
