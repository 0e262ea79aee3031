import pytest

from bot.config.explain import explain
from bot.config.problems import ConfigurationError
from tests.config.conftest import ALERT_SECRETS, TOKENS, WHOLE, WITH_ALERTS, Reading, changed
from tests.keys import private_pem


def explained(reading: Reading, text: str = WHOLE) -> dict[str, tuple[str, str]]:
    lines = explain(text, file="conf/tiphys.yaml", environ=reading.environ, read_file=reading.read_file)
    assert len({line.path for line in lines}) == len(lines)
    return {line.path: (line.value, line.origin) for line in lines}


PRODUCTION = "applications.shop.stages.production"


def test_each_value_names_the_line_that_it_comes_from(reading: Reading) -> None:
    text = changed(
        ("version: 1\n", "version: 1\ndefaults: {soak: 1h, timeouts: {health: 5m}}\n"),
        ("{from: development}", "{from: development, approvals: {valid_for: 2h}}"),
    )
    found = explained(reading, text)
    assert found[f"{PRODUCTION}.soak"] == ("1h", "conf/tiphys.yaml:2 (defaults.soak)")
    assert found[f"{PRODUCTION}.sync"] == ("controlled", "conf/tiphys.yaml:14 (environments.production.sync)")
    assert found[f"{PRODUCTION}.approvals.needed"] == (
        "1", "conf/tiphys.yaml:15 (environments.production.approvals.needed)",
    )  # fmt: skip
    assert found[f"{PRODUCTION}.approvals.valid_for"] == (
        "2h", "conf/tiphys.yaml:23 (applications.shop.stages.production.approvals.valid_for)",
    )  # fmt: skip
    assert found[f"{PRODUCTION}.approvals.expire"] == ("8h", "built in")
    assert found[f"{PRODUCTION}.timeouts.health"] == ("5m", "conf/tiphys.yaml:2 (defaults.timeouts.health)")
    assert found[f"{PRODUCTION}.path"] == (
        "overlays/production", "conf/tiphys.yaml:19 (applications.shop.strategy.path)",
    )  # fmt: skip
    assert found["applications.shop.stages.development.approvals"] == ("none needed", "built in")
    assert found["people.first.slack"] == ("[U0ONE, U0ONEB]", "conf/tiphys.yaml:4 (people.first.slack)")
    assert found["permissions.policy"][0] == "2 lines"
    assert found["permissions.default"] == ("role:readonly", "built in")


def test_the_channel_of_an_application_is_nearer_than_the_defaults(reading: Reading) -> None:
    text = changed(
        ("version: 1\n", "version: 1\ndefaults: {channel: C0WIDE}\n"),
        ("    repository: shop", "    channel: C0SHOP\n    repository: shop"),
        ("{from: development}", "{from: development, channel: C0STAGE}"),
    )
    found = explained(reading, text)
    assert found["applications.shop.stages.development.channel"][0] == "C0SHOP"
    assert found[f"{PRODUCTION}.channel"][0] == "C0STAGE"


def test_variables_that_win_are_named(reading: Reading) -> None:
    reading.environ |= {
        "ARGOCD_SERVER": "https://x.example.com", "GITHUB_API_URL": "https://g.example.com",
        "ALERTMANAGER_URL": "https://a.example.com",
    }  # fmt: skip
    found = explained(reading.with_alerts(), WHOLE + "alertmanagers: {default: }\nalerts: {channel: C0ALERTS}\n")
    assert found["alertmanagers.default.url"] == ("https://a.example.com", "environment variable ALERTMANAGER_URL")
    value, origin = found["argocd.main.server"]
    assert value == "https://x.example.com"
    assert origin == "environment variable ARGOCD_SERVER, wins over conf/tiphys.yaml:6 (argocd.main.server)"
    assert found["repositories.shop.api_url"] == ("https://g.example.com", "environment variable GITHUB_API_URL")


def test_secrets_are_named_and_not_shown(reading: Reading) -> None:
    reading.environ |= {"ARGOCD_AUTH_TOKEN": "", "ARGOCD_AUTH_TOKEN_FILE": "/t"}
    reading.files |= {"/t": TOKENS["ARGOCD_AUTH_TOKEN"], "conf/g": TOKENS["GITHUB_TOKEN"]}
    found = explained(reading, changed(("{github: example/shop}", "{github: example/shop, token: {file: g}}")))
    assert found["argocd.main.token"] == ("from the file that ARGOCD_AUTH_TOKEN_FILE names", "built in")
    assert found["repositories.shop.token"] == (
        "from the file conf/g", "conf/tiphys.yaml:8 (repositories.shop.token)",
    )  # fmt: skip
    assert not any(token in str(found) for token in TOKENS.values())


