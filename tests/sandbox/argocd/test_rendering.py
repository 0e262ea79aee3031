"""Rendering by the real Kustomize, remembered by content."""

import pytest

from bot.sandbox.argocd.git import GitReader
from bot.sandbox.argocd.rendering import Renderer, RenderFailed
from bot.sandbox.repositories import Repositories
from tests.sandbox.argocd.conftest import OVERLAY, REPOSITORY, Worlds, overlay

PATH = OVERLAY.format(environment="staging")


def renderer(worlds: Worlds) -> Renderer:
    return Renderer(GitReader(Repositories(worlds.folder)))


async def test_ordinary_objects_come_before_hooks(worlds: Worlds) -> None:
    rendered = await renderer(worlds).render(REPOSITORY, "", worlds.git.run("rev-parse", "main"), PATH)
    assert rendered.source_type == "Kustomize"
    assert {o["kind"] for o in rendered.objects[:-2]} == {"Secret", "Service", "Deployment", "StatefulSet"}
    assert {o["kind"] for o in rendered.objects[-2:]} == {"Job"}


async def test_the_same_tree_under_another_commit_is_the_same_objects(worlds: Worlds) -> None:
    first = worlds.git.run("rev-parse", "main")
    second = worlds.git.run("commit-tree", f"{first}^{{tree}}", "-p", first, "-m", "nothing")
    render = renderer(worlds).render
    one, two = await render(REPOSITORY, "", first, PATH), await render(REPOSITORY, "", second, PATH)
    assert one.objects is two.objects
    assert (one.commit, two.commit) == (first, second)


async def test_a_failure_says_that_it_is_remembered(worlds: Worlds) -> None:
    sha = worlds.git.commit({**overlay("staging"), f"{PATH}/kustomization.yaml": "resources: [gone.yaml]\n"})
    render = renderer(worlds).render
    with pytest.raises(RenderFailed, match=r"^`kustomize build <path to cached source>/.*Error: accumulating") as first:
        await render(REPOSITORY, "", sha, PATH)
    with pytest.raises(RenderFailed) as second:
        await render(REPOSITORY, "", sha, PATH)
    assert str(second.value) == f"Manifest generation error (cached): {first.value}"
    with pytest.raises(RenderFailed, match=r"^`kustomize"):
        await render(REPOSITORY, "", sha, PATH, fresh=True)


async def test_a_folder_without_kustomization_is_read_as_it_is(worlds: Worlds) -> None:
    sha = worlds.git.commit({"plain/a.yaml": "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n"})
    rendered = await renderer(worlds).render(REPOSITORY, "", sha, "plain")
    assert rendered.source_type == "Directory"
    assert [o["metadata"]["name"] for o in rendered.objects] == ["a"]


@pytest.mark.parametrize(("path", "message"), [("nope", "nope: app path does not exist"), ("..", "does not exist")])
async def test_a_path_that_is_not_there(worlds: Worlds, path: str, message: str) -> None:
    with pytest.raises(RenderFailed, match=message):
        await renderer(worlds).render(REPOSITORY, "", worlds.git.run("rev-parse", "main"), path)


async def test_an_unknown_repository(worlds: Worlds) -> None:
    with pytest.raises(RenderFailed, match="repository not found: http://x"):
        await renderer(worlds).render(None, "http://x", "main", ".")
