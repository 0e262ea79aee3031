"""The forge's App: its word is judged as GitHub judges it, and its tokens reach what they were given and then end."""

import time
from typing import Any

import httpx
import jwt
import pytest

from bot.sandbox.seeded import GITHUB_APP_ID
from tests.keys import private_pem, rsa_key
from tests.sandbox.github.conftest import REPO, Forge

RIGHTS = {"contents": "write", "metadata": "read", "pull_requests": "write", "statuses": "write"}


def word(forge: Forge, *, key: str | None = None, **claims: Any) -> str:
    now = int(time.time())
    whole = {"iat": now - 60, "exp": now + 540, "iss": str(GITHUB_APP_ID), **claims}
    pem = key or forge.service.forge.apps.key_file().read_text()
    return jwt.encode({name: value for name, value in whole.items() if value is not None}, pem, algorithm="RS256")


async def ask(forge: Forge, token: str, method: str, path: str, **body: Any) -> httpx.Response:
    return await forge.api.request(method, path, headers={"Authorization": f"Bearer {token}"}, json=body or None)


async def issue(forge: Forge, **body: Any) -> httpx.Response:
    found = (await ask(forge, word(forge), "GET", f"/repos/{REPO}/installation")).raise_for_status().json()
    return await ask(forge, word(forge), "POST", f"/app/installations/{found['id']}/access_tokens", **body)


async def issued(forge: Forge, **body: Any) -> str:
    answer = await issue(forge, **body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


async def test_a_good_word(forge: Forge) -> None:
    app = (await ask(forge, word(forge), "GET", "/app")).raise_for_status().json()
    assert (app["id"], app["slug"]) == (GITHUB_APP_ID, "tiphys")
    [installation] = (await ask(forge, word(forge), "GET", "/app/installations")).raise_for_status().json()
    assert installation["account"]["login"] == "example"
    assert forge.service.forge.apps.key_file().stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": -5}, "the future time at which the assertion expires"),
        ({"exp": 3600}, "'exp') is too far in the future"),
        ({"iat": 300}, "'Issued at' claim ('iat') must be an Integer"),
        ({"exp": None}, "Missing 'Expiration time'"),
        ({"iat": None}, "Missing 'Issued at'"),
    ],
)
async def test_a_word_at_the_wrong_time(forge: Forge, claims: dict[str, int | None], said: str) -> None:
    """Claims are seconds from now, None: left out."""
    now = int(time.time())
    told: dict[str, Any] = {name: None if seconds is None else now + seconds for name, seconds in claims.items()}
    answer = await ask(forge, word(forge, **told), "GET", "/app")
    assert (answer.status_code, said in answer.json()["message"]) == (401, True), answer.text


async def test_a_word_of_somebody_else(forge: Forge) -> None:
    for token in (word(forge, key=private_pem(rsa_key("other"))), "ghp_sandbox_tiphys", "x.y.z"):
        answer = await ask(forge, token, "GET", "/app")
        assert (answer.status_code, answer.json()["message"]) == (401, "A JSON web token could not be decoded")
    answer = await ask(forge, word(forge, iss="1"), "GET", "/app")
    assert (answer.status_code, answer.json()["message"]) == (404, "Integration not found")
    assert (await ask(forge, word(forge), "GET", f"/repos/{REPO}")).status_code == 401


async def test_the_forges_clock_judges_and_is_told(forge: Forge) -> None:
    forge.service.forge.apps.records.clock_skew = -600
    answer = await ask(forge, word(forge), "GET", "/app")
    assert (answer.status_code, "'iat'" in answer.json()["message"]) == (401, True)
    late = int(time.time()) - 600
    assert (await ask(forge, word(forge, iat=late - 60, exp=late + 60), "GET", "/app")).status_code == 200


