"""Whether the live Application is the one that the configuration means: every field, both ways."""

from dataclasses import replace

import pytest

from bot.domain.live import LiveSource
from bot.domain.mapping import mismatches, not_as_configured, unsupported_in
from tests.examples import REPOSITORY, live, stage

SOURCE = LiveSource(
    repo_url="https://github.com/example/apm.git", path="deployments/k8s/overlays/production", target_revision="main"
)


def found(source: LiveSource | None = SOURCE, *, project: str = "apm", default: str = "main") -> tuple[str, ...]:
    return mismatches(stage(), REPOSITORY, live(source=source, project=project), default)


@pytest.mark.parametrize(
    "source",
    [
        SOURCE,
        replace(SOURCE, repo_url="git@github.com:example/apm.git"),
        replace(SOURCE, repo_url="ssh://git@github.com/example/apm"),
        replace(SOURCE, path="/deployments/k8s/overlays/production/"),
        replace(SOURCE, target_revision="HEAD"),
        replace(SOURCE, target_revision=""),
    ],
)
def test_forms_of_the_same_are_no_mismatch(source: LiveSource) -> None:
    assert found(source) == ()


@pytest.mark.parametrize("path", ["", ".", "./", "/"])
def test_the_top_of_the_repository_has_many_forms(path: str) -> None:
    top = stage(path="")
    assert mismatches(top, REPOSITORY, live(source=replace(SOURCE, path=path)), "main") == ()
    [wrong] = mismatches(top, REPOSITORY, live(), "main")
    assert wrong.endswith("tiphys.yaml says 'the top of the repository'")
    [wrong] = found(replace(SOURCE, path=path))
    assert wrong == f"path is {path!r}, tiphys.yaml says 'deployments/k8s/overlays/production'"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            replace(SOURCE, repo_url="https://github.com/example/other.git"),
            "repoURL is 'https://github.com/example/other.git', tiphys.yaml means 'https://github.com/example/apm.git'",
        ),
        (
            replace(SOURCE, path="deployments/k8s/overlays/staging"),
            "path is 'deployments/k8s/overlays/staging', tiphys.yaml says 'deployments/k8s/overlays/production'",
        ),
        (
            replace(SOURCE, target_revision="release"),
            "targetRevision is 'release', tiphys.yaml promotes into branch 'main'",
        ),
        (
            replace(SOURCE, target_revision="refs/tags/v1"),
            "targetRevision is 'refs/tags/v1': a tag or a SHA cannot be promoted into, name the branch 'main'",
        ),
        (
            replace(SOURCE, target_revision="1" * 40),
            f"targetRevision is '{'1' * 40}': a tag or a SHA cannot be promoted into, name the branch 'main'",
        ),
        (
            replace(SOURCE, target_revision="v1.2.3"),
            "targetRevision is 'v1.2.3', tiphys.yaml promotes into branch 'main'",
        ),
    ],
)
def test_every_field_is_told_with_both_values(source: LiveSource, says: str) -> None:
    assert found(source) == (says,)


@pytest.mark.parametrize(("target", "name"), [("HEAD", "HEAD"), ("", "empty")])
def test_the_default_branch_must_be_the_one_that_is_promoted_into(target: str, name: str) -> None:
    assert found(replace(SOURCE, target_revision=target), default="trunk") == (
        f"targetRevision is '{name}', tiphys.yaml promotes into branch 'main'",
    )


def test_another_project_is_told_first() -> None:
    wrong = found(replace(SOURCE, path="elsewhere"), project="default")
    assert wrong[0] == "project is 'default', tiphys.yaml says 'apm'"
    assert len(wrong) == 2


def test_an_application_without_a_single_git_source_is_told_by_its_shape() -> None:
    assert found(None) == ()
    odd = live(source=None, unsupported=(("multi-source", "it has several sources"),))
    assert not_as_configured(stage(), odd, ()).endswith("(multi-source): it has several sources")


def test_what_may_be_read_beyond_the_folder_matters_where_approvals_bind_to_that() -> None:
    beyond = live(beyond=(("outside-paths", "it has components"),), unsupported=(("app-of-apps", "a parent"),))
    assert [slug for slug, _ in unsupported_in(stage(), beyond)] == ["app-of-apps", "outside-paths"]
    assert [slug for slug, _ in unsupported_in(stage(whole_tree=True), beyond)] == ["app-of-apps"]
    assert [slug for slug, _ in unsupported_in(stage(source=None), beyond)] == ["app-of-apps"]


def test_all_is_well_or_the_first_mismatch() -> None:
    assert not_as_configured(stage(), live(), ()) == ""
    assert not_as_configured(stage(), live(), ("a", "b")) == "the live Application differs from tiphys.yaml: a"
