"""Tokens of an App's installations against a GitHub that verifies, narrows, ends and refuses them."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bot.domain.pipeline import GithubApp, Repository
from bot.integrations.forges.github.app.installations import Installations
from bot.integrations.forges.github.client import GithubForge
from bot.integrations.forges.github.transport import Transport
from bot.ports import Denied, OutsideError, Unavailable
from bot.sandbox.traffic import Fault
from tests.integrations.forges.github.app.conftest import APM, NOW, TOOLS, WEB, Github
from tests.keys import private_pem, rsa_key


async def reached(github: Github, token: str) -> list[str]:
    """What the token reaches, by GitHub's own word."""
    http = Transport(github.url, token, timeout=5)
    try:
        found = (await http.get("/installation/repositories")).document
        return sorted(str(one["full_name"]) for one in found["repositories"])
    finally:
        await http.close()


async def denied(installations: Installations, repository: str = APM) -> Denied:
    with pytest.raises(Denied) as caught:
        await installations.token(repository)
    assert caught.value.way_out
    return caught.value


async def test_one_token_for_an_account_narrowed_to_what_is_configured(github: Github) -> None:
    installations = github.installations(serving=(APM,))
    token = await installations.token(APM)
    assert await reached(github, token) == [APM]
    assert github.learned == [token]
    assert token not in repr(installations._issued[APM.partition("/")[0]].expires_at)

    installations.serve((APM, WEB, TOOLS))
    wider = await installations.token(WEB)
    assert await reached(github, wider) == [APM, WEB]
    assert await installations.token(APM) == wider
    assert await reached(github, await installations.token(TOOLS)) == [TOOLS]
    assert github.issued == 3

    installations.serve((APM,))
    assert await reached(github, await installations.token(APM)) == [APM]


async def test_however_many_want_one_it_is_asked_for_once(github: Github) -> None:
    installations = github.installations()
    tokens = await asyncio.gather(*(installations.token(name) for name in (APM, WEB) * 20))
    assert len(set(tokens)) == 1
    assert (github.issued, github.asked("GET", "/installation")) == (1, 2)


async def test_whoever_gives_up_takes_it_from_nobody(github: Github) -> None:
    installations = github.installations()
    impatient = asyncio.ensure_future(installations.token(APM))  # noqa: TID251  to be cancelled
    patient = asyncio.ensure_future(installations.token(APM))  # noqa: TID251
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient
    assert github.issued == 1


async def test_a_token_is_renewed_well_before_it_ends(github: Github) -> None:
    installations = github.installations()
    first = await installations.token(APM)
    github.passes(minutes=49)
    assert await installations.token(APM) == first
    github.passes(minutes=2)
    second = await installations.token(APM)
    assert second != first
    assert github.learned == [first, second]


async def test_a_renewal_without_an_answer_keeps_the_old_one_while_it_holds(github: Github) -> None:
    installations = github.installations()
    first = await installations.token(APM)
    github.passes(minutes=51)
    github.traffic.add_fault(Fault(id="", service="github", do="status", status=503))
    before = len(github.traffic.requests()[0])
    assert [await installations.token(APM) for _ in range(5)] == [first] * 5
    assert len(github.traffic.requests()[0]) == before + 1, "it asks again only after a while"
    github.passes(minutes=10)
    with pytest.raises(Unavailable):
        await installations.token(APM)
    github.traffic.end_faults()
    assert await installations.token(APM) != first


async def test_a_token_that_github_refuses_is_replaced_and_the_request_repeated(github: Github) -> None:
    credential = github.installations().credential(APM)
    http = Transport(github.url, credential, timeout=5)
    await http.get(f"/repos/{APM}/pulls")
    first = await credential.token()
    github.passes(minutes=5)
    github.service.forge.apps.end_tokens()
    assert (await http.get(f"/repos/{APM}/pulls")).document == []
    assert await credential.token() != first
    assert github.issued == 2
    await http.close()


async def test_a_token_that_is_refused_at_once_is_not_replaced_again_and_again(github: Github) -> None:
    http = Transport(github.url, github.installations().credential(APM), timeout=5)
    github.traffic.add_fault(Fault(id="", service="github", do="status", status=401, method="PUT"))
    for _ in range(3):
        with pytest.raises(Denied):
            await http.write("PUT", f"/repos/{APM}/pulls/1/merge", {})
    assert github.issued == 1
    await http.close()


