"""One HTTP exchange with one Alertmanager: headers, deadlines, bounds; every failure leaves as a port's error."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from bot.domain.alerts.policy import AlertSource
from bot.integrations.alertmanager.errors import API, error_of_answer
from bot.integrations.certificates import trust
from bot.meter import SILENT, Meter, operation_of

MOST_AT_ONCE = 4
"""Alertmanager refuses GETs beyond its number of processors (at least 8), and others ask too."""
MOST_BYTES = 64 << 20
"""Of one answer: some 100,000 alerts."""
WORDS = frozenset({"alerts", "silence", "silences", "status"})
"""The parts of a path that say what is asked for; every other part is somebody's name."""

Query = Sequence[tuple[str, str]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take, in seconds."""

    connect: float = 5
    answer: float = 20  # one whole request and its answer
    gossip: float = 2  # until a silence that one peer made is known to the others
    gossip_pause: float = 0.1


class Transport:
    """Requests to one source, at most `MOST_AT_ONCE` at a time. `source` must have a `url`."""

    def __init__(self, source: AlertSource, patience: Patience, *, meter: Meter = SILENT) -> None:
        if source.url is None:
            raise ValueError(f"the source {source.name!r} has no url")
        self._patience, self._meter = patience, meter
        self._gate = asyncio.Semaphore(MOST_AT_ONCE)
        headers = {"Accept": "application/json"}
        if source.tenant is not None:
            headers["X-Scope-OrgID"] = source.tenant
        if source.token is not None:
            headers["Authorization"] = f"Bearer {source.token}"
        self._http = httpx.AsyncClient(
            base_url=f"{source.url.rstrip('/')}/api/v2",
            headers=headers,
            auth=httpx.BasicAuth(source.basic.username, source.basic.password) if source.basic else None,
            verify=trust(source.ca_file),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(patience.answer, connect=patience.connect),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, model: TypeAdapter[T], query: Query = ()) -> T:
        """GET what stands after `/api/v2` and read the answer as `model`."""
        return _read(model, await self._exchange("GET", path, query, None))

    async def post(self, path: str, model: TypeAdapter[T], body: Mapping[str, object]) -> T:
        return _read(model, await self._exchange("POST", path, (), json.dumps(body).encode()))

    async def delete(self, path: str) -> None:
        """Success has an empty body, or Grafana's few words in JSON; a page is none."""
        body = (await self._exchange("DELETE", path, (), None)).strip()
        if body and not body.startswith(b"{"):
            raise API.not_understood(body[:100].decode(errors="replace"))

    async def _exchange(self, method: str, path: str, query: Query, content: bytes | None) -> bytes:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        async with self._gate:
            with self._meter.timed("alertmanager", operation_of(method, path, WORDS)):
                try:
                    # httpx bounds each read, not their sum: a dripping answer would last for ever.
                    async with (
                        asyncio.timeout(self._patience.answer),
                        self._http.stream(
                            method, path, params=list(query), headers=headers, content=content
                        ) as response,
                    ):
                        body = await _bounded_body(response)
                except (TimeoutError, httpx.HTTPError) as error:
                    raise API.error_of_transport(error) from error
                if not response.is_success:  # Grafana answers 202 to what Alertmanager answers 200
                    raise error_of_answer(response, body)
                return body


async def _bounded_body(response: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise API.not_understood(f"more than {MOST_BYTES >> 20} MiB")
    return b"".join(parts)


def _read(model: TypeAdapter[T], body: bytes) -> T:
    try:
        return model.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise API.not_understood(f"{where} {first['msg']}".strip()) from error
