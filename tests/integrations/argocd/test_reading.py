"""From JSON to values: shapes that Argo CD really sends, and shapes that it might."""

import copy
from typing import Any

import pytest

from bot.domain.live import AutoSync, Health, LiveApplication, Phase, SyncStatus
from bot.integrations.argocd.reading import live_application, source_digest, sync_digest
from bot.integrations.argocd.wire import Application
from tests.integrations.argocd.conftest import recorded_exchange


def _read(document: dict[str, Any]) -> LiveApplication:
    return live_application(Application.model_validate(document))


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(recorded_exchange("get", "plain")["body"])


def test_a_new_application_is_all_empty_structs() -> None:
    status = {"health": {}, "summary": {}, "sync": {"status": "", "comparedTo": {"source": {"repoURL": ""}}}}
    live = _read({"metadata": {"name": "new"}, "spec": {"source": {"repoURL": ""}}, "status": status})
    assert (live.sync, live.health, live.operation, live.active) == (SyncStatus.UNKNOWN, Health.UNKNOWN, None, None)
    assert live.source is None
    assert [slug for slug, _ in live.unsupported] == ["no-source"]


def test_null_is_absent_everywhere(document: dict[str, Any]) -> None:
    for part in ("history", "resources", "conditions", "operationState", "reconciledAt", "summary", "health"):
        document["status"][part] = None
    document["operation"] = None
    document["spec"]["syncPolicy"] = None
    document["metadata"]["annotations"] = None
    live = _read(document)
    assert (live.history, live.resources, live.operation, live.auto_sync) == ((), (), None, None)


def test_words_that_we_do_not_know_are_unknown_and_never_good(document: dict[str, Any]) -> None:
    document["status"]["health"]["status"] = "Splendid"
    document["status"]["sync"]["status"] = "Sort of"
    document["status"]["operationState"]["phase"] = "Resting"
    document["status"]["resources"][7]["health"]["status"] = "Fine"
    live = _read(document)
    assert live.operation is not None
    assert (live.health, live.sync, live.operation.phase) == (Health.UNKNOWN, SyncStatus.UNKNOWN, Phase.UNKNOWN)
    assert not live.operation.phase.is_over
    assert live.resources[7].health is Health.UNKNOWN
    assert live.resources[0].health is None


def test_a_time_that_cannot_be_read_is_unknown(document: dict[str, Any]) -> None:
    document["status"]["reconciledAt"] = "yesterday"
    document["status"]["operationState"]["startedAt"] = 3
    live = _read(document)
    assert live.reconciled_at is None
    assert live.operation is not None
    assert live.operation.started_at is None


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, None),
        ({}, None),
        ({"automated": None}, None),
        ({"automated": {}}, AutoSync(prune=False, self_heal=False)),
        ({"automated": {"prune": True, "selfHeal": True}}, AutoSync(prune=True, self_heal=True)),
        ({"automated": {"enabled": True}}, AutoSync(prune=False, self_heal=False)),
        ({"automated": {"prune": True, "enabled": False}}, None),
    ],
)
def test_auto_sync(document: dict[str, Any], policy: Any, expected: AutoSync | None) -> None:
    document["spec"]["syncPolicy"] = policy
    assert _read(document).auto_sync == expected


def test_a_destination_by_name(document: dict[str, Any]) -> None:
    document["spec"]["destination"] = {"name": "in-cluster", "namespace": "apm"}
    assert _read(document).destination == "in-cluster/apm"


def test_a_request_after_an_operation_that_is_over_is_pending(document: dict[str, Any]) -> None:
    """Written past the API: there the old state is not cleared."""
    info = [{"name": "tiphys-change", "value": "01J"}]
    document["operation"] = {"sync": {"revision": "b" * 40, "dryRun": True}, "info": info}
    operation = _read(document).operation
    assert operation is not None
    assert (operation.phase, operation.revision, operation.dry_run) == (Phase.PENDING, "b" * 40, True)
    assert operation.info("tiphys-change") == "01J"
    assert operation.resources == ()


def test_infos_of_both_places_are_seen(document: dict[str, Any]) -> None:
    state = document["status"]["operationState"]
    state["phase"] = "Running"
    state["operation"]["info"] = [{"name": "a", "value": "1"}]
    document["operation"] = {"info": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}
    operation = _read(document).operation
    assert operation is not None
    assert operation.infos == (("a", "1"), ("b", "2"))


def test_the_newest_deployment_is_the_one_with_the_highest_id(document: dict[str, Any]) -> None:
    document["status"]["history"].reverse()
    live = _read(document)
    assert [deployment.id for deployment in live.history] == [0, 1]
    document["status"]["history"] = [{"revision": "a" * 40, "deployedAt": "2026-11-23T19:24:33Z"}]
    assert _read(document).history[0].id == 0  # zero is left out


def test_being_deleted(document: dict[str, Any]) -> None:
    document["metadata"]["deletionTimestamp"] = "2026-11-23T19:24:33Z"
    assert _read(document).is_deleting


def test_the_source_digest_is_of_the_whole_source_and_of_nothing_else(document: dict[str, Any]) -> None:
    before = _read(document)
    document["spec"]["source"] = dict(reversed(document["spec"]["source"].items()))
    document["spec"]["destination"]["namespace"] = "elsewhere"
    assert _read(document).source_digest == before.source_digest
    document["spec"]["source"]["kustomize"] = {"images": ["a=b:1"]}
    changed = _read(document)
    assert changed.source_digest != before.source_digest
    assert changed.sync_digest == before.sync_digest


def test_the_sync_digest_is_of_policy_and_ignored_differences() -> None:
    bare = sync_digest({})
    assert sync_digest({"syncPolicy": {}, "ignoreDifferences": []}) == bare
    assert sync_digest({"syncPolicy": None, "ignoreDifferences": None, "source": {"path": "x"}}) == bare
    others = [
        sync_digest({"syncPolicy": {"automated": {}}}),
        sync_digest({"syncPolicy": {"automated": {"enabled": False}}}),
        sync_digest({"syncPolicy": {"syncOptions": ["Replace=true"]}}),
        sync_digest({"syncPolicy": {"retry": {"limit": 2}}}),
        sync_digest({"ignoreDifferences": [{"kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]}),
    ]
    assert len({bare, *others}) == 6
    assert len(bare) == 64
    assert source_digest({}) == source_digest({"source": None})
