"""One HTTP exchange with one Argo CD: headers, deadlines, bounds; every failure leaves as one of the ports' errors."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from bot.domain.pipeline import ArgocdInstance
from bot.integrations.argocd.errors import API, error_of_answer
from bot.integrations.certificates import trust
from bot.integrations.json_api import Wire
from bot.meter import SILENT, Meter, operation_of

MOST_AT_ONCE = 6
"""Argo CD has no rate limit of its own, but each read costs its Kubernetes API one: sheet's advice is 4 to 8."""

STREAM_KINDS = ("text/event-stream", "application/json")
"""What a stream may say that it is; the second where a proxy changed our `Accept`."""

WORDS = frozenset({
    "account", "applications", "applicationsets", "can-i", "detailed", "metadata", "operation", "projects", "revisions",
    "session", "settings", "sync", "syncwindows", "userinfo", "version",
})  # fmt: skip
"""The parts of a path that say what is asked for; every other part is somebody's name."""

Query = Sequence[tuple[str, str]]
W = TypeVar("W", bound=Wire)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take, in seconds."""

    connect: float = 5
    answer: float = 30  # one whole request and its answer
    refresh: float = 30  # a comparison with Git; it never ends by itself while the controller is down
    queued: float = 5  # an operation that is to be terminated may still wait for the controller
    silence: float = 40  # of a watch; its keep-alive comes every 15 s after the first event
    settle: float = 1  # of quiet: then a watch's opening snapshot is over
    settle_most: float = 10
    back_off_first: float = 1
    back_off_most: float = 30
    back_off_denied: float = 300
    relist: float = 300


def path_of(*segments: str) -> str:
    """A path of segments, each quoted whole: a slash inside one never routes."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


class Transport:
    """Requests to one instance, at most `MOST_AT_ONCE` at a time; streams are not counted."""

    def __init__(self, instance: ArgocdInstance, patience: Patience, *, meter: Meter = SILENT) -> None:
        self._patience, self._meter = patience, meter
        self._gate = asyncio.Semaphore(MOST_AT_ONCE)
        self._http = httpx.AsyncClient(
            base_url=instance.server.rstrip("/"),
            headers={"Authorization": f"Bearer {instance.token}", "Accept": "application/json"},
            verify=trust(instance.ca_file),
            http1=True,
            http2=False,
            follow_redirects=False,
            trust_env=False,
            # Argo CD sets its session as a cookie; none is ever kept or sent.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(patience.answer, connect=patience.connect),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(
        self, path: str, model: type[W], query: Query = (), *, deadline: float | None = None, headers: Query = ()
    ) -> W:
        """GET and read the answer as `model`. `deadline` bounds the whole exchange."""
        return _read(model, await self._exchange("GET", path, query, headers=dict(headers), deadline=deadline))

    async def send(
        self, method: str, path: str, query: Query = (), *, body: Mapping[str, object] | None = None
    ) -> None:
        """A request that changes something; the answer is only checked for being Argo CD's."""
        # Without a charset, also where there is no body: Argo CD compares the whole value and answers 415.
        headers = {"Content-Type": "application/json"}
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        _read(Wire, await self._exchange(method, path, query, headers=headers, content=content))

    @asynccontextmanager
    async def stream(self, path: str, query: Query) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a server-sent event stream; what the body iterates may end or fail at any time (`Unavailable`)."""
        timeout = httpx.Timeout(self._patience.silence, connect=self._patience.connect)
        # Exactly this value: a list of types would get newline-delimited JSON, which has no keep-alive.
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        try:
            async with self._http.stream("GET", path, params=list(query), headers=headers, timeout=timeout) as response:
                if response.status_code != 200:
                    raise error_of_answer(response, await response.aread())
                kind = response.headers.get("content-type", "no content type").split(";")[0]
                if kind not in STREAM_KINDS:
                    raise API.not_understood(f"{kind} for a stream")
                yield response.aiter_bytes()
        except httpx.HTTPError as error:
            raise API.error_of_transport(error) from error

    async def _exchange(
        self,
        method: str,
        path: str,
        query: Query,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        deadline: float | None = None,
    ) -> httpx.Response:
        async with self._gate:
            with self._meter.timed("argocd", operation_of(method, path, WORDS)):
                return await self._ask(method, path, query, headers, content, deadline or self._patience.answer)

    async def _ask(
        self, method: str, path: str, query: Query, headers: Mapping[str, str], content: bytes | None, seconds: float
    ) -> httpx.Response:
        try:
            # httpx bounds each read, not their sum: a dripping answer would last for ever.
            async with asyncio.timeout(seconds):
                response = await self._http.request(
                    method,
                    path,
                    params=list(query),
                    headers=dict(headers),
                    content=content,
                    timeout=httpx.Timeout(seconds, connect=min(seconds, self._patience.connect)),
                )
        except (TimeoutError, httpx.HTTPError) as error:
            raise API.error_of_transport(error) from error
        if response.status_code != 200:
            raise error_of_answer(response, response.content)
        return response


def _read(model: type[W], response: httpx.Response) -> W:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        kind = response.headers.get("content-type", "no content type").split(";")[0]
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise API.not_understood(f"{kind}, {where} {first['msg']}".strip()) from error
