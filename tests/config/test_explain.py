import pytest

from bot.config.explain import explain
from bot.config.problems import ConfigurationError
from tests.config.conftest import TOKENS, WHOLE, Reading, changed
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
    reading.environ |= {"ARGOCD_SERVER": "https://x.example.com", "GITHUB_API_URL": "https://g.example.com"}
    found = explained(reading)
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


def test_a_key_without_a_value_is_built_in(reading: Reading) -> None:
    found = explained(reading, changed(("version: 1\n", "version: 1\nslack: {admin_channel: , commands: all}\n")))
    assert found["slack.admin_channel"] == ("none", "built in")
    assert found["slack.commands"] == ("all", "conf/tiphys.yaml:2 (slack.commands)")


def test_a_file_with_problems_is_not_explained(reading: Reading) -> None:
    with pytest.raises(ConfigurationError, match="version"):
        explained(reading, "version: 2\n")
