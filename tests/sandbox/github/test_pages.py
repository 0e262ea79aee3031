"""The pages behind the links that people click on cards."""

import httpx

from tests.sandbox.github.conftest import REPO, Forge


async def read(url: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(url)


async def test_a_pull_request(forge: Forge) -> None:
    await forge.open("topic", {"app.yaml": "tag: 2\n"})
    await forge.deed("status", number=1, context="ci", state="success")
    await forge.deed("review", number=1, state="APPROVED")
    pull = await forge.computed(1)
    page = await read(pull["html_url"])
    assert page.status_code == 200
    for part in (
        "Ship topic",
        "open",
        "why",
        "ci: <b>success</b>",
        "approved",
        "<ins>+tag: 2</ins>",
        "Mergeable: clean",
    ):
        assert part in page.text
    await forge.merge(1)
    assert "Merged by tiphys" in (await read(pull["html_url"])).text


async def test_a_commit_and_a_comparison(forge: Forge) -> None:
    before = forge.tip("main")
    sha = await forge.commit("main", {"app.yaml": "tag: 2\n"}, message="bump")
    for place in (f"commit/{sha}", f"compare/{before}...{sha}", f"commit/{before}"):
        page = await read(f"{forge.repositories.base_url}/{REPO}/{place}")
        assert page.status_code == 200
        assert "app.yaml" in page.text


async def test_text_is_text(forge: Forge) -> None:
    await forge.commit("topic", {"<script>.txt": "<script>alert(1)</script>\n"}, message="<script>")
    await forge.deed("open", head="topic", base="main", title="<script>", body="<img onerror=x>")
    sha = forge.tip("topic")
    for place in ("pull/1", f"commit/{sha}", f"compare/main...{sha}"):
        page = await read(f"{forge.repositories.base_url}/{REPO}/{place}")
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "<img" not in page.text


async def test_the_unknown_is_not_found(forge: Forge) -> None:
    for place in ("pull/9", "commit/nothing", "compare/main...nothing"):
        assert (await read(f"{forge.repositories.base_url}/{REPO}/{place}")).status_code in (404, 422)
    assert (await read(f"{forge.repositories.base_url}/example/nothing/pull/1")).status_code == 404


async def test_a_foreign_host_sees_nothing(forge: Forge) -> None:
    pull = await forge.open("topic")
    async with httpx.AsyncClient() as client:
        assert (await client.get(pull["html_url"], headers={"Host": "evil.example.com"})).status_code == 404
