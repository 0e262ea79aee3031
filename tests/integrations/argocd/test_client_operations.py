"""Operations as a real Argo CD tells them: asked, followed, refused, ended."""

import pytest

from bot.domain.identity import Revision
from bot.domain.live import AutoSync, Phase
from bot.domain.progress import failure_of, progress_of
from bot.integrations.argocd.client import ArgocdClient
from bot.ports import Refused, Unavailable
from tests.integrations.argocd.conftest import STAGING, Argocd, recorded_exchange, reference
from tests.integrations.replay import Answer

MERGED = Revision("4a6e47f5fb778b86be3fa06ae95321d56fbbf840")
PATH = "/api/v1/applications/apm-stack-staging"


async def test_a_pinned_sync_from_the_request_to_its_end(client: ArgocdClient, replay: Argocd) -> None:
    """Queued, Running in every step, Succeeded: judged by phase; our infos are there all the way."""
    states = [f"poll: state {number}" for number in (1, 2, 5, 7, 9, 11, 13, 15, 16, 18)]
    replay.play("sync_waves_hooks", *states)
    asked = recorded_exchange("sync_waves_hooks", "sync")["body"]["operation"]
    phases = []
    for _ in states:
        operation = (await client.get(STAGING)).operation
        assert operation is not None
        assert operation.revision == asked["sync"]["revision"]
        assert operation.infos == tuple((info["name"], info["value"]) for info in asked["info"])
        phases.append(operation.phase)
    assert phases == [Phase.PENDING, *[Phase.RUNNING] * 8, Phase.SUCCEEDED]


async def test_the_waves_of_a_recorded_sync(client: ArgocdClient, replay: Argocd) -> None:
    """Its hook first, then wave by wave; what is left behind counts as dealt with."""
    states = [f"poll: state {number}" for number in (5, 7, 9, 11, 13, 15, 18)]
    replay.play("sync_waves_hooks", *states)
    seen = [progress_of(await client.get(STAGING)) for _ in states]
    assert [[(wave.wave, wave.done, wave.total) for wave in progress.waves] for progress in seen] == [
        [(-1, 0, 5), (0, 0, 7), (1, 0, 3), (2, 0, 1)],
        [(-1, 0, 5), (0, 0, 7), (1, 0, 3), (2, 0, 1)],
        [(-1, 0, 5), (0, 0, 7), (1, 0, 3), (2, 0, 1)],
        [(-1, 5, 5), (0, 7, 8), (1, 0, 3), (2, 0, 1)],
        [(-1, 5, 5), (0, 8, 8), (1, 0, 3), (2, 0, 1)],
        [(-1, 5, 5), (0, 8, 8), (1, 3, 3), (2, 0, 1)],
        [(-1, 5, 5), (0, 8, 8), (1, 3, 3), (2, 1, 1)],
    ]
    assert seen[0].message == "waiting for deletion of hook batch/Job/schema-migrate"
    assert [progress.hooks for progress in seen[1:3]] == [
        ("PreSync Job/schema-migrate (Running)",),
        ("PreSync Job/schema-migrate (Succeeded)",),
    ]
    assert [item.partition(" ")[0] for item in seen[4].waiting_for] == [
        "Deployment/prometheus",
        "Deployment/tempo",
        "Deployment/loki",
    ]
    assert seen[6].waiting_for == ()


async def test_a_last_wave_that_degrades_after_the_operation_has_succeeded(
    client: ArgocdClient, replay: Argocd
) -> None:
    replay.play("sync_last_wave_degraded", "poll: state 3", "poll: state 4")
    waiting, failed = await client.get(reference("apm-small")), await client.get(reference("apm-small"))
    assert waiting.operation is not None
    assert waiting.operation.phase is Phase.SUCCEEDED
    assert progress_of(waiting).waiting_for[0].startswith("Deployment/small (Waiting for rollout to finish")
    assert failure_of(failed) == 'Deployment/small (Deployment "small" exceeded its progress deadline)'


@pytest.mark.parametrize(
    ("label", "name", "phase", "cause"),
    [
        ("invalid: state 2", "apm-invalid", Phase.FAILED, "Deployment/invalid (Deployment.apps"),
        ("hook: state 5", "apm-hookfail", Phase.FAILED, "Job/schema-migrate (Job has reached the specified backoff"),
        ("render: state 2", "apm-broken", Phase.ERROR, "ComparisonError: Failed to load target state"),
    ],
)
async def test_the_cause_of_a_recorded_failure(
    client: ArgocdClient, replay: Argocd, label: str, name: str, phase: Phase, cause: str
) -> None:
    replay.play("sync_failures", label)
    live = await client.get(reference(name))
    assert live.operation is not None
    assert live.operation.phase is phase
    assert failure_of(live).startswith(cause)


async def test_after_a_pinned_sync_the_operation_tells_the_truth_and_the_status_does_not(
    client: ArgocdClient, replay: Argocd
) -> None:
    replay.play("sync_pinned_revision", "refresh afterwards")
    live = await client.get(STAGING)
    assert live.operation is not None
    assert (live.operation.phase, live.operation.revision) == (Phase.SUCCEEDED, MERGED)
    assert live.active == MERGED
    assert live.sync_revision != MERGED
    assert live.operation.info("tiphys-request") == "33333333-3333-4333-8333-333333333333"


