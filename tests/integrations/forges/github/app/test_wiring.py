"""The adapters of a configuration with an App: one token for all of its repositories, also after a reload."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters import Adapters
from bot.domain.pipeline import Configuration, GithubApp, Repository
from bot.sandbox.seeded import TOKENS
from tests.desk import configuration
from tests.integrations.forges.github.app.conftest import APM, WEB, Github


def configured(github: Github, app: GithubApp | None) -> Configuration:
    """Both repositories, as the App or with a token."""
    token = "" if app else TOKENS.github_tiphys
    repositories = {
        name: Repository(name=name, github=repository, api_url=github.url, app=app, token=token)
        for name, repository in (("apm", APM), ("web", WEB))
    }
    return replace(configuration(), argocd={}, repositories=repositories)


@pytest.fixture
async def adapters(github: Github, tmp_path: Path) -> AsyncIterator[Adapters]:
    made = Adapters(tmp_path / "mirrors", github.ours, github.learned.append)
    yield made
    await made.close()


async def look(adapters: Adapters) -> None:
    for forge in adapters.forges.values():
        assert await forge.find_pull_request(head_branch="tiphys/x", marker="<!-- x -->") is None


async def test_repositories_of_one_app_share_its_token(github: Github, adapters: Adapters) -> None:
    await adapters.follow(configured(github, github.app()))
    await look(adapters)
    await adapters.follow(configured(github, github.app()))
    await look(adapters)
    assert github.issued == 1
    assert len(github.learned) == 1


async def test_from_a_token_to_an_app_and_back(github: Github, adapters: Adapters) -> None:
    await adapters.follow(configured(github, None))
    await look(adapters)
    assert github.issued == 0
    await adapters.follow(configured(github, github.app()))
    await look(adapters)
    assert github.issued == 1
    await adapters.follow(configured(github, None))
    github.service.forge.apps.end_tokens()
    await look(adapters)
    assert github.issued == 1


async def test_another_key_is_used_from_the_reload_on(github: Github, adapters: Adapters) -> None:
    await adapters.follow(configured(github, github.app()))
    await look(adapters)
    await adapters.follow(configured(github, replace(github.app(), private_key=f"{github.app().private_key}\n")))
    await look(adapters)
    assert github.issued == 2