@pytest.mark.parametrize("minutes", [-40, -12, -1, 1, 7, 90])
async def test_githubs_clock_decides_where_ours_is_off(github: Github, minutes: int) -> None:
    github.ours.at = NOW
    github.ours.passes(minutes=minutes)
    installations = github.installations()
    with capture_logs() as logs:
        first = await installations.token(APM)
        github.passes(minutes=45)
        assert await installations.token(APM) == first
        github.passes(minutes=7)
        assert await installations.token(APM) != first
    told = [line["seconds"] for line in logs if line["event"] == "github.clock_differs"]
    assert told == [-minutes * 60]


async def test_a_clock_that_is_nearly_right_is_not_worth_a_word(github: Github) -> None:
    github.ours.passes(seconds=8)
    with capture_logs() as logs:
        await github.installations().token(APM)
    assert [line["event"] for line in logs] == ["github.token_issued"]
    assert not any(token in str(logs) for token in github.learned)


async def test_a_key_of_another_app(github: Github) -> None:
    other = GithubApp(id=github.app().id, private_key=private_pem(rsa_key("other")))
    error = await denied(github.installations(other))
    assert error.slug == "app-key-refused"
    assert "could not be decoded" in error.reason


async def test_an_id_of_another_app(github: Github) -> None:
    error = await denied(github.installations(replace(github.app(), id=999)))
    assert error.slug == "app-unknown"
    assert "999" in error.reason


async def test_an_app_that_is_not_installed(github: Github) -> None:
    github.knobs.installed = False
    error = await denied(github.installations())
    assert error.slug == "app-not-installed"
    assert "/apps/tiphys/installations/new" in error.way_out


async def test_a_suspended_installation(github: Github) -> None:
    github.knobs.suspended = True
    error = await denied(github.installations())
    assert error.slug == "app-suspended"
    assert "settings/installations" in error.way_out


async def test_missing_rights_are_named_and_useful_ones_may_be_missing(github: Github) -> None:
    installations = github.installations()
    github.knobs.permissions = {"contents": "read", "metadata": "read", "pull_requests": "write"}
    error = await denied(installations)
    assert error.slug == "app-rights-missing"
    assert "Contents (read and write), Commit statuses (read and write)" in error.reason
    github.knobs.permissions |= {"contents": "write", "statuses": "write"}
    assert await installations.token(APM)


async def test_a_token_asks_for_no_more_than_is_used(github: Github) -> None:
    github.knobs.permissions |= {"secrets": "write", "workflows": "write", "members": "read"}
    await github.installations().token(APM)
    [grant] = github.service.forge.apps._grants.values()
    assert grant.permissions == {
        "checks": "read", "contents": "write", "issues": "read", "metadata": "read", "pull_requests": "write",
        "statuses": "write", "workflows": "write",
    }  # fmt: skip


async def test_one_repository_without_the_app_does_not_keep_the_others_out(github: Github) -> None:
    github.knobs.repositories = [APM]
    installations = github.installations()
    token = await installations.token(APM)
    for _ in range(3):
        assert (await denied(installations, WEB)).slug == "app-not-installed"
    assert (await installations.token(APM), github.issued) == (token, 1)
    github.knobs.repositories = None
    assert await reached(github, await installations.token(WEB)) == [APM, WEB]


@pytest.mark.parametrize("do", ["status", "html", "reset"])
async def test_a_github_that_gives_no_answer_is_waited_for(github: Github, do: str) -> None:
    github.traffic.add_fault(Fault(id="", service="github", do=do, status=502, left=1))  # type: ignore[arg-type]
    installations = github.installations()
    with pytest.raises(OutsideError) as caught:
        await installations.token(APM)
    assert isinstance(caught.value, Unavailable)
    assert await installations.token(APM)


async def test_a_forge_works_with_it(github: Github) -> None:
    repository = Repository(name="apm", github=APM, api_url=github.url, app=github.app())
    forge = GithubForge(repository, github.installations().credential(APM))
    assert await forge.find_pull_request(head_branch="tiphys/x", marker="<!-- x -->") is None
    await forge.close()
