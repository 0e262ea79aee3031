"""From Argo CD's JSON to the domain's values: what each field means is decided here."""

import hashlib
import json
from enum import StrEnum
from typing import TypeVar

from bot.domain.identity import Revision
from bot.domain.live import (
    AutoSync,
    Deployment,
    Health,
    LiveApplication,
    LiveSource,
    Operation,
    Phase,
    ResourceKey,
    ResourceResult,
    ResourceStatus,
    SyncStatus,
)
from bot.integrations.argocd import wire
from bot.integrations.argocd.support import beyond_its_folder, unsupported_shapes

E = TypeVar("E", bound=StrEnum)


def live_application(live: wire.Application) -> LiveApplication:
    """The Application as the domain sees it. `unsupported` holds what the Application itself shows."""
    spec, status = live.spec, live.status
    unsupported = unsupported_shapes(live)
    automated = spec.sync_policy.automated
    return LiveApplication(
        name=live.metadata.name,
        namespace=live.metadata.namespace,
        project=spec.project,
        source=_source(live),
        destination=f"{spec.destination.server or spec.destination.name}/{spec.destination.namespace}",
        source_digest=source_digest(spec.raw),
        sync_digest=sync_digest(spec.raw),
        sync=_member(SyncStatus, status.sync.status, SyncStatus.UNKNOWN),
        sync_revision=status.sync.revision,
        health=_member(Health, status.health.status, Health.UNKNOWN),
        health_message=status.health.message,
        auto_sync=AutoSync(prune=automated.prune, self_heal=automated.self_heal)
        if automated is not None and automated.enabled
        else None,
        operation=newest_operation(live),
        history=_history(status.history),
        resources=tuple(_resource(item) for item in status.resources),
        images=status.summary.images,
        conditions=tuple((condition.type, condition.message) for condition in status.conditions),
        reconciled_at=status.reconciled_at,
        is_deleting=live.metadata.deletion_timestamp is not None,
        unsupported=unsupported,
        beyond=beyond_its_folder(live),
        resource_version=live.metadata.resource_version,
    )


def source_digest(spec: wire.Json) -> str:
    """Of the whole `spec.source`: repository, path, target revision, kustomize, helm, plugin, directory settings."""
    return _digest(spec.get("source"))


def sync_digest(spec: wire.Json) -> str:
    """Of `spec.syncPolicy` (automated, syncOptions, retry, managedNamespaceMetadata) and `spec.ignoreDifferences`.

    Absent, null and empty are one. Not deeper: `automated: {}` switches auto-sync on.
    """
    return _digest([spec.get("syncPolicy") or {}, spec.get("ignoreDifferences") or []])


def newest_operation(live: wire.Application) -> Operation | None:
    """What runs, else what ran last.

    The request (`operation`) and its progress (`status.operationState`) are two places. After a request the second
    is empty, or still tells of an older operation, until the controller writes: that is `PENDING`.
    """
    asked, state = live.operation, live.status.operation_state
    if state is None or (asked is not None and _member(Phase, state.phase, Phase.UNKNOWN).is_over):
        return _pending(asked) if asked is not None else None
    result = state.sync_result
    infos = _infos(state.operation)
    if asked is not None:
        infos += tuple(pair for pair in _infos(asked) if pair not in infos)
    return Operation(
        phase=_member(Phase, state.phase, Phase.UNKNOWN),
        message=state.message,
        revision=result.revision or state.operation.sync.revision,
        infos=infos,
        started_at=state.started_at,
        finished_at=state.finished_at,
        initiated_by=state.operation.initiated_by.username,
        automated=state.operation.initiated_by.automated,
        dry_run=state.operation.sync.dry_run,
        partial=bool(state.operation.sync.resources),
        resources=tuple(_result(item) for item in result.resources),
    )


def _pending(asked: wire.Operation) -> Operation:
    return Operation(
        phase=Phase.PENDING,
        revision=asked.sync.revision,
        infos=_infos(asked),
        initiated_by=asked.initiated_by.username,
        automated=asked.initiated_by.automated,
        dry_run=asked.sync.dry_run,
        partial=bool(asked.sync.resources),
    )


def _infos(operation: wire.Operation) -> tuple[tuple[str, str], ...]:
    return tuple((info.name, info.value) for info in operation.info)


def _source(live: wire.Application) -> LiveSource | None:
    source = live.spec.source
    if source is None or not source.repo_url or live.spec.sources or live.spec.source_hydrator or source.chart:
        return None
    if source.repo_url.lower().startswith("oci://"):
        return None
    return LiveSource(repo_url=source.repo_url, path=source.path, target_revision=source.target_revision)


def _history(entries: tuple[wire.HistoryEntry, ...]) -> tuple[Deployment, ...]:
    deployments = [
        Deployment(
            id=entry.id,
            revision=Revision(entry.revision),
            deployed_at=entry.deployed_at,
            started_at=entry.deploy_started_at,
        )
        for entry in entries
        if entry.deployed_at is not None
    ]
    return tuple(sorted(deployments, key=lambda deployment: deployment.id))  # ids grow by one with each deployment


def _resource(item: wire.Resource) -> ResourceStatus:
    return ResourceStatus(
        key=ResourceKey(group=item.group, kind=item.kind, namespace=item.namespace, name=item.name),
        sync=_member(SyncStatus, item.status, SyncStatus.UNKNOWN),
        health=_member(Health, item.health.status, Health.UNKNOWN) if item.health.status else None,
        message=item.health.message,
        wave=item.sync_wave,
        hook=item.hook,
        requires_pruning=item.requires_pruning,
    )


def _result(item: wire.Result) -> ResourceResult:
    return ResourceResult(
        key=ResourceKey(group=item.group, kind=item.kind, namespace=item.namespace, name=item.name),
        status=item.status,
        message=item.message,
        hook=item.hook_type,
        hook_phase=item.hook_phase,
        sync_phase=item.sync_phase,
    )


def _member(enum: type[E], text: str, unknown: E) -> E:
    """What we do not know is unknown: never a crash, never taken for good."""
    try:
        return enum(text)
    except ValueError:
        return unknown


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
