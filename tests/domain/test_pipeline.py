"""What a configuration answers when it is asked."""

from datetime import timedelta

import pytest

from bot.domain.identity import UserId
from bot.domain.pipeline import KustomizeImages, Repository
from tests.desk import TIPHYS_YAML, configuration

CONFIGURATION = configuration(TIPHYS_YAML.replace("slack: [U0DEV1]", "slack: [U0DEV1, U0DEV2]"))


@pytest.mark.parametrize(
    ("name", "environment"), [("prod", "production"), ("production", "production"), ("stg", "staging"), ("qa", None)]
)
def test_an_environment_is_found_by_name_or_alias(name: str, environment: str | None) -> None:
    assert CONFIGURATION.find_environment(name) == environment


def test_a_stage_is_found_by_canonical_names_alone() -> None:
    stage = CONFIGURATION.find_stage("apm-stack", "production")
    assert stage is not None
    assert (stage.name, stage.source, stage.approvals_needed) == ("apm-stack/production", "staging", 2)
    assert CONFIGURATION.find_stage("apm-stack", "prod") is None
    assert CONFIGURATION.find_stage("other", "production") is None


def test_a_stage_that_must_be_there_is_missed_loudly() -> None:
    assert CONFIGURATION.get_stage("apm-stack", "staging").approvals_needed == 0
    with pytest.raises(KeyError):
        CONFIGURATION.get_stage("apm-stack", "qa")


def test_stages_come_in_the_order_of_promotion() -> None:
    assert [stage.environment for stage in CONFIGURATION.stages()] == ["development", "staging", "production"]


def test_several_slack_ids_of_a_person_are_one() -> None:
    assert CONFIGURATION.person_key(UserId("U0DEV1")) == CONFIGURATION.person_key(UserId("U0DEV2")) == "developer"
    assert CONFIGURATION.person_key(UserId("U0APPR1")) == "U0APPR1"
    assert CONFIGURATION.person_of(UserId("U0APPR1")) is None


def test_the_repository_of_an_application() -> None:
    assert CONFIGURATION.repository_of("apm-stack").github == "example/apm"


@pytest.mark.parametrize(
    ("api", "clone"),
    [
        ("https://api.github.com", "https://github.com/example/apm.git"),
        ("https://git.example.com/api/v3", "https://git.example.com/example/apm.git"),
        ("https://api.example.ghe.com", "https://example.ghe.com/example/apm.git"),
        ("https://api.example.com", "https://api.example.com/example/apm.git"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/example/apm.git"),
    ],
)
def test_git_reaches_a_repository_where_its_forge_is(api: str, clone: str) -> None:
    assert Repository(name="apm", github="example/apm", api_url=api, token="").clone_url == clone


@pytest.mark.parametrize("path", ["overlays/{environment}", "/overlays/{environment}/"])
def test_the_folder_of_an_environment(path: str) -> None:
    assert KustomizeImages(branch="main", path=path).path_of("production") == "overlays/production"


def test_secrets_are_not_in_what_is_printed() -> None:
    assert "token-1" not in repr(CONFIGURATION)
    assert CONFIGURATION.repositories["apm"].token == "github-token-1"


def test_policies_have_their_defaults() -> None:
    stage = CONFIGURATION.get_stage("apm-stack", "production")
    assert stage.timeouts.operation == timedelta(minutes=30)
    assert stage.approvals is not None
    assert (stage.approvals.expire, stage.approvals.valid_for) == (timedelta(hours=8), timedelta(hours=4))
