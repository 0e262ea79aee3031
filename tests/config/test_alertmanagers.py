"""Where alerts come from: what a source means, and every way in which it cannot be meant."""

from datetime import timedelta

import pytest

from bot.config.problems import ENVIRONMENT
from bot.domain.alerts.policy import AlertSource, BasicAuth
from tests.config.conftest import ALERT_SECRETS, WHOLE, WITH_ALERTS, Reading, changed

ALERTS = "alerts: {channel: C0ALERTS}\n"


def with_sources(*lines: str) -> str:
    return WHOLE + "alertmanagers:\n" + "".join(f"  {line}\n" for line in lines) + ALERTS


@pytest.fixture
def reading() -> Reading:
    return Reading().with_alerts()


def test_sources_mean_what_they_say(reading: Reading) -> None:
    configuration = reading.good(WITH_ALERTS)
    assert configuration.alerts.sources == {
        "default": AlertSource(
            name="default", webhook_tokens=("webhook-token-1",), url="http://alertmanager.monitoring:9093",
            receivers=("tiphys",), poll=timedelta(seconds=30),
        ),
        "edge": AlertSource(
            name="edge", webhook_tokens=("edge-token-1", "edge-token-2"),
            url="https://mimir.example.com/alertmanager", tenant="edge", token="api-token-1", ca_file="conf/ca.pem",
        ),
        "far": AlertSource(
            name="far", webhook_basic=BasicAuth(username="far", password="pass word-1"),
            url="https://far.example.com", basic=BasicAuth(username="tiphys", password="pass word-2"),
        ),
    }  # fmt: skip
    assert not any(secret in repr(configuration) for secret in ALERT_SECRETS.values())


@pytest.mark.parametrize("body", ["default:", "default: {url: https://a.example.com, tenant: x}", "only: {tenant: x}"])
def test_the_environments_address_wins_for_the_default_or_only_source(reading: Reading, body: str) -> None:
    reading.environ["ALERTMANAGER_URL"] = "http://127.0.0.1:9093/alertmanager/"
    [source] = reading.good(with_sources(body)).alerts.sources.values()
    assert source.url == "http://127.0.0.1:9093/alertmanager"


def test_of_several_sources_the_others_keep_their_address(reading: Reading) -> None:
    reading.environ["ALERTMANAGER_URL"] = "http://127.0.0.1:9093"
    sources = reading.good(WITH_ALERTS).alerts.sources
    assert [source.url for source in sources.values()] == [
        "http://127.0.0.1:9093", "https://mimir.example.com/alertmanager", "https://far.example.com",
    ]  # fmt: skip


def test_of_several_sources_none_of_which_is_the_default_it_is_not_known_which_is_meant(reading: Reading) -> None:
    reading.environ["ALERTMANAGER_URL"] = "http://127.0.0.1:9093"
    text = with_sources("a: {webhook: {token: {env: EDGE_OLD}}}", "b: {webhook: {token: {env: EDGE_NEW}}}")
    problem = reading.problem(text)
    assert (problem.file, problem.path) == (ENVIRONMENT, "ALERTMANAGER_URL")


def test_without_sources_the_environments_address_means_nothing(reading: Reading) -> None:
    reading.environ["ALERTMANAGER_URL"] = "http://127.0.0.1:9093"
    assert reading.good(WHOLE).alerts.sources == {}


@pytest.mark.parametrize("body", ["default:", "only: {}", "only: {url: null}"])
def test_the_default_or_only_source_needs_nothing_but_the_variable(reading: Reading, body: str) -> None:
    [source] = reading.good(with_sources(body)).alerts.sources.values()
    assert (source.webhook_tokens, source.url, source.poll) == (("webhook-token-1",), None, timedelta(minutes=1))


