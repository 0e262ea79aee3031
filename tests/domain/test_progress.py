"""Waves, what is waited for, what failed: read from one look at an application."""

from dataclasses import replace

import pytest

from bot.domain.live import (
    Health,
    LiveApplication,
    Operation,
    Phase,
    ResourceKey,
    ResourceResult,
    ResourceStatus,
    SyncProgress,
    SyncStatus,
)
from bot.domain.progress import LONGEST_WORDS, failure_of, left_behind_by, progress_of

API, STORE, INGRESS = (
    ResourceKey(group="apps", kind="Deployment", namespace="apm", name="api"),
    ResourceKey(group="apps", kind="StatefulSet", namespace="apm", name="store"),
    ResourceKey(group="networking.k8s.io", kind="Ingress", namespace="apm", name="web"),
)
MIGRATE = ResourceKey(group="batch", kind="Job", namespace="apm", name="migrate")
OLD = ResourceKey(group="", kind="ConfigMap", namespace="apm", name="old")
SPACE = ResourceKey(group="", kind="Namespace", namespace="", name="apm")


def _status(
    key: ResourceKey,
    wave: int = 0,
    *,
    health: Health | None = Health.HEALTHY,
    message: str = "",
    hook: bool = False,
    requires_pruning: bool = False,
) -> ResourceStatus:
    return ResourceStatus(
        key=key,
        sync=SyncStatus.OUT_OF_SYNC,
        health=health,
        message=message,
        wave=wave,
        hook=hook,
        requires_pruning=requires_pruning,
    )


def _result(
    key: ResourceKey, phase: str = "Succeeded", status: str = "Synced", *, message: str = "", hook: str = ""
) -> ResourceResult:
    return ResourceResult(key=key, status=status, hook_phase=phase, message=message, hook=hook)


def _live(
    *results: ResourceResult,
    phase: Phase = Phase.RUNNING,
    resources: tuple[ResourceStatus, ...] = (_status(STORE, -10), _status(API), _status(INGRESS, 5)),
    partial: bool = False,
    message: str = "",
) -> LiveApplication:
    return LiveApplication(
        name="apm-stack-staging",
        namespace="argocd",
        project="apm",
        source=None,
        destination="in-cluster/apm",
        source_digest="",
        sync_digest="",
        sync=SyncStatus.OUT_OF_SYNC,
        sync_revision="",
        health=Health.PROGRESSING,
        operation=Operation(phase=phase, resources=results, partial=partial, message=message),
        resources=resources,
    )


def _waves(live: LiveApplication) -> list[tuple[int, int, int, int]]:
    return [(wave.wave, wave.done, wave.total, wave.failed) for wave in progress_of(live).waves]


def test_without_an_operation_there_is_nothing() -> None:
    assert progress_of(replace(_live(), operation=None)) == SyncProgress()


def test_before_anything_is_reached_all_waves_are_known() -> None:
    assert _waves(_live()) == [(-10, 0, 1, 0), (0, 0, 1, 0), (5, 0, 1, 0)]
    assert _waves(_live(phase=Phase.PENDING)) == [(-10, 0, 1, 0), (0, 0, 1, 0), (5, 0, 1, 0)]


def test_a_resource_is_done_when_it_is_healthy_not_when_it_is_applied() -> None:
    live = _live(_result(STORE), _result(API, "Running"))
    assert _waves(live) == [(-10, 1, 1, 0), (0, 0, 1, 0), (5, 0, 1, 0)]
    progress = progress_of(live)
    assert (progress.done, progress.total) == (1, 3)


def test_a_wave_behind_one_that_has_begun_is_over_though_it_is_not_listed() -> None:
    """As with ApplyOutOfSyncOnly."""
    assert _waves(_live(_result(API, "Running"))) == [(-10, 1, 1, 0), (0, 0, 1, 0), (5, 0, 1, 0)]


def test_all_waves_are_over_when_a_post_sync_hook_runs() -> None:
    live = _live(_result(API), _result(MIGRATE, "Running", hook="PostSync"))
    assert _waves(live) == [(-10, 1, 1, 0), (0, 1, 1, 0), (5, 1, 1, 0)]
    assert progress_of(live).hooks == ("PostSync Job/migrate (Running)",)


def test_the_last_wave_of_a_success_is_not_awaited_and_done_all_the_same() -> None:
    live = _live(_result(STORE), _result(API), _result(INGRESS, "Running"), phase=Phase.SUCCEEDED)
    assert _waves(live) == [(-10, 1, 1, 0), (0, 1, 1, 0), (5, 1, 1, 0)]