async def test_an_unknown_commit_is_accepted_and_ends_in_error(client: ArgocdClient, replay: Argocd) -> None:
    unknown = Revision("0000000000000000000000000000000000000001")
    replay.play("sync_pinned_revision", "SHA that does not exist", "poll unknown SHA: state 2")
    await client.start_sync(STAGING, revision=unknown, prune=False, infos={})
    operation = (await client.get(STAGING)).operation
    assert operation is not None
    assert (operation.phase, operation.revision) == (Phase.ERROR, unknown)


async def test_a_retry_is_running_though_it_has_an_end_time(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("sync_failures", "retry: state 6")
    operation = (await client.get(reference("apm-hookfail"))).operation
    assert operation is not None
    assert operation.phase is Phase.RUNNING
    assert operation.finished_at is not None


async def test_self_heal_is_automated_and_partial(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("self_heal", "drift: state 2")
    live = await client.get(reference("apm-stack-dev"))
    assert live.auto_sync == AutoSync(prune=True, self_heal=True)
    assert live.operation is not None
    assert (live.operation.automated, live.operation.partial) == (True, True)


async def test_start_sync_sends_exactly_this(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("sync_pinned_revision", "sync pinned to the first commit")
    await client.start_sync(
        STAGING, revision=MERGED, prune=True, infos={"tiphys-change": "01J", "slack-user": "U0DEV1"}
    )
    (seen,) = replay.requests
    assert (seen.method, seen.path, seen.query) == ("POST", f"{PATH}/sync", [])
    assert seen.body == {
        "appNamespace": "argocd",
        "project": "apm",
        "revision": MERGED,
        "prune": True,
        "infos": [{"name": "tiphys-change", "value": "01J"}, {"name": "slack-user", "value": "U0DEV1"}],
    }


async def test_a_sync_is_never_asked_without_a_full_sha(client: ArgocdClient, replay: Argocd) -> None:
    for text in ("main", "4a6e47f", ""):
        with pytest.raises(ValueError, match="full commit SHA"):
            await client.start_sync(STAGING, revision=Revision(text), prune=False, infos={})
    assert replay.requests == []


@pytest.mark.parametrize(
    ("scenario", "label", "slug"),
    [
        ("sync_busy", "second sync at once", "busy"),
        ("sync_busy", "second sync while Running", "busy"),
        ("sync_window", "closed allow window: sync", "blocked-by-window"),
        ("sync_window", "sync in a deny window", "blocked-by-window"),
        ("sync_failures", "auto-sync on, other revision", "auto-sync-on"),
        ("sync_failures", "auto-sync on, the SHA that the branch points to", "auto-sync-on"),
        ("sync_pinned_revision", "branch that does not exist", "revision-unknown"),
        ("auth_errors", "viewer may get but not sync", "missing-right"),
        ("outages", "Kubernetes API down: sync", "permission-denied"),
    ],
)
async def test_a_refused_sync_is_asked_once(
    client: ArgocdClient, replay: Argocd, scenario: str, label: str, slug: str
) -> None:
    replay.play(scenario, label, at=f"{PATH}/sync")
    with pytest.raises(Refused) as refused:
        await client.start_sync(STAGING, revision=MERGED, prune=False, infos={})
    assert refused.value.slug == slug
    assert len(replay.requests) == 1


async def test_a_sync_while_the_repository_server_is_down_waits(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("outages", "repo-server down: sync", at=f"{PATH}/sync")
    with pytest.raises(Unavailable, match="cannot reach the repository"):
        await client.start_sync(STAGING, revision=MERGED, prune=False, infos={})


async def test_terminate(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("sync_busy", "terminate", "poll: state 1")
    await client.terminate(STAGING)
    assert replay.requests[0].query == [("project", "apm"), ("appNamespace", "argocd")]
    operation = (await client.get(STAGING)).operation
    assert operation is not None
    assert operation.phase is Phase.TERMINATING


async def test_terminate_waits_while_the_operation_is_queued(client: ArgocdClient, replay: Argocd) -> None:
    replay.on("GET", PATH, Answer(body=recorded_exchange("sync_busy", "sync")["body"]))
    replay.play("sync_busy", "terminate at once", "terminate")
    await client.terminate(STAGING)
    assert replay.paths == [f"DELETE {PATH}/operation", f"GET {PATH}", f"DELETE {PATH}/operation"]


async def test_terminate_with_a_dead_controller_is_not_called_nothing_running(
    client: ArgocdClient, replay: Argocd
) -> None:
    replay.play("outages", "controller frozen: terminate", "controller frozen: queued, no operationState")
    with pytest.raises(Unavailable, match="waits for its controller"):
        await client.terminate(reference("apm-small"))


async def test_terminate_when_nothing_runs(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("sync_busy", "terminate when nothing runs", "poll: state 4")
    with pytest.raises(Refused) as refused:
        await client.terminate(STAGING)
    assert refused.value.slug == "nothing-running"


async def test_terminating_a_sync_that_a_window_holds(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("sync_window", "after terminate: state 1")
    operation = (await client.get(reference("apm-small"))).operation
    assert operation is not None
    assert operation.phase is Phase.TERMINATING
