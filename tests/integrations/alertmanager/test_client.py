"""The client against what three versions of Alertmanager answered, over a real socket."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.domain.alerts.alert import AlertState
from bot.domain.alerts.matcher import Matcher, Operator, parse_matchers
from bot.domain.alerts.silence import SilenceDraft, SilenceState
from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.ports import NotFound, Refused, Unavailable
from tests.integrations.alertmanager.conftest import Alertmanager
from tests.integrations.alertmanager.recorded import VERSIONS
from tests.integrations.replay import Answer, FixedClock

FIRING, SILENCED, INHIBITED = AlertState.FIRING, AlertState.SILENCED, AlertState.INHIBITED
SILENCE = "7abe3c98-0936-48dd-9d47-c42af8cb4158"
STARTS = datetime(2026, 11, 23, 12, 0, 0, 439_900, tzinfo=UTC)
DRAFT = SilenceDraft(
    matchers=parse_matchers('alertname="KubePodCrashLooping",namespace=~"a|b",env!="dev",team!~"x.*"'),
    starts_at=STARTS, ends_at=STARTS + timedelta(hours=2), created_by="U0DEV1 (developer)", comment="tiphys:01J0",
)  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
async def test_alerts_are_read_with_who_hides_them(
    version: str, replay: Alertmanager, client: AlertmanagerClient
) -> None:
    recorded = replay.play(version, "api_alerts", "all alerts").answered
    found = await client.list_alerts()
    states = {
        ("suppressed", True, False): SILENCED, ("suppressed", False, True): INHIBITED, ("active", False, False): FIRING
    }  # fmt: skip
    for reported, told in zip(found, recorded, strict=True):
        status, alert = told["status"], reported.alert
        key = (status["state"], bool(status["silencedBy"]), bool(status["inhibitedBy"]))
        assert alert.state is states[key]
        assert alert.silenced_by == tuple(status["silencedBy"])
        assert alert.inhibited_by == tuple(status["inhibitedBy"])
        assert alert.labels == told["labels"]
        assert alert.annotations == told["annotations"]
        assert alert.ends_at is None  # the API's is a time to come
        assert alert.starts_at == datetime.fromisoformat(told["startsAt"])
        assert reported.receivers == tuple(receiver["name"] for receiver in told["receivers"])
    assert {reported.alert.state for reported in found} >= {FIRING, SILENCED}


async def test_matchers_are_repeated_filters_and_the_receiver_an_expression(
    replay: Alertmanager, client: AlertmanagerClient
) -> None:
    replay.play("0.33", "api_alerts", "two filters = AND")
    await client.list_alerts(
        (Matcher("namespace", Operator.EQUAL, 'gu"est\\book\n'), Matcher("pod", Operator.MATCHES, "ui-.*")),
        receiver="slack.bot-prod (eu)",
    )
    assert replay.last.query == [
        ("filter", r'namespace="gu\"est\\book\n"'), ("filter", 'pod=~"ui-.*"'), ("receiver", r"slack\.bot-prod \(eu\)"),
    ]  # fmt: skip


async def test_no_alerts_are_none(replay: Alertmanager, client: AlertmanagerClient) -> None:
    replay.on("GET", "/api/v2/alerts", Answer(text="[]\n"))
    assert await client.list_alerts() == ()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"state": "unprocessed"}, FIRING),
        ({"state": "something new"}, FIRING),
        ({"state": "suppressed", "silencedBy": [], "inhibitedBy": [], "mutedBy": ["nights"]}, INHIBITED),
        (None, FIRING),
    ],
)
async def test_a_state_that_is_not_known_fires(
    status: dict[str, Any] | None, state: AlertState, replay: Alertmanager, client: AlertmanagerClient
) -> None:
    alert = {"fingerprint": "366e2e089b2194d5", "labels": {"a": "b"}, "startsAt": "2026-11-23T11:55:48Z"}
    replay.on("GET", "/api/v2/alerts", web_json([{**alert, "status": status}]))
    [reported] = await client.list_alerts()
    assert reported.alert.state is state


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_status_tells_version_and_since_when_it_is_up(
    version: str, replay: Alertmanager, client: AlertmanagerClient, clock: FixedClock
) -> None:
    started = datetime.fromisoformat(replay.play(version, "api_status_receivers", "status").answered["uptime"])
    clock.time = started + timedelta(seconds=119)
    found = await client.status()
    assert found.version.startswith(version)
    assert found.cluster == "disabled"  # it was started without peers
    assert abs(found.started_at - started) < timedelta(milliseconds=1)
    assert not found.settled
    clock.time = started + timedelta(minutes=2)
    assert (await client.status()).settled


async def test_a_cluster_that_gossips_for_the_first_time_is_not_settled(
    replay: Alertmanager, client: AlertmanagerClient, clock: FixedClock
) -> None:
    recorded = replay.play("0.28", "api_ha_cluster", "am-0 right after start").answered
    clock.time = datetime.fromisoformat(recorded["uptime"]) + timedelta(minutes=10)
    found = await client.status()
    assert (found.settled, found.cluster) == (False, "settling")


async def test_who_does_not_tell_his_uptime_is_settled_after_having_answered_for_so_long(
    replay: Alertmanager, client: AlertmanagerClient, clock: FixedClock
) -> None:
    answer = web_json({"cluster": {"status": "ready"}, "uptime": "0001-01-01T00:00:00Z"})
    replay.on("GET", "/api/v2/status", answer, answer, Answer(status=502), answer)
    assert not (await client.status()).settled
    clock.time += timedelta(minutes=3)
    found = await client.status()
    assert (found.settled, found.version) == (True, "unknown")
    with pytest.raises(Unavailable):
        await client.status()
    assert not (await client.status()).settled


@pytest.mark.parametrize("version", VERSIONS)
async def test_silences_are_read(version: str, replay: Alertmanager, client: AlertmanagerClient) -> None:
    recorded = replay.play(version, "api_silences_create_get_list", "list").answered
    found = await client.list_silences()
    assert [(silence.id, silence.state.value) for silence in found] == [
        (told["id"], told["status"]["state"]) for told in recorded
    ]
    assert {str(matcher) for silence in found for matcher in silence.matchers} >= {
        'namespace=~"pay.*"',
        'severity!="info"',
    }
    weird = next(silence for silence in found if "<!channel>" in silence.comment)
    assert (weird.state, weird.created_by) == (SilenceState.PENDING, "<@U123>")
    assert weird.comment == "<!channel> & ünï\nline2"


async def test_a_state_of_a_silence_that_is_not_known_follows_from_its_times(
    replay: Alertmanager, client: AlertmanagerClient, clock: FixedClock
) -> None:
    def silence(starts: int, ends: int) -> dict[str, Any]:
        times = [(clock.time + timedelta(minutes=at)).isoformat() for at in (starts, ends)]
        return {
            "id": f"{starts}", "status": {"state": "?"}, "matchers": [], "startsAt": times[0], "endsAt": times[1]
        }  # fmt: skip

    replay.on("GET", "/api/v2/silences", web_json([silence(-1, 1), silence(1, 2), silence(-2, -1)]))
    states = [found.state for found in await client.list_silences()]
    assert states == [SilenceState.ACTIVE, SilenceState.PENDING, SilenceState.EXPIRED]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_silence_is_made_whole(version: str, replay: Alertmanager, client: AlertmanagerClient) -> None:
    recorded = replay.play(version, "api_silences_create_get_list", "create: exact").answered
    assert await client.create_silence(DRAFT) == recorded["silenceID"]
    assert replay.last.headers["Content-Type"] == "application/json"
    assert replay.last.body == {
        "matchers": [
            {"name": "alertname", "value": "KubePodCrashLooping", "isRegex": False, "isEqual": True},
            {"name": "namespace", "value": "a|b", "isRegex": True, "isEqual": True},
            {"name": "env", "value": "dev", "isRegex": False, "isEqual": False},
            {"name": "team", "value": "x.*", "isRegex": True, "isEqual": False},
        ],
        "startsAt": "2026-11-23T12:00:00.439Z", "endsAt": "2026-11-23T14:00:00.439Z",
        "createdBy": "U0DEV1 (developer)", "comment": "tiphys:01J0",
    }  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_update_answers_the_id_that_it_has_now(
    version: str, replay: Alertmanager, client: AlertmanagerClient
) -> None:
    same = replay.play(version, "api_silences_update_expire", "update: same id").answered["silenceID"]
    other = replay.play(version, "api_silences_update_expire", "update with another startsAt").answered["silenceID"]
    assert await client.update_silence(same, DRAFT) == same
    assert replay.last.body["id"] == same
    assert await client.update_silence(same, DRAFT) == other != same


@pytest.mark.parametrize("version", VERSIONS)
async def test_expiring_is_the_same_once_and_twice(
    version: str, replay: Alertmanager, client: AlertmanagerClient
) -> None:
    path = replay.play(version, "api_silences_update_expire", "expire").path
    replay.play(version, "api_silences_update_expire", "expire again")
    await client.expire_silence(path.rpartition("/")[2])
    await client.expire_silence(path.rpartition("/")[2])
    assert [seen.method for seen in replay.requests] == ["DELETE", "DELETE"]


async def test_grafanas_answers_are_successes_too(replay: Alertmanager, client: AlertmanagerClient) -> None:
    replay.on("POST", "/api/v2/silences", Answer(202, text='{"silenceID":"x"}'))
    replay.on("DELETE", "/api/v2/silence/x", Answer(text='{"message":"silence deleted"}'))
    assert await client.create_silence(DRAFT) == "x"
    await client.expire_silence("x")
    replay.on("GET", "/api/v2/silence/y", Answer(404, text='{"message":"Silence not found: y"}'))
    with pytest.raises(NotFound):
        await client.get_silence("y")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_silence_that_is_not_there_is_not_found(
    version: str, replay: Alertmanager, client: AlertmanagerClient
) -> None:
    gone, wrong = f"/api/v2/silence/{SILENCE}", "/api/v2/silence/nope"
    replay.play(version, "api_errors", "get unknown id", at=gone)
    replay.play(version, "api_errors", "delete unknown id", at=gone)  # 500 by version 0.25
    replay.play(version, "api_errors", "create with unknown id")
    replay.play(version, "api_errors", "get id that is no UUID", at=wrong)
    for ask in (
        lambda: client.get_silence(SILENCE),
        lambda: client.expire_silence(SILENCE),
        lambda: client.update_silence(SILENCE, DRAFT),
    ):
        with pytest.raises(NotFound) as error:
            await ask()
        assert error.value.slug == "no-such-silence"
    with pytest.raises(Refused, match="must be of type uuid") as refusal:
        await client.get_silence("nope")
    assert refusal.value.slug == "bad-request"


async def test_another_peer_is_given_the_time_to_hear_of_a_silence(
    replay: Alertmanager, client: AlertmanagerClient
) -> None:
    for label in ("get on am-1 at once", "get on am-1 after"):
        recorded = replay.play("0.33", "api_ha_cluster", label)
    silence = recorded.path.rpartition("/")[2]
    assert (await client.get_silence(silence)).id == silence
    assert len(replay.requests) == 2


async def test_an_id_is_one_part_of_the_path(replay: Alertmanager, client: AlertmanagerClient) -> None:
    with pytest.raises(Unavailable):
        await client.get_silence("../alerts?x")
    assert replay.last.path == "/api/v2/silence/..%2Falerts%3Fx"


async def test_a_creation_is_never_repeated(replay: Alertmanager, client: AlertmanagerClient) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    replay.on("POST", "/api/v2/silences", cut)
    with pytest.raises(Unavailable):
        await client.create_silence(DRAFT)
    assert len(replay.requests) == 1


def test_the_page_lists_what_the_matchers_match(client: AlertmanagerClient, replay: Alertmanager) -> None:
    page = client.page_of(parse_matchers('alertname="A & B",pod=~"x.*"'))
    assert page == (
        f"{replay.url}/#/alerts?silenced=true&inhibited=true&active=true"
        "&filter=%7Balertname%3D%22A%20%26%20B%22%2Cpod%3D~%22x.%2A%22%7D"
    )


def web_json(document: Any) -> Answer:
    return Answer(text=json.dumps(document))