def test_an_app_is_told_by_its_id_and_where_its_key_is(reading: Reading) -> None:
    reading.files["conf/app.pem"] = private_pem()
    app = "{github: example/shop, app: {id: 12345, private_key: {file: app.pem}}}"
    found = explained(reading, changed(("{github: example/shop}", app)))
    assert found["repositories.shop.app.id"] == ("12345", "conf/tiphys.yaml:8 (repositories.shop.app.id)")
    assert found["repositories.shop.app.private_key"][0] == "from the file conf/app.pem"
    assert "repositories.shop.token" not in found
    assert "PRIVATE" not in str(found)


def test_alerts_are_told_with_their_origin(reading: Reading) -> None:
    found = explained(reading.with_alerts(), WITH_ALERTS)
    lines = WITH_ALERTS.splitlines()

    def at(start: str, path: str) -> str:
        number = next(n for n, line in enumerate(lines, start=1) if line.strip().startswith(start))
        return f"conf/tiphys.yaml:{number} ({path})"

    assert {path: found[path] for path in found if path.startswith("alertmanagers.default.")} == {
        "alertmanagers.default.webhook.token": (
            "from the environment variable ALERTMANAGER_WEBHOOK_TOKEN", "built in",
        ),
        "alertmanagers.default.url": (
            "http://alertmanager.monitoring:9093", at("url: http://alertm", "alertmanagers.default.url"),
        ),
        "alertmanagers.default.tenant": ("none", "built in"),
        "alertmanagers.default.ca_file": ("none", "built in"),
        "alertmanagers.default.receivers": ("[tiphys]", at("receivers:", "alertmanagers.default.receivers")),
        "alertmanagers.default.poll": ("30s", at("poll:", "alertmanagers.default.poll")),
    }  # fmt: skip
    for path, value in {
        "alertmanagers.edge.webhook.tokens[1]": "from the environment variable EDGE_NEW",
        "alertmanagers.edge.token": "from the environment variable API_TOKEN",
        "alertmanagers.edge.ca_file": "conf/ca.pem",
        "alertmanagers.far.webhook.basic.username": "far",
        "alertmanagers.far.basic.password": "from the environment variable API_PASSWORD",
        "alerts.channel": "C0ALERTS",
        "alerts.mention[0].hours": "Mon-Fri 08:00-18:00 Europe/Berlin",
        "alerts.routes[0].match": '[severity="critical", team=~"apm|edge"]',
        "alerts.routes[0].mention[0].severity": "any",
        "alerts.applications[0].environment": "production",
        "alerts.labels.application": "[app]",
        "alerts.labels.owner": "[]",
        "alerts.severities.critical": "[critical, page, emergency, p1]",
        "alerts.flapping.flips": "6",
        "alerts.reopen_within": "0s",
        "alerts.silences": "[2h, 1d]",
        "alerts.digests[0].at": "09:00",
        "alerts.digests[0].days": "Mon-Fri",
        f"{PRODUCTION}.alerts.severity": "warning",
        f"{PRODUCTION}.alerts.fail_after": "20m",
    }.items():
        assert found[path][0] == value, path
        assert found[path][1].startswith("conf/tiphys.yaml:"), path
    for path, value in {
        "alerts.mention[0].severity": "critical",
        "alerts.routes[1].match": '[env!="dev"]',
        "alerts.applications[1].environment": "none",
        "alerts.labels.environment": "[tiphys_environment, environment, env]",
        "alerts.severities.warning": "[error, warning]",
        "alerts.flapping.within": "30m",
        f"{PRODUCTION}.alerts.during_soak": "hold",
        f"{PRODUCTION}.alerts.block_promotion": "true",
    }.items():
        assert found[path] == (value, found[path][1] if "match" in path else "built in"), path
    assert not any(secret in str(found) for secret in ALERT_SECRETS.values())


def test_where_no_alerts_come_in_none_are_told(reading: Reading) -> None:
    assert not [path for path in explained(reading) if path.startswith("alert")]


def test_a_key_without_a_value_is_built_in(reading: Reading) -> None:
    found = explained(reading, changed(("version: 1\n", "version: 1\nslack: {admin_channel: , commands: all}\n")))
    assert found["slack.admin_channel"] == ("none", "built in")
    assert found["slack.commands"] == ("all", "conf/tiphys.yaml:2 (slack.commands)")


def test_a_file_with_problems_is_not_explained(reading: Reading) -> None:
    with pytest.raises(ConfigurationError, match="version"):
        explained(reading, "version: 2\n")