@pytest.mark.parametrize("result", [_result(API, "Failed"), _result(API, "Error"), _result(API, "", "SyncFailed")])
def test_failed_resources_are_counted(result: ResourceResult) -> None:
    live = _live(_result(STORE), result, phase=Phase.FAILED)
    assert _waves(live) == [(-10, 1, 1, 0), (0, 0, 1, 1), (5, 0, 1, 0)]


def test_hooks_are_of_no_wave() -> None:
    hook = _status(MIGRATE, hook=True)
    live = _live(_result(MIGRATE, "Running", hook="PreSync"), resources=(_status(API), hook))
    assert _waves(live) == [(0, 0, 1, 0)]
    unmarked = _live(_result(MIGRATE, "Running", hook="PreSync"), resources=(_status(API), _status(MIGRATE)))
    assert _waves(unmarked) == [(0, 0, 1, 0)]


def test_what_is_to_be_pruned_counts_once_it_is_dealt_with() -> None:
    resources = (_status(API), _status(OLD, requires_pruning=True))
    assert _waves(_live(resources=resources)) == [(0, 0, 1, 0)]
    for status in ("Pruned", "PruneSkipped"):
        assert _waves(_live(_result(OLD, "", status), resources=resources)) == [(0, 1, 2, 0)]


def test_a_partial_sync_has_only_what_it_names() -> None:
    assert _waves(_live(_result(API), partial=True)) == [(0, 1, 1, 0)]


def test_a_new_resource_that_is_not_listed_yet() -> None:
    new = ResourceKey(group="", kind="Service", namespace="apm", name="new")
    assert _waves(_live(_result(new, "Running"))) == [(-10, 1, 1, 0), (0, 0, 2, 0), (5, 0, 1, 0)]


def test_what_has_no_namespace_is_the_same_with_one() -> None:
    live = _live(_result(replace(SPACE, namespace="apm")), resources=(_status(SPACE, -20), _status(API)))
    assert _waves(live) == [(-20, 1, 1, 0), (0, 0, 1, 0)]


def test_what_a_running_sync_waits_for_says_what_health_says() -> None:
    resources = (
        _status(API, health=Health.PROGRESSING, message="2 of 6 ready"),
        _status(STORE, -10),
        _status(INGRESS, 5, health=Health.PROGRESSING),
    )
    live = _live(
        _result(STORE, "Running", message="statefulset.apps/store configured"),
        _result(API, "Running", message="deployment.apps/api configured"),
        _result(INGRESS, "Running"),
        resources=resources,
        message="waiting for healthy\nstate",
    )
    assert progress_of(live).waiting_for == (
        "StatefulSet/store (statefulset.apps/store configured)",
        "Deployment/api (2 of 6 ready)",
        "Ingress/web (Progressing)",
    )
    assert progress_of(live).message == "waiting for healthy state"


def test_after_the_operation_what_is_not_healthy_is_waited_for() -> None:
    resources = (
        _status(API, health=Health.PROGRESSING, message="2 of 6 ready"),
        _status(STORE, health=Health.SUSPENDED),
        _status(INGRESS, health=None),
        _status(OLD, health=Health.DEGRADED, requires_pruning=True),
        _status(MIGRATE, health=Health.DEGRADED, hook=True),
    )
    assert progress_of(_live(phase=Phase.SUCCEEDED, resources=resources)).waiting_for == (
        "Deployment/api (2 of 6 ready)",
    )


def test_what_is_left_behind() -> None:
    operation = _live(_result(OLD, "", "PruneSkipped"), _result(API)).operation
    assert operation is not None
    assert left_behind_by(operation) == ("ConfigMap/old",)


def test_the_cause_is_the_first_failed_resource_then_a_degraded_one_then_the_message() -> None:
    failed = _result(API, "Failed", message="image pull:\nmanifest unknown")
    sick = _status(STORE, health=Health.DEGRADED, message="0 of 3 ready")
    assert (
        failure_of(_live(_result(STORE), failed, phase=Phase.FAILED)) == "Deployment/api (image pull: manifest unknown)"
    )
    assert failure_of(_live(phase=Phase.SUCCEEDED, resources=(sick,))) == "StatefulSet/store (0 of 3 ready)"
    assert failure_of(_live(phase=Phase.ERROR, message="no such commit")) == "no such commit"
    assert failure_of(replace(_live(phase=Phase.SUCCEEDED), health_message="odd")) == "odd"
    assert failure_of(replace(_live(), operation=None)) == ""


def test_foreign_words_are_bounded() -> None:
    live = _live(_result(API, "Failed", message="x" * 5000), phase=Phase.FAILED, message="y" * 5000)
    assert len(failure_of(live)) < LONGEST_WORDS + 30
    assert len(progress_of(live).message) == LONGEST_WORDS
