"""After a whole promotion the bot's metrics tell what happened to it, and of calls to every system outside."""

import httpx
from prometheus_client.parser import text_string_to_metric_families as parse

from tests.scenarios.workspace import Workspace

OF = {"kind": "promotion", "environment": "production"}
STATES = {"proposing", "waiting for approval", "waiting for checks", "merging", "merged", "syncing", "verifying"}


async def test_a_promotion_as_prometheus_sees_it(workspace: Workspace) -> None:
    await workspace.propose()
    await workspace.approve("approver-1")
    await workspace.thread_says("1 of 2")
    assert await value(workspace, "tiphys_changes", state="waiting for approval", **OF) == 1
    await workspace.approve("approver-2")
    await workspace.card_is("succeeded")
    assert await workspace.settle()
    found = await scraped(workspace)
    assert ("tiphys_changes", frozenset({**OF, "state": "succeeded"}.items())) not in found
    assert at(found, "tiphys_changes_ended_total", state="succeeded", **OF) == 1
    assert {dict(labels)["state"] for name, labels in found if name == "tiphys_change_state_seconds_count"} == STATES
    assert at(found, "tiphys_approval_seconds_count", **OF) == 1
    assert {dict(labels)["system"] for name, labels in found if name == "tiphys_outside_call_seconds_count"} == {
        "alertmanager", "argocd", "git", "github", "slack",
    }  # fmt: skip
    for system, operation in (
        ("argocd", "POST applications/*/sync"), ("git", "push"), ("github", "PUT repos/*/pulls/*/merge"),
        ("slack", "chat.postMessage"),
    ):  # fmt: skip
        assert at(found, "tiphys_outside_call_seconds_count", system=system, operation=operation, result="ok") >= 1
    assert at(found, "tiphys_acknowledgement_seconds_count", kind="command", result="recorded") == 1
    assert at(found, "tiphys_acknowledgement_seconds_count", kind="click", result="recorded") == 2
    assert at(found, "tiphys_outbox_attempts_total", kind="card", end="sent") >= 2
    assert at(found, "tiphys_reconcile_lag_seconds_count") >= 1
    assert at(found, "tiphys_queue_rows", queue="outbox", when="due") == 0
    assert at(found, "tiphys_database_up") == 1
    names_of_somebody = ("apm", "example", "C0DEPLOY", "U0", "tiphys/", "U0DEV1")
    told = {text for name, labels in found if name.startswith("tiphys_") for _, text in labels}
    assert [text for text in told if any(name in text for name in names_of_somebody)] == []


Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(workspace: Workspace) -> Series:
    [address] = (await workspace.call("GET", "/api/ready"))["urls"]["bots"]
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{address}/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(answer.text)
        for sample in family.samples
    }


def at(found: Series, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def value(workspace: Workspace, name: str, **labels: str) -> float:
    return at(await scraped(workspace), name, **labels)
