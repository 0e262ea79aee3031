"""The sentences of operations and comparisons, as the real controller words them."""

from collections.abc import Sequence

from bot.sandbox.argocd.objects import Json, compact, template_labels
from bot.sandbox.argocd.plan import Task
from bot.sandbox.argocd.rendering import RenderFailed


def comparison_error(failed: RenderFailed) -> str:
    """How the controller words what the repo-server said."""
    return (
        "Failed to load target state: failed to generate manifest for source 1 of 1: "
        f"rpc error: code = Unknown desc = {failed}"
    )


def waiting_for(tasks: Sequence[Task]) -> str:
    """What a running operation waits for: the first of these tasks, and how many more."""
    hooks = [task for task in tasks if task.is_hook]
    if hooks:
        return and_more(f"waiting for completion of hook {hooks[0].key.label}", len(hooks), "hooks")
    return and_more(f"waiting for healthy state of {tasks[0].key.label}", len(tasks), "resources")


def and_more(text: str, count: int, what: str) -> str:
    """`text`, and how many there are besides the first."""
    return f"{text} and {count - 1} more {what}" if count > 1 else text


def why_failed(failed: Sequence[Json]) -> str:
    """Why an operation failed, from the result lines of its failed tasks."""
    refused = [line for line in failed if line["status"] == "SyncFailed"]
    if refused:
        return f"one or more objects failed to apply, reason: {refused[0]['message']}"
    return "one or more synchronization tasks completed unsuccessfully"


def selector_refused(task: Task) -> str:
    """The Kubernetes API's refusal of a workload whose selector misses its own template."""
    labels = compact(template_labels(task.obj))
    return (
        f'{task.key.kind}.{task.key.group} "{task.key.name}" is invalid: spec.template.metadata.labels: '
        f"Invalid value: {labels}: `selector` does not match template `labels`"
    )