@pytest.mark.parametrize(
    ("lines", "path", "reason", "fix"),
    [
        (["default:", "edge: {}"], "edge.webhook", "by what webhooks of this source are known", "Add `webhook: {token"),
        (["default: {webhook: {}}"], "default.webhook", "by what webhooks of this source are known", "Add `webhook:"),
        (["default: {webhook: {tokens: []}}"], "default.webhook.tokens", "it is empty", "Name at least one"),
        (
            ["default: {webhook: {token: {env: EDGE_OLD}, basic: {username: x, password: {env: PASSWORD}}}}"],
            "default.webhook.basic", "`token` and `basic` are set: one is enough", "Keep one",
        ),
        (["default: {webhook: {token: {env: NOT_SET}}}"], "default.webhook.token.env",
         "`NOT_SET` is not set", "Set it"),
        (
            ["default: {webhook: {tokens: [{env: EDGE_OLD}, {env: NOT_SET}]}}"],
            "default.webhook.tokens[1].env", "`NOT_SET` is not set", "Set it",
        ),
        (
            ["default: {webhook: {basic: {username: x}}}"],
            "default.webhook.basic.password", "`password` is missing", "Add `password:`",
        ),
        (["default: {webhook: {basic: {username: 'a:b', password: {env: PASSWORD}}}}"],
         "default.webhook.basic.username", "`a:b` is not a user name", "without a colon"),
        (["default: {webhook: secret}"], "default.webhook", "a text is not what belongs here", "Write a mapping"),
        (["default: {url: 'http://a', token: {env: API_TOKEN}, basic: {username: x, password: {env: PASSWORD}}}"],
         "default.basic", "`token` and `basic` are both set", "Keep one"),
        (["default: {token: {env: API_TOKEN}}"], "default.token",
         "`token` is for the API, and there is no `url`", "Add"),
        (["default: {tenant: a}"], "default.tenant", "there is no `url`", "Add `url:`, or remove `tenant`"),
        (["default: {poll: 1m}"], "default.poll", "there is no `url`", "remove `poll`"),
        (["default: {url: 'http://a', tenant: 'a|b'}"], "default.tenant", "`a|b` is not a tenant", "X-Scope-OrgID"),
        (["default: {url: 'http://a', tenant: '..'}"], "default.tenant", "`..` is not a tenant", "X-Scope-OrgID"),
        (["default: {url: 'alertmanager:9093'}"], "default.url", "has no scheme",
         "`http://alertmanager.monitoring:9093`"),
        (["default: {url: 'ftp://a'}"], "default.url", "not an http or https address", "http://"),
        (["default: {url: 'http://x:y@a'}"], "default.url", "contains a user name or password", "http://"),
        (["default: {url: 'https://a/mimir/api/v2/alerts'}"], "default.url", "it goes on with `/api/v2/alerts`",
         "`https://a/mimir`"),
        (["default: {url: 'http://a', ca_file: none.pem}"], "default.ca_file",
         "`conf/none.pem` cannot be read", "path"),
        (["default: {uri: 'http://a'}"], "default.uri", "the key `uri` is unknown here", "Did you mean `url`?"),
        (["default: {url: 'http://a'}", "b: {webhook: {token: {env: EDGE_OLD}}, url: 'http://a/'}"], "b.url",
         "`default` has the same", "every alert would come twice"),
    ],
)  # fmt: skip
def test_a_source_that_cannot_be_meant(reading: Reading, lines: list[str], path: str, reason: str, fix: str) -> None:
    problem = reading.problem(with_sources(*lines))
    assert problem.path == f"alertmanagers.{path}"
    assert reason in problem.reason
    assert fix in problem.fix


def test_no_receivers_are_those_that_were_heard_of(reading: Reading) -> None:
    assert reading.good(with_sources("default: {receivers: []}")).alerts.sources["default"].receivers == ()


def test_one_url_may_have_several_tenants(reading: Reading) -> None:
    lines = (
        "a: {webhook: {token: {env: EDGE_OLD}}, url: 'http://m', tenant: a}",
        "b: {webhook: {token: {env: EDGE_NEW}}, url: 'http://m', tenant: b}",
    )
    assert list(reading.good(with_sources(*lines)).alerts.sources) == ["a", "b"]


@pytest.mark.parametrize("place", ["webhook: {token: hunter2}", "webhook: {tokens: [hunter2]}", "token: hunter2"])
def test_a_secret_itself_is_refused_and_not_repeated(reading: Reading, place: str) -> None:
    problem = reading.problem(with_sources(f"default: {{url: 'http://a', {place}}}"))
    assert problem.path.startswith("alertmanagers.default")
    assert "{env: NAME}" in problem.fix
    assert "hunter2" not in str(problem)


def test_a_secret_that_is_missing_does_not_hide_the_next_problem(reading: Reading) -> None:
    del reading.environ["ALERTMANAGER_WEBHOOK_TOKEN"]
    text = changed(("tenant: edge", "tenant: ':'"), ("channel: C0APM", "channel: apm"), text=WITH_ALERTS)
    assert [problem.path for problem in reading.problems(text)] == [
        "alertmanagers.default.webhook.token.env", "alertmanagers.edge.tenant", "alerts.routes[0].channel",
    ]  # fmt: skip


def test_a_source_whose_body_is_wrong_does_not_make_another_the_only_one(reading: Reading) -> None:
    problem = reading.problem(with_sources("a: [x]", "b: {webhook: {token: {env: EDGE_OLD}}}"))
    assert problem.path == "alertmanagers.a"
    problems = reading.problems(with_sources("a: [x]", "b: {}"))
    assert [problem.path for problem in problems] == ["alertmanagers.a", "alertmanagers.b.webhook"]


def test_a_password_of_several_lines_is_none(reading: Reading) -> None:
    reading.environ["PASSWORD"] = "one\ntwo"
    problem = reading.problem(with_sources("default: {webhook: {basic: {username: x, password: {env: PASSWORD}}}}"))
    assert problem.path == "alertmanagers.default.webhook.basic.password.env"
    assert "holds more than one line" in problem.reason
    assert "one\ntwo" not in str(problem)
