"""How far a sync is, wave by wave, and what went wrong in it: pure readings of one look at an Application.

Argo CD tells the wave of a resource in the application's resources and the outcome in the operation's results; joined
here. The results grow as resources are reached, so a wave behind one that has begun is over, whatever it lists.
"""

from collections import defaultdict
from collections.abc import Mapping

from bot.domain.live import (
    Health,
    LiveApplication,
    Operation,
    Phase,
    ResourceKey,
    ResourceResult,
    ResourceStatus,
    SyncProgress,
    WaveProgress,
)

LONGEST_WORDS = 160

_FAILED_PHASES = ("Failed", "Error")
_GOOD_HEALTH = (Health.HEALTHY, Health.SUSPENDED, None)


def progress_of(live: LiveApplication) -> SyncProgress:
    """What the card shows of the newest operation; empty when there was none."""
    operation = live.operation
    if operation is None:
        return SyncProgress()
    return SyncProgress(
        waves=_waves(live, operation),
        waiting_for=_waiting_for(live, operation),
        message=_words(operation.message),
        hooks=tuple(
            f"{result.hook} {result.key} ({result.hook_phase or 'Pending'})"
            for result in operation.resources
            if result.hook
        ),
    )


def left_behind_by(operation: Operation) -> tuple[str, ...]:
    """Resources that are no longer in Git and were not pruned."""
    return tuple(str(result.key) for result in operation.resources if result.status == "PruneSkipped")


def failure_of(live: LiveApplication) -> str:
    """The cause of a bad end in one phrase: the first failed resource, else an unhealthy one, else Argo CD's words."""
    operation = live.operation
    if operation is not None and operation.phase is not Phase.SUCCEEDED:
        failed = next((result for result in operation.resources if _has_failed(result)), None)
        if failed is not None:
            return _named(failed.key, failed.message)
    sick = next((item for item in live.resources if item.health is Health.DEGRADED and not item.hook), None)
    if sick is not None:
        return _named(sick.key, sick.message or Health.DEGRADED)
    if operation is not None and operation.phase in (Phase.FAILED, Phase.ERROR):
        return _words(operation.message)
    return _words(live.health_message)


def _waves(live: LiveApplication, operation: Operation) -> tuple[WaveProgress, ...]:
    results = {result.key: result for result in operation.resources if not result.hook}
    hooks = {result.key for result in operation.resources if result.hook}
    known = _Waves(live)
    members: dict[int, dict[ResourceKey, ResourceResult | None]] = defaultdict(dict)
    if not operation.partial:
        for item in live.resources:
            # What is to be pruned counts once the operation deals with it.
            if not item.hook and not item.requires_pruning and item.key not in hooks:
                members[item.wave][item.key] = None
    for key, result in results.items():
        plain, wave = known.place(key)
        members[wave][plain] = result
    begun = max((known.place(key)[1] for key in results), default=None)
    all_begun = any(result.hook in ("PostSync", "SyncFail") for result in operation.resources)
    progress = []
    for wave, content in sorted(members.items()):
        outcomes = list(content.values())
        failed = sum(1 for result in outcomes if result is not None and _has_failed(result))
        if operation.phase is Phase.SUCCEEDED:
            done = len(outcomes) - failed
        else:
            is_behind = all_begun or (begun is not None and wave < begun)
            done = sum(1 for result in outcomes if (is_behind if result is None else _is_done(result)))
        progress.append(WaveProgress(wave=wave, done=done, total=len(outcomes), failed=failed))
    return tuple(progress)


class _Waves:
    """The wave of a result's resource. Results name a namespace also for what has none: then the rest decides."""

    def __init__(self, live: LiveApplication) -> None:
        self._exact: Mapping[ResourceKey, ResourceStatus] = {item.key: item for item in live.resources}
        self._without_namespace = {
            (item.key.group, item.key.kind, item.key.name): item for item in live.resources if not item.key.namespace
        }

    def place(self, key: ResourceKey) -> tuple[ResourceKey, int]:
        """Its key as the application lists it, and its wave; 0 for what is not listed (yet)."""
        item = self._exact.get(key) or self._without_namespace.get((key.group, key.kind, key.name))
        return (item.key, item.wave) if item is not None else (key, 0)


def _waiting_for(live: LiveApplication, operation: Operation) -> tuple[str, ...]:
    """What is being waited for: during the operation what it has applied or run, after it what is not healthy."""
    by_key = {item.key: item for item in live.resources}
    if not operation.phase.is_over:
        running = [result for result in operation.resources if result.hook_phase == "Running"]
        return tuple(_named(result.key, _says(by_key.get(result.key), result)) for result in running)
    return tuple(
        _named(item.key, item.message or str(item.health))
        for item in live.resources
        if not item.hook and not item.requires_pruning and item.health not in _GOOD_HEALTH
    )


def _says(item: ResourceStatus | None, result: ResourceResult) -> str:
    if item is not None and item.health not in _GOOD_HEALTH:
        return item.message or str(item.health)
    return result.message


def _is_done(result: ResourceResult) -> bool:
    if result.hook_phase:  # also given to plain resources: Succeeded once they are healthy
        return result.hook_phase == "Succeeded"
    return result.status in ("Synced", "Pruned", "PruneSkipped")


def _has_failed(result: ResourceResult) -> bool:
    return result.status == "SyncFailed" or result.hook_phase in _FAILED_PHASES


def _named(key: ResourceKey, words: str) -> str:
    said = _words(words)
    return f"{key} ({said})" if said else str(key)


def _words(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_WORDS else line[: LONGEST_WORDS - 1] + "…"
