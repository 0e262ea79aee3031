"""Which Applications we refuse to promote into, each with its slug and a sentence that says the way out.

Shapes that no stage takes:

| slug | shape |
|---|---|
| `multi-source` | `spec.sources` |
| `source-hydrator` | `spec.sourceHydrator`: what is deployed is not what is merged |
| `helm-source`, `oci-source` | the source is a chart or an OCI artifact, not a Git path |
| `no-source` | no source at all |
| `app-of-apps` | it manages other Applications: a sync applies their manifests only |
| `skip-reconcile` | the annotation that freezes its status |
| `rolling-sync` | an ApplicationSet's RollingSync decides when it is synced (needs the right to read the set) |

Shapes that are refused where approvals bind to what a Kustomize folder reads, and not to the whole tree:

| slug | shape |
|---|---|
| `not-kustomize` | Helm, a plugin or plain files are rendered there, which read other files than it names |
| `outside-paths` | its own Kustomize settings name components or files, or have a field that we do not know |
"""

from bot.integrations.argocd.wire import Application, Json

SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"

_KUSTOMIZE_WITHOUT_FILES = frozenset({
    "apiVersions", "commonAnnotations", "commonAnnotationsEnvsubst", "commonLabels", "forceCommonAnnotations",
    "forceCommonLabels", "ignoreMissingComponents", "images", "kubeVersion", "labelIncludeTemplates",
    "labelWithoutSelector", "namePrefix", "nameSuffix", "namespace", "replicas", "version",
})  # fmt: skip

ROLLING_SYNC = (
    "rolling-sync",
    "an ApplicationSet syncs it in steps (RollingSync), which ours would break; take that strategy off the set",
)


def unsupported_shapes(live: Application) -> tuple[tuple[str, str], ...]:
    """Every reason that the Application itself shows; RollingSync is known only from its ApplicationSet."""
    found = [shape for shape in (_source_shape(live), _parent_shape(live), _frozen_shape(live)) if shape]
    return tuple(found)


def beyond_its_folder(live: Application) -> tuple[tuple[str, str], ...]:
    """What lets Argo CD read more of the repository than the folder's kustomization tells.

    The fields are those of `v1alpha1ApplicationSource` in Argo CD's swagger (3.6). A kind of source that is not written
    out is found by Argo CD itself, so `status.sourceType` is looked at too.
    """
    source = live.spec.raw.get("source")
    if not isinstance(source, dict):
        return ()
    found = (_kind_shape(source, live.status.source_type), _outside_shape(source))
    return tuple(shape for shape in found if shape)


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


def _kind_shape(source: Json, found_to_be: str) -> tuple[str, str] | None:
    written = [kind for kind in ("helm", "directory") if _says_something(source.get(kind))]
    if source.get("plugin") is not None:  # `plugin: {}` asks for whichever plugin fits
        written.append("plugin")
    if not written and found_to_be in ("", "Kustomize"):
        return None
    kind = f"spec.source.{written[0]}" if written else f"the source type {found_to_be}"
    return (
        "not-kustomize",
        f"it has {kind}, so it may read other files than its kustomization names; leave it to Kustomize alone",
    )


def _outside_shape(source: Json) -> tuple[str, str] | None:
    settings = source.get("kustomize")
    for name, value in settings.items() if isinstance(settings, dict) else ():
        if not _says_something(value) or name in _KUSTOMIZE_WITHOUT_FILES:
            continue
        if name == "patches":
            if all(isinstance(patch, dict) and not patch.get("path") for patch in value):
                continue
            return ("outside-paths", "its spec.source.kustomize.patches name files; list them in kustomization.yaml")
        if name == "components":
            return ("outside-paths", "it has spec.source.kustomize.components; list them in kustomization.yaml")
        return ("outside-paths", f"we do not know what its spec.source.kustomize.{name[:60]} reads; leave it out")
    return None


def _says_something(value: object) -> bool:
    """Whether anything is set in it: Argo CD itself drops a block that holds nothing but empty values."""
    return any(map(_says_something, value.values())) if isinstance(value, dict) else bool(value)
