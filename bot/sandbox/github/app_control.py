"""The App's part of the control API: where its key is, and the knobs of its installation."""

from typing import Any

from aiohttp import web
from pydantic import Field

from bot.sandbox.control.http import Body, read_body
from bot.sandbox.github.forge import Forge
from bot.sandbox.github.people import APP_SLUG
from bot.sandbox.seeded import GITHUB_APP_ID


class PatchApp(Body):
    installed: bool | None = None
    suspended: bool | None = None
    repositories: list[str] | None = None
    permissions: dict[str, str] | None = None
    token_seconds: float | None = Field(default=None, gt=0)
    clock_skew: float | None = None
    end_tokens: bool = False


class AppControl:
    """`GET` and `PATCH /api/github/app`."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/github/app", self._get), web.patch("/api/github/app", self._patch)]

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown())

    async def _patch(self, request: web.Request) -> web.Response:
        """What is left out stays; `repositories: null` means all."""
        body = await read_body(request, PatchApp)
        records = self._forge.apps.records
        for key in body.model_fields_set - {"end_tokens"}:
            value = getattr(body, key)
            if value is not None or key == "repositories":
                setattr(records, key, value)
        if body.end_tokens:
            self._forge.apps.end_tokens()
        self._forge.feed.touch()
        return web.json_response(self._shown())

    def _shown(self) -> dict[str, Any]:
        key_file = str(self._forge.apps.key_file())
        return {
            "id": GITHUB_APP_ID, "slug": APP_SLUG, "private_key_file": key_file,
            **self._forge.apps.records.model_dump(mode="json"),
        }  # fmt: skip
