"""Shapes that are refused, each beside the one that is taken."""

import copy
from typing import Any

import pytest

from bot.integrations.argocd.support import application_set_of, beyond_its_folder, unsupported_shapes
from bot.integrations.argocd.wire import Application
from tests.integrations.argocd.conftest import recorded_exchange

GIT = {"repoURL": "https://github.com/example/apm.git", "path": "overlays/staging", "targetRevision": "main"}


def _slugs(**spec: Any) -> list[str]:
    return [slug for slug, _ in unsupported_shapes(Application.model_validate({"spec": spec}))]


def test_one_git_source_is_taken() -> None:
    assert _slugs(source=GIT) == []
    assert _slugs(source=GIT, sources=[], sourceHydrator={}) == []
    assert _slugs(source={**GIT, "targetRevision": ""}) == []


@pytest.mark.parametrize(
    ("spec", "slug"),
    [
        ({"sources": [GIT]}, "multi-source"),
        ({"source": GIT, "sources": [GIT, GIT]}, "multi-source"),
        (
            {"source": {"repoURL": "https://charts.example.com", "chart": "loki", "targetRevision": "6.1.0"}},
            "helm-source",
        ),
        ({"source": {"repoURL": "oci://registry.example.com/apm", "path": "."}}, "oci-source"),
        ({"source": {"repoURL": "OCI://registry.example.com/apm", "path": "."}}, "oci-source"),
        ({"sourceHydrator": {"drySource": GIT}}, "source-hydrator"),
        ({}, "no-source"),
        ({"source": {"repoURL": ""}}, "no-source"),
    ],
)
def test_other_sources_are_not(spec: dict[str, Any], slug: str) -> None:
    assert _slugs(**spec) == [slug]


def test_a_parent_of_applications() -> None:
    child = {"group": "argoproj.io", "kind": "Application", "name": "child"}
    rollout = {"group": "argoproj.io", "kind": "Rollout", "name": "web"}
    by_child = Application.model_validate({"spec": {"source": GIT}, "status": {"resources": [child]}})
    by_summary = Application.model_validate({"spec": {"source": GIT}, "status": {"summary": {"isAppOfApps": True}}})
    neither = Application.model_validate({"spec": {"source": GIT}, "status": {"resources": [rollout]}})
    assert [slug for slug, _ in unsupported_shapes(by_child)] == ["app-of-apps"]
    assert [slug for slug, _ in unsupported_shapes(by_summary)] == ["app-of-apps"]
    assert unsupported_shapes(neither) == ()


@pytest.mark.parametrize(("value", "refused"), [("true", True), ("True", True), ("false", False), ("", False)])
def test_an_application_that_is_not_reconciled(value: str, *, refused: bool) -> None:
    annotations = {"argocd.argoproj.io/skip-reconcile": value}
    live = Application.model_validate({"metadata": {"annotations": annotations}, "spec": {"source": GIT}})
    assert [slug for slug, _ in unsupported_shapes(live)] == (["skip-reconcile"] if refused else [])


def test_every_reason_is_told() -> None:
    document = copy.deepcopy(recorded_exchange("get", "multi-source")["body"])
    document["metadata"]["annotations"] = {"argocd.argoproj.io/skip-reconcile": "true"}
    found = unsupported_shapes(Application.model_validate(document))
    assert [slug for slug, _ in found] == ["multi-source", "skip-reconcile"]
    assert all(sentence for _, sentence in found)


def _beyond(found_to_be: str = "Kustomize", **source: Any) -> tuple[tuple[str, str], ...]:
    document = {"spec": {"source": {**GIT, **source}}, "status": {"sourceType": found_to_be}}
    return beyond_its_folder(Application.model_validate(document))


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"found_to_be": ""},
        {"kustomize": None, "plugin": None, "helm": {}, "directory": {"jsonnet": {}, "recurse": False}},
        {"kustomize": {"images": ["apm-api=example/apm-api:1"], "namePrefix": "a-", "replicas": [{"name": "x"}]}},
        {"kustomize": {"components": [], "patches": None, "fieldOfTomorrow": ""}},
        {"kustomize": {"patches": [{"patch": "- op: remove", "target": {"kind": "Deployment"}}]}},
    ],
)
def test_kustomize_settings_that_name_no_file_are_taken(source: dict[str, Any]) -> None:
    assert _beyond(**source) == ()


@pytest.mark.parametrize(
    ("source", "slug", "names"),
    [
        ({"kustomize": {"components": ["../../components/prod"]}}, "outside-paths", "kustomize.components"),
        ({"kustomize": {"patches": [{"patch": "x"}, {"path": "../p.yaml"}]}}, "outside-paths", "kustomize.patches"),
        ({"kustomize": {"fieldOfTomorrow": "../x"}}, "outside-paths", "kustomize.fieldOfTomorrow"),
        ({"plugin": {}}, "not-kustomize", "spec.source.plugin"),
        ({"plugin": {"name": "vault"}}, "not-kustomize", "spec.source.plugin"),
        ({"helm": {"valueFiles": ["../../values.yaml"]}}, "not-kustomize", "spec.source.helm"),
        ({"directory": {"jsonnet": {"libs": ["vendor"]}}}, "not-kustomize", "spec.source.directory"),
        ({"found_to_be": "Plugin"}, "not-kustomize", "the source type Plugin"),
    ],
)
def test_what_may_read_more_than_the_kustomization_names_is_told(source: dict[str, Any], slug: str, names: str) -> None:
    [(found, words)] = _beyond(**source)
    assert found == slug
    assert names in words


def test_without_a_source_there_is_nothing_beyond_it() -> None:
    assert beyond_its_folder(Application.model_validate({"spec": {"sources": [GIT]}})) == ()


def test_the_owner() -> None:
    owners = [{"kind": "Project", "name": "x"}, {"kind": "ApplicationSet", "name": "stacks"}]
    assert application_set_of(Application.model_validate({"metadata": {"ownerReferences": owners}})) == "stacks"
    assert application_set_of(Application.model_validate({})) is None
