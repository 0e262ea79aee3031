"""Health as Argo CD judges it: per kind, over time after a change, and summed up for an application."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.sandbox.argocd.objects import Json, images_of, tag_of

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Rollout"})
ALWAYS_HEALTHY = frozenset(
    {"Service", "Ingress", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "Pod", "ReplicaSet"}
)
BEST_TO_WORST = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")

ROLLOUT_SECONDS = 1.5
SLOW_ROLLOUT_SECONDS = 30.0
JOB_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Health:
    status: str
    message: str = ""

    def as_json(self) -> Json:
        return {"status": self.status, **({"message": self.message} if self.message else {})}


HEALTHY = Health("Healthy")
JOB_DONE = Health("Healthy", "Reached expected number of succeeded pods")
JOB_FAILED = Health("Degraded", "Job has reached the specified backoff limit")


@dataclass(frozen=True, slots=True)
class Course:
    """What happens to an object after it was created or changed: how it is meanwhile, for how long, and how it ends."""

    meanwhile: Health | None
    seconds: float
    end: Health | None


def course_of(obj: Json, *, doomed: bool = False) -> Course:
    """The course that a new or changed object takes. `doomed` makes a Job fail."""
    kind = obj.get("kind")
    spec = obj.get("spec") or {}
    if kind == "Job":
        return Course(Health("Progressing"), JOB_SECONDS, JOB_FAILED if doomed else JOB_DONE)
    if kind == "CronJob" and spec.get("suspend"):
        return settled(Health("Suspended", "CronJob is Suspended"))
    if kind in WORKLOADS and spec.get("paused"):
        return settled(Health("Suspended", f"{kind} is paused"))
    if kind in WORKLOADS and spec.get("replicas", 1) != 0:
        return _rollout(obj)
    return settled(HEALTHY if kind in WORKLOADS | ALWAYS_HEALTHY | {"CronJob"} else None)


def settled(health: Health | None) -> Course:
    return Course(health, 0, health)


def resting(obj: Json) -> Health | None:
    """How an object is that was deployed long ago."""
    return JOB_DONE if obj.get("kind") == "Job" else (course_of(obj).end)


def worst(of: Iterable[str]) -> str:
    """An application's health from its resources': the worst, where `Missing` counts only if nothing else is there."""
    statuses = list(of)
    present = [status for status in statuses if status != "Missing"]
    if statuses and not present:
        return "Missing"
    return max(present, key=BEST_TO_WORST.index, default="Healthy")


def _rollout(obj: Json) -> Course:
    images = images_of(obj)
    replicas = (obj.get("spec") or {}).get("replicas", 1)
    waiting = Health(
        "Progressing",
        f"Waiting for rollout to finish: {replicas - 1} out of {replicas} new replicas have been updated...",
    )
    bad = next((image for image in images if tag_of(image).endswith("-bad")), None)
    if bad is not None:
        name = (obj.get("metadata") or {}).get("name")
        end = Health(
            "Degraded",
            f'{obj.get("kind")} "{name}" exceeded its progress deadline: '
            f'Back-off pulling image "{bad}": ErrImagePull: manifest unknown',
        )
        return Course(waiting, ROLLOUT_SECONDS, end)
    slow = any(tag_of(image).endswith("-slow") for image in images)
    return Course(waiting, SLOW_ROLLOUT_SECONDS if slow else ROLLOUT_SECONDS, HEALTHY)
