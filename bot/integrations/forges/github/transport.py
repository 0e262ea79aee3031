"""Requests to one GitHub: headers, pages, redirects of renamed repositories, limits; every failure a ports' error."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from bot.credentials import Credential, as_credential
from bot.integrations.certificates import trust
from bot.integrations.forges.github.errors import (
    SYSTEM,
    RateLimited,
    bounded,
    error_of_answer,
    error_of_transport,
    misdirected,
    not_understood,
)
from bot.integrations.forges.github.remembered import Known, Remembered
from bot.meter import SILENT, Meter, operation_of
from bot.ports import Refused

API_VERSION = "2022-11-28"
USER_AGENT = "tiphys"
MOST_REDIRECTS = 3
MOST_PAGES = 30
PAGE_SIZE = 100
WORDS = frozenset({
    "branches", "check-runs", "comments", "commits", "git", "issues", "merge", "pulls", "refs", "repos", "reviews",
    "rules", "status", "statuses",
})  # fmt: skip
"""The parts of a path that say what is asked for; every other part is somebody's name or number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success. `document` is None when the body is empty; `moved`: the repository answers under another name;
    `their_time` is what GitHub's clock says."""

    document: Any
    moved: bool
    next_page: str | None
    their_time: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport:
    """One credential's way to one GitHub. Writes go one at a time; while GitHub limits us, nothing is sent."""

    def __init__(self, api_url: str, credential: str | Credential, *, timeout: float, meter: Meter = SILENT) -> None:
        self._credential, self._meter = as_credential(credential), meter
        self._base = httpx.URL(api_url)
        self._prefix = api_url.rstrip("/")
        self._timeout = timeout
        self._writing = asyncio.Lock()
        self._limited_until = 0.0
        self._remembered = Remembered()
        self._http = httpx.AsyncClient(
            headers={
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": API_VERSION,
                "User-Agent": USER_AGENT,
            },
            verify=trust(),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, query: dict[str, str] | None = None) -> Answer:
        return await self._send("GET", f"{self._prefix}{path}", query=query)

    async def pages(self, path: str) -> list[Any]:
        """The documents of all pages. Raises `Refused` beyond `MOST_PAGES`."""
        answer = await self._send("GET", f"{self._prefix}{path}", query={"per_page": str(PAGE_SIZE)})
        documents = [answer.document]
        while answer.next_page is not None:
            if len(documents) == MOST_PAGES:
                raise Refused(SYSTEM, "too-long", f"GitHub's list has more than {MOST_PAGES * PAGE_SIZE} entries")
            answer = await self._send("GET", answer.next_page)
            documents.append(answer.document)
        return documents

    async def write(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        """A request that changes something. `Unavailable` may mean that it was applied, `RateLimited` never does."""
        async with self._writing:
            return await self._send(method, f"{self._prefix}{path}", body=body)

    async def query(self, text: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Ask GraphQL, for what REST does not tell. Raises `Refused` with the first thing that GitHub says of it."""
        # https://api.github.com/graphql, and https://<host>/api/graphql beside an Enterprise server's /api/v3
        url = f"{self._prefix.removesuffix('/v3')}/graphql"
        answer = await self._send("POST", url, body={"query": text, "variables": variables})
        match answer.document:
            case {"errors": [{"message": str(said)}, *_]}:
                raise Refused(SYSTEM, "not-answered", f"GitHub does not answer it: {bounded(said)}")
            case {"data": dict(data)}:
                return data
        raise not_understood("no data")

    async def _send(
        self, method: str, url: str, *, query: dict[str, str] | None = None, body: dict[str, Any] | None = None
    ) -> Answer:
        self._refuse_while_limited()
        target = httpx.URL(url, params=query) if query else httpx.URL(url)
        for redirects in range(MOST_REDIRECTS + 1):
            known = self._remembered.find(str(target)) if method == "GET" else None
            with self._meter.timed(SYSTEM, operation_of(method, target.raw_path.decode(), WORDS)):
                response = await self._request(method, target, body, known)
                if known is not None and response.status_code == httpx.codes.NOT_MODIFIED:
                    return Answer(document=known.document, moved=redirects > 0, next_page=known.next_page)
                if not response.has_redirect_location:
                    answer = self._read(response, moved=redirects > 0)
                    if method == "GET" and (tag := response.headers.get("etag")):
                        kept = Known(tag=tag, document=answer.document, next_page=answer.next_page)
                        self._remembered.keep(str(target), kept)
                    return answer
            target = self._own(target.join(response.headers["location"]))
            if query and not target.query:
                target = target.copy_merge_params(query)
        raise misdirected(f"more than {MOST_REDIRECTS} times")

    async def _request(
        self, method: str, target: httpx.URL, body: dict[str, Any] | None, known: Known | None
    ) -> httpx.Response:
        """Asks once more where the token was refused (nothing has happened then) and another one can be had."""
        token = await self._credential.token()
        response = await self._request_as(token, method, target, body, known)
        if response.status_code == 401 and self._credential.refused(token, their_time=_their_time(response)):
            return await self._request_as(await self._credential.token(), method, target, body, known)
        return response

    async def _request_as(
        self, token: str, method: str, target: httpx.URL, body: dict[str, Any] | None, known: Known | None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} | ({"If-None-Match": known.tag} if known is not None else {})
        try:
            async with asyncio.timeout(self._timeout * 2):  # httpx's own limits are per read, not for the whole
                return await self._http.request(method, target, json=body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            raise error_of_transport(error) from error

    def _read(self, response: httpx.Response, *, moved: bool) -> Answer:
        if not response.is_success:
            error = error_of_answer(response)
            if isinstance(error, RateLimited):
                self._limited_until = asyncio.get_running_loop().time() + (error.retry_after or 0.0)
            raise error
        next_page = response.links.get("next", {}).get("url")
        try:
            document = response.json() if response.content else None
        except ValueError:
            kind = response.headers.get("content-type", "no content type")
            raise not_understood(f"{response.status_code} with {kind}") from None
        return Answer(
            document=document,
            moved=moved,
            next_page=str(self._own(response.url.join(next_page))) if next_page else None,
            their_time=_their_time(response),
            headers=response.headers,
        )

    def _own(self, target: httpx.URL) -> httpx.URL:
        """The address, if it is of the host that our token is for."""
        if (target.scheme, target.host, target.port) != (self._base.scheme, self._base.host, self._base.port):
            raise misdirected(f"{target.scheme}://{target.host}")
        return target

    def _refuse_while_limited(self) -> None:
        """Going on while limited makes GitHub limit us for longer."""
        left = self._limited_until - asyncio.get_running_loop().time()
        if left > 0:
            raise RateLimited(SYSTEM, "GitHub's rate limit is reached", retry_after=left)


def _their_time(response: httpx.Response) -> datetime | None:
    try:
        at = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
