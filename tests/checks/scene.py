"""The seeded world without a bot, and one test's view of it: settings and file to be changed, answers to be bent."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.checks.catalogue import CATALOGUE, Severity
from bot.checks.finding import Finding, Findings
from bot.config.loading import load
from bot.domain.pipeline import Configuration
from bot.sandbox.surroundings import seeded_configuration
from bot.settings import Settings
from tests.checks.bent import Bent

Json = dict[str, Any]


class World:
    """A running `tiphys sandbox --no-bot`, shared by many tests: whoever changes something puts it back."""

    def __init__(self, url: str, environ: dict[str, str]) -> None:
        self.environ = environ
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def call(self, method: str, path: str, body: Json) -> Json:
        answer = self._http.request(method, path, json=body)
        assert answer.status_code < 400, answer.text
        told: Json = answer.json()
        return told

    def close(self) -> None:
        self._http.close()


@dataclass
class Scene:
    world: World
    folder: Path
    slack: Bent
    argocd: Bent
    github: Bent
    alertmanager: Bent
    environ: dict[str, str]
    text: str = field(default_factory=seeded_configuration)
    _back: list[Callable[[], Any]] = field(default_factory=list)

    def edit(self, old: str, new: str) -> None:
        """Change `tiphys.yaml`."""
        assert old in self.text
        self.text = self.text.replace(old, new)

    def change(self, method: str, path: str, body: Json, *, back: Json) -> None:
        """Do something to the world until the test ends."""
        self._back.append(lambda: self.world.call(method, path, back))
        self.world.call(method, path, body)

    def patch_application(self, patch: Json, back: Json, name: str = "apm-stack-production") -> None:
        who = {"as": "admin", "application": name, "do": "spec"}
        self.change("POST", "/api/argocd", {**who, "patch": patch}, back={**who, "patch": back})

    def protect(self, **rules: Any) -> None:
        who = {"as": "admin", "do": "protect", "repository": "example/apm", "branch": "main"}
        self.change("POST", "/api/github", {**who, **rules}, back=who)

    def put_back(self) -> None:
        for undo in reversed(self._back):
            undo()

    def settings(self) -> Settings:
        return Settings.model_validate({name.lower(): value for name, value in self.environ.items()})

    def configuration(self) -> Configuration:
        read = load(self.text, file="tiphys.yaml", environ=self.environ, read_file=lambda path: Path(path).read_text())
        assert isinstance(read, Configuration), read
        return read


@dataclass(frozen=True)
class Case:
    """What to do to the world, and words that the finding's evidence has then."""

    arrange: Callable[[Scene], Awaitable[None] | None]
    words: str

    async def run(self, slug: str, scene: Scene, check: Callable[[Scene], Awaitable[Findings]]) -> None:
        """The finding is there, with its evidence and what to do; no secret is."""
        arranged = self.arrange(scene)
        if inspect.isawaitable(arranged):
            await arranged
        found = await check(scene)
        told_of = [finding for finding in found if finding.slug == slug and self.words in finding.evidence]
        assert told_of, f"no {slug} with {self.words!r} among: {[(f.slug, f.evidence) for f in found]}"
        assert all(finding.fix or CATALOGUE[slug].severity is Severity.INFO for finding in told_of)
        told = "".join(f"{f.subject}{f.evidence}{f.fix}" for f in found)
        for name, value in scene.environ.items():
            assert value not in told or not name.endswith(("_TOKEN", "_SECRET"))


def the(slug: str, found: Findings) -> Finding:
    """The first finding of that kind."""
    matching = [finding for finding in found if finding.slug == slug]
    assert matching, f"no {slug} among: {[(f.slug, f.evidence) for f in found]}"
    return matching[0]


def as_seeded(_: Scene) -> None:
    """Nothing is changed."""
