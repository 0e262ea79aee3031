"""Which Applications we refuse to promote into, each with its slug and a sentence that says the way out.

| slug | shape |
|---|---|
| `multi-source` | `spec.sources` |
| `source-hydrator` | `spec.sourceHydrator`: what is deployed is not what is merged |
| `helm-source`, `oci-source` | the source is a chart or an OCI artifact, not a Git path |
| `no-source` | no source at all |
| `app-of-apps` | it manages other Applications: a sync applies their manifests only |
| `skip-reconcile` | the annotation that freezes its status |
| `rolling-sync` | an ApplicationSet's RollingSync decides when it is synced (needs the right to read the set) |
"""

from bot.integrations.argocd.wire import Application

SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"

ROLLING_SYNC = (
    "rolling-sync",
    "an ApplicationSet syncs it in steps (RollingSync), which ours would break; take that strategy off the set",
)


def unsupported_shapes(live: Application) -> tuple[tuple[str, str], ...]:
    """Every reason that the Application itself shows; RollingSync is known only from its ApplicationSet."""
    found = [shape for shape in (_source_shape(live), _parent_shape(live), _frozen_shape(live)) if shape]
    return tuple(found)


def application_set_of(live: Application) -> str | None:
    """The name of the ApplicationSet that owns it."""
    return next((owner.name for owner in live.metadata.owner_references if owner.kind == "ApplicationSet"), None)


def _source_shape(live: Application) -> tuple[str, str] | None:
    spec = live.spec
    if spec.sources:
        return ("multi-source", f"it has {len(spec.sources)} sources; give it the one Git source that is promoted")
    if spec.source_hydrator:
        return ("source-hydrator", "its manifests are hydrated to another branch; promote an Application without it")
    source = spec.source
    if source is None or not source.repo_url:
        return ("no-source", "it has no source; give it a Git repository and a path")
    if source.repo_url.lower().startswith("oci://"):
        return ("oci-source", "its source is an OCI artifact; give it a Git repository and a path")
    if source.chart:
        return ("helm-source", "its source is a Helm repository; wrap the chart in a Git directory")
    return None


def _parent_shape(live: Application) -> tuple[str, str] | None:
    children = sum(1 for item in live.status.resources if (item.group, item.kind) == ("argoproj.io", "Application"))
    if children or live.status.summary.is_app_of_apps:
        return ("app-of-apps", "it manages other Applications; configure the stages with those instead")
    return None


def _frozen_shape(live: Application) -> tuple[str, str] | None:
    if live.metadata.annotations.get(SKIP_RECONCILE, "").lower() == "true":
        return ("skip-reconcile", f"Argo CD does not look at it; remove the annotation {SKIP_RECONCILE}")
    return None
