"""Every finding about Slack over HTTP, shown at the door that the product opens, and at others."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest
from aiohttp import web

from bot.checks.catalogue import CATALOGUE, Severity
from bot.checks.finding import Findings
from bot.checks.online import Patience, check_online
from bot.checks.slack_http import check_http_mode
from bot.clock import SystemClock
from bot.sandbox.seeded import BOT_ID, BOT_USER_ID, TEAM_ID
from bot.slack.app import Identity, build_app, new_session, web_client
from bot.slack.http_mode import HttpMode
from bot.slack.own_door import OwnDoor
from bot.web.server import start_server
from bot.web.slack_events import Receive, slack_events_routes
from tests.checks.scene import Scene, the

SECRET = "the-apps-signing-secret"
Listen = Callable[..., Awaitable[int]]
FREE = 9
"""A port of nobody (discard)."""


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Serve `/slack/events` as the product does, and answer the port."""
    runners: list[web.AppRunner] = []
    session = new_session()
    identity = Identity(team_id=TEAM_ID, user_id=BOT_USER_ID, bot_id=BOT_ID)
    slack = HttpMode(build_app(web_client("xoxb-unused", "http://127.0.0.1:9", session), identity, over_http=True))

    async def begin(receive: Receive | None = slack.receive, *, host: str = "127.0.0.1") -> int:
        app = web.Application()
        if receive is not None:
            app.add_routes(slack_events_routes(receive, SECRET, SystemClock()))
        runners.append(await start_server(app, host, 0))
        return int(runners[-1].addresses[0][1])

    yield begin
    for runner in runners:
        await runner.cleanup()
    await session.close()


async def not_ready(*_: object) -> None:
    return None


async def at(port: int, *, secret: str = SECRET, host: str = "127.0.0.1") -> Findings:
    return await check_http_mode(OwnDoor(host, port, secret))


async def served(listen: Listen, *, host: str = "127.0.0.1") -> Findings:
    return await at(await listen(host=host), host=host)


async def with_another_secret(listen: Listen) -> Findings:
    return await at(await listen(), secret="of another app")


async def answered_by_another(listen: Listen) -> Findings:
    return await at(await listen(None))


async def starting(listen: Listen) -> Findings:
    return await at(await listen(not_ready))


async def with_nobody_there(_: Listen) -> Findings:
    return await at(FREE)


CASES: dict[str, tuple[Callable[[Listen], Awaitable[Findings]], str]] = {
    "slack.http": (served, "HTTP 200, what is signed with SLACK_SIGNING_SECRET is taken"),
    "slack.http-not-served": (answered_by_another, "HTTP 404, it is not served there"),
    "slack.http-unknown": (with_nobody_there, "no answer (ClientConnectorError)"),
    "slack.signing-secret-differs": (with_another_secret, "HTTP 401"),
    "slack.request-url-unknown": (served, "cannot be told from here"),
}


@pytest.mark.parametrize("slug", CASES)
async def test_every_finding_is_shown(slug: str, listen: Listen) -> None:
    check, words = CASES[slug]
    found = await check(listen)
    told = the(slug, found)
    assert words in told.evidence
    assert told.fix or CATALOGUE[slug].severity is Severity.INFO
    assert SECRET not in str(found)
    the("slack.request-url-unknown", found)


async def test_whoever_listens_everywhere_is_asked_on_this_machine(listen: Listen) -> None:
    the("slack.http", await served(listen, host="0.0.0.0"))  # noqa: S104


async def test_what_is_not_ready_cannot_be_told(listen: Listen) -> None:
    assert "HTTP 503" in the("slack.http-unknown", await starting(listen)).evidence


async def test_any_free_port_cannot_be_told() -> None:
    assert "any free port" in the("slack.http-unknown", await at(0)).evidence


async def test_the_settings_say_which_way_slack_comes(scene: Scene, listen: Listen) -> None:
    """Over Socket Mode nothing is said of HTTP, and the other way round; what cannot be told is a warning."""
    check = partial(check_online, patience=Patience(answer=20, fetch=20, more=20))
    scene.environ |= {"SLACK_SIGNING_SECRET": SECRET, "TIPHYS_LISTEN": f"127.0.0.1:{await listen()}"}
    slugs = {finding.slug for finding in await check(scene.settings(), None)}
    assert "slack.socket-mode" in slugs
    assert not [slug for slug in slugs if slug.startswith(("slack.http", "slack.request"))]
    del scene.environ["SLACK_APP_TOKEN"]
    found = await check(scene.settings(), None)
    the("slack.http", found)
    assert the("slack.request-url-unknown", found).severity is Severity.WARNING
    assert not [finding for finding in found if finding.slug.startswith("slack.socket-mode")]