async def test_a_token_reaches_what_it_was_given_for_as_long_as_it_lives(forge: Forge) -> None:
    token = await issued(forge, repositories=["shop"], permissions=RIGHTS)
    assert len(token) > 100
    found = (await ask(forge, token, "GET", "/installation/repositories")).json()
    assert [one["full_name"] for one in found["repositories"]] == [REPO]
    await forge.commit("topic", {"a.txt": "x\n"}, **{"from": "main"})
    opened = await ask(forge, token, "POST", f"/repos/{REPO}/pulls", head="topic", base="main", title="t")
    assert (opened.status_code, opened.json()["user"]["login"]) == (201, "tiphys[bot]")
    assert (await ask(forge, token, "GET", "/user")).status_code == 403
    forge.service.forge.apps.end_tokens()
    refused = await ask(forge, token, "GET", f"/repos/{REPO}/pulls")
    assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")


async def test_a_token_ends_at_its_time(forge: Forge) -> None:
    apps = forge.service.forge.apps
    apps.records.token_seconds = 90
    token = await issued(forge)
    assert (await ask(forge, token, "GET", f"/repos/{REPO}")).status_code == 200
    apps.records.clock_skew = 91
    assert (await ask(forge, token, "GET", f"/repos/{REPO}")).status_code == 401


async def test_a_right_that_was_not_given(forge: Forge) -> None:
    token = await issued(forge, permissions={"metadata": "read", "contents": "read"})
    sha = forge.tip("main")
    answer = await ask(forge, token, "POST", f"/repos/{REPO}/statuses/{sha}", state="success")
    assert (answer.status_code, answer.json()["message"]) == (403, "Resource not accessible by integration")
    assert answer.headers["X-Accepted-GitHub-Permissions"] == "statuses=write"
    assert (await ask(forge, token, "GET", f"/repos/{REPO}/commits/{sha}")).status_code == 200
    assert (await ask(forge, token, "GET", f"/repos/{REPO}/commits/{sha}/check-runs")).status_code == 403


async def test_what_the_installation_refuses(forge: Forge) -> None:
    records = forge.service.forge.apps.records
    unknown = await issue(forge, repositories=["other"])
    assert (unknown.status_code, "does not exist or is not accessible" in unknown.text) == (422, True)
    more = await issue(forge, permissions={"administration": "write"})
    assert (more.status_code, "not granted to this installation" in more.text) == (422, True)
    token = await issued(forge)
    records.suspended = True
    assert (await issue(forge)).json()["message"] == "This installation has been suspended"
    assert (await ask(forge, token, "GET", f"/repos/{REPO}")).status_code == 403
    records.suspended, records.repositories = False, []
    assert (await ask(forge, word(forge), "GET", f"/repos/{REPO}/installation")).status_code == 404


async def test_git_takes_the_token_while_it_lives(forge: Forge) -> None:
    reads = await issued(forge, permissions={"contents": "read", "metadata": "read"})
    writes = await issued(forge, permissions=RIGHTS)
    url = forge.repositories.clone_url(REPO)
    main = forge.tip("main")
    assert (await forge.git("ls-remote", url, token=reads)).code == 0
    clone = await forge.clone("mine")
    push = ("push", url, f"{main}:refs/heads/by-app")
    assert "403" in (await forge.git(*push, at=clone, token=reads)).err
    assert (await forge.git(*push, at=clone, token=writes)).code == 0
    assert forge.tip("by-app") == main
    forge.service.forge.apps.end_tokens()
    assert (await forge.git("ls-remote", url, token=writes)).code == 128


async def test_the_knobs(forge: Forge) -> None:
    shown = (await forge.control.get("/api/github/app")).json()
    assert (shown["id"], shown["installed"], shown["suspended"]) == (GITHUB_APP_ID, True, False)
    turned = (await forge.control.patch("/api/github/app", json={"token_seconds": 5, "repositories": [REPO]})).json()
    assert (turned["token_seconds"], turned["repositories"]) == (5, [REPO])
    token = await issued(forge)
    await forge.control.patch("/api/github/app", json={"end_tokens": True, "repositories": None})
    assert (await ask(forge, token, "GET", f"/repos/{REPO}")).status_code == 401
    assert (await forge.control.patch("/api/github/app", json={"lost": 1})).status_code == 400
