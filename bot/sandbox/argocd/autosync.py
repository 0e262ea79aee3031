"""Whether Argo CD starts a sync by itself: once per revision, or again to heal drift."""

import copy
from dataclasses import dataclass

from bot.sandbox.argocd.application import Application
from bot.sandbox.argocd.objects import Json

AUTOMATED_RETRIES = 5


@dataclass(frozen=True, slots=True)
class AutoSync:
    """The operation to start, if any; `trouble` becomes the SyncError condition, `heals` counts self-heal attempts."""

    operation: Json | None = None
    trouble: str = ""
    heals: int = 0


def automated_operation(app: Application, *, may_run: bool) -> AutoSync:
    policy = app.automated
    if policy is None or app.status["sync"]["status"] != "OutOfSync":
        return AutoSync()
    rows = [row for row in app.status.get("resources") or [] if row.get("status") == "OutOfSync"]
    prune = bool(policy.get("prune"))
    if not prune and all(row.get("requiresPruning") for row in rows):
        return AutoSync()
    revision = app.status["sync"]["revision"]
    attempt = _attempted(app, revision)
    if attempt is not None and attempt["phase"] != "Succeeded":
        return AutoSync(trouble=f"Failed last sync attempt to [{revision}]: {attempt.get('message', '')}")
    if not may_run:
        return AutoSync()
    if attempt is None:
        return AutoSync(operation=_operation(app, revision, prune=prune))
    if not policy.get("selfHeal"):
        return AutoSync()
    return AutoSync(operation=_operation(app, revision, prune=prune, heal=rows), heals=1)


def _attempted(app: Application, revision: str) -> Json | None:
    """The last operation's state if it was for this revision and source."""
    state = app.operation_state
    result = (state or {}).get("syncResult") or {}
    same = result.get("revision") == revision and result.get("source") == app.source
    return state if same and not (state or {}).get("operation", {}).get("sync", {}).get("dryRun") else None


def _operation(app: Application, revision: str, *, prune: bool, heal: list[Json] | None = None) -> Json:
    sync: Json = {"revision": revision}
    if prune:
        sync["prune"] = True
    if heal is not None:
        sync["resources"] = [{k: row[k] for k in ("group", "kind", "name") if k in row} for row in heal]
    sync["source"] = copy.deepcopy(app.source)
    if app.sync_options:
        sync["syncOptions"] = list(app.sync_options)
    if heal is not None:
        sync["autoHealAttemptsCount"] = app.heal_attempts + 1
    retry = (app.spec.get("syncPolicy") or {}).get("retry") or {"limit": AUTOMATED_RETRIES}
    return {"sync": sync, "initiatedBy": {"automated": True}, "retry": retry}
