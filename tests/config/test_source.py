from pathlib import Path

import pytest

from bot.config.problems import ConfigurationError, Problem
from bot.config.source import ConfigurationSource, read_configuration, read_slack_policy
from tests.config.conftest import ALERT_SECRETS, TOKENS, WHOLE, WITH_ALERTS, changed
from tests.keys import certificate_pem


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiphys.yaml"
    path.write_text(WHOLE)
    return path


def test_a_good_file_takes_the_place_of_the_one_before(file: Path) -> None:
    source = ConfigurationSource(file, lambda: TOKENS)
    file.write_text(changed(("    argocd: {project: shop}", "    argocd: {project: store}")))
    assert source.current.get_stage("shop", "production").argocd.project == "shop"
    assert source.reload() == []
    assert source.current.get_stage("shop", "production").argocd.project == "store"
    assert sorted(source.secrets()) == sorted(TOKENS.values())


def test_the_secrets_of_alert_sources_are_secrets(file: Path) -> None:
    file.write_text(WITH_ALERTS)
    (file.parent / "ca.pem").write_text(certificate_pem())
    source = ConfigurationSource(file, lambda: TOKENS | ALERT_SECRETS)
    assert sorted(source.secrets()) == sorted([*TOKENS.values(), *ALERT_SECRETS.values()])


def test_a_broken_file_leaves_the_old_configuration_in_force(file: Path) -> None:
    source = ConfigurationSource(file, lambda: TOKENS)
    before = source.current
    file.write_text(changed(("needed: 1", "needed: none")))
    problems = source.reload()
    assert [(problem.file, problem.line) for problem in problems] == [(str(file), 14)]
    assert source.current is before
    file.write_text(WHOLE)
    assert source.reload() == []


def test_a_file_that_is_gone_leaves_the_old_configuration_in_force(file: Path) -> None:
    source = ConfigurationSource(file, lambda: TOKENS)
    before = source.current
    file.unlink()
    assert "cannot be read: No such file" in source.reload()[0].reason
    assert source.current is before


def test_a_renewed_secret_is_seen_at_the_next_reading(file: Path) -> None:
    (file.parent / "token").write_text("first-token")
    file.write_text(changed(("{github: example/shop}", "{github: example/shop, token: {file: token}}")))
    source = ConfigurationSource(file, lambda: TOKENS)
    (file.parent / "token").write_text("second-token")
    assert source.reload() == []
    assert source.current.repositories["shop"].token == "second-token"


def test_the_first_reading_must_be_good(file: Path) -> None:
    file.write_text("version: 3\n")
    with pytest.raises(ConfigurationError) as caught:
        ConfigurationSource(file, lambda: TOKENS)
    assert "version" in str(caught.value)


def test_a_file_that_is_not_text_is_a_problem(file: Path) -> None:
    file.write_bytes(b"version: \xff\n")
    found = read_configuration(file, TOKENS)
    assert isinstance(found, list)
    assert isinstance(found[0], Problem)
    assert "not UTF-8" in found[0].reason


def test_what_the_file_says_of_slack_is_read_whatever_else_is_wrong(file: Path) -> None:
    file.write_text(changed(("version: 1\n", "version: 1\nslack: {command_prefix: t-}\n"), ("needed: 1", "needed: x")))
    assert read_slack_policy(file).command_prefix == "t-"
    file.write_text(changed(("version: 1\n", "version: 1\nslack: {comands: all}\n")))
    with pytest.raises(ConfigurationError, match="comands"):
        read_slack_policy(file)
