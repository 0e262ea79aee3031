"""The client against what a real Argo CD answered."""

import json
from datetime import UTC, datetime

import pytest
from aiohttp import web

from bot.domain.identity import Revision
from bot.domain.live import Health, SyncStatus
from bot.domain.pipeline import ArgocdInstance
from bot.integrations.argocd.client import ArgocdClient
from bot.ports import Denied, NotFound, Unavailable
from tests.integrations.argocd.conftest import IMPATIENT, STAGING, TOKEN, Argocd, recorded_exchange, reference
from tests.integrations.replay import Answer, FixedClock

PATH = "/api/v1/applications/apm-stack-staging"


async def test_get_reads_an_application(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("get", "plain")
    live = await client.get(STAGING)
    assert (live.name, live.namespace, live.project) == ("apm-stack-staging", "argocd", "apm")
    assert live.source is not None
    assert (live.source.path, live.source.target_revision) == ("stacks/staging", "main")
    assert live.destination == "https://kubernetes.default.svc/apm-staging"
    assert (live.sync, live.health, live.auto_sync) == (SyncStatus.OUT_OF_SYNC, Health.HEALTHY, None)
    assert [deployment.id for deployment in live.history] == [0, 1]
    assert live.active == "ffbd2754ea5886b06112a7b4d25937d1cd651211"
    assert live.reconciled_at == datetime(2026, 11, 23, 19, 29, tzinfo=UTC)
    assert not live.is_deleting
    assert live.unsupported == ()
    waves = {str(item.key): item.wave for item in live.resources}
    assert (waves["Deployment/grafana"], waves["Deployment/otel-collector"], waves["Secret/grafana-admin"]) == (
        2,
        0,
        -1,
    )
    assert [str(item.key) for item in live.resources if item.hook] == ["Job/schema-migrate", "Job/smoke-test"]


async def test_every_call_names_project_and_namespace_and_carries_the_token(
    client: ArgocdClient, replay: Argocd
) -> None:
    replay.play("get", "with project and appNamespace")
    await client.get(reference("apm-team", namespace="team-a"))
    (seen,) = replay.requests
    assert seen.query == [("project", "apm"), ("appNamespace", "team-a")]
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert "Cookie" not in seen.headers


async def test_a_refresh_has_a_deadline_on_both_sides(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("get", "refresh=normal")
    await client.get(reference("apm-small"), refresh=True)
    (seen,) = replay.requests
    assert ("refresh", "normal") in seen.query
    assert seen.headers["Grpc-Timeout"] == "3000m"


async def test_a_refresh_that_the_controller_never_finishes(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("outages", "controller frozen: refresh with Grpc-Timeout 3S")
    with pytest.raises(Unavailable, match="did not finish in time"):
        await client.get(reference("apm-small"), refresh=True)


async def test_an_application_that_does_not_render_answers_all_the_same(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("get", "an application whose manifests do not render, refreshed")
    live = await client.get(reference("apm-broken"), refresh=True)
    assert (live.sync, live.sync_revision) == (SyncStatus.UNKNOWN, "main")
    assert live.active is None
    assert [kind for kind, _ in live.conditions] == ["ComparisonError"]


async def test_several_sources_are_unsupported_and_no_source(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("get", "multi-source")
    live = await client.get(reference("apm-multi"))
    assert live.source is None
    assert [slug for slug, _ in live.unsupported] == ["multi-source"]


async def test_windows_that_allow(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("sync_window", "windows of an app without windows", "deny with manualSync: windows")
    assert (await client.sync_windows(reference("apm-small"))).can_sync
    assert (await client.sync_windows(reference("apm-small"))).can_sync


async def test_a_closed_allow_window_names_itself_and_when_it_opens(client: ArgocdClient, replay: Argocd) -> None:
    detailed = recorded_exchange("projects", "detailed")["body"]
    window = {"kind": "allow", "schedule": "0 7 * * *", "duration": "1h", "applications": ["*"]}
    detailed["project"]["spec"]["syncWindows"] = [
        {**window, "timeZone": "Europe/Berlin", "description": "the morning's"}
    ]
    replay.on("GET", "/api/v1/projects/apm/detailed", Answer(body=detailed))
    replay.play("sync_window", "closed allow window: windows")
    windows = await client.sync_windows(reference("apm-small"))
    assert not windows.can_sync
    assert windows.description == "outside the allow window `0 7 * * *` for 1h, Europe/Berlin, the morning's"
    assert windows.opens_at == datetime(2026, 11, 24, 6, tzinfo=UTC)


async def test_windows_whose_project_may_not_be_read_have_no_opening_time(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("projects", "unknown project, tiphys", at="/api/v1/projects/apm/detailed")
    replay.play("sync_window", "windows of an app in a deny window")
    windows = await client.sync_windows(reference("frozen-app"))
    assert (windows.can_sync, windows.opens_at) == (False, None)
    assert windows.description == "inside the deny window `* * * * *` for 1h"


async def test_can_i_asks_for_project_and_name_and_elsewhere_for_the_namespace_too(
    client: ArgocdClient, replay: Argocd
) -> None:
    replay.play("settings_clusters_repos", "settings, tiphys")
    replay.play(
        "account_can_i",
        "can-i applications/sync/apm/apm-stack-staging",
        "can-i applications/sync/other/other-app",
        "can-i applications/get/apm/team-a/apm-team",
    )
    assert await client.can_i("sync", STAGING)
    assert not await client.can_i("sync", reference("other-app", project="other"))
    assert await client.can_i("get", reference("apm-team", namespace="team-a"))
    assert replay.paths.count("GET /api/v1/settings") == 1


async def test_version_with_and_without_rights(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("version", "anonymous", "with a token")
    replay.on("GET", "/api/version", Answer(body={"Version": "v3.5.1+109ca7c"}), Answer(body={}))
    assert [await client.version() for _ in range(4)] == ["v3.5.1", "v3.5.1", "v3.5.1", "unknown"]


async def test_who_the_token_is(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("session", "userinfo with an API key", "userinfo with a bad token")
    assert await client.find_username() == "tiphys"
    assert await client.find_username() is None


async def test_revision_metadata(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("revision_metadata", "head of main (a merge commit)", "unknown SHA", "branch name")
    sha = Revision("ffbd2754ea5886b06112a7b4d25937d1cd651211")
    found = await client.revision_metadata(STAGING, sha)
    assert found.author == "developer <developer@example.com>"
    assert found.date == datetime(2025, 11, 13, 12, 13, 20, tzinfo=UTC)
    assert found.message.startswith("Merge pull request #7")
    for text in ("0000000000000000000000000000000000000001", "main"):
        with pytest.raises(NotFound) as refused:
            await client.revision_metadata(STAGING, Revision(text))
        assert refused.value.slug == "revision-unknown"


async def test_list_reads_all_and_an_empty_one_is_null(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("list", "all, viewer (every project)", "outsider (nothing)")
    found = await client.list()
    assert "apm-broken" in [live.name for live in found]
    assert await client.list("other") == ()
    assert [seen.query for seen in replay.requests] == [[], [("projects", "other")]]


async def test_a_name_is_quoted_whole(client: ArgocdClient, replay: Argocd) -> None:
    with pytest.raises(Unavailable, match="no such call"):
        await client.get(reference("a/b:c%?"))
    assert replay.requests[0].path == "/api/v1/applications/a%2Fb%3Ac%25%3F"


async def test_a_member_of_a_rolling_sync_is_unsupported_where_we_may_know(
    client: ArgocdClient, replay: Argocd
) -> None:
    body = recorded_exchange("get", "plain")["body"]
    body["metadata"]["ownerReferences"] = [{"kind": "ApplicationSet", "name": "stacks"}]
    replay.on("GET", PATH, Answer(body=body))
    applicationset = "/api/v1/applicationsets/stacks"
    replay.on("GET", applicationset, Answer(body={"spec": {"strategy": {"type": "RollingSync"}}}))
    assert [slug for slug, _ in (await client.get(STAGING)).unsupported] == ["rolling-sync"]
    assert [slug for slug, _ in (await client.get(STAGING)).unsupported] == ["rolling-sync"]
    assert replay.paths.count(f"GET {applicationset}") == 1


async def test_an_applicationset_that_we_may_not_read_says_nothing(client: ArgocdClient, replay: Argocd) -> None:
    body = recorded_exchange("get", "plain")["body"]
    body["metadata"]["ownerReferences"] = [{"kind": "ApplicationSet", "name": "stacks"}]
    replay.on("GET", PATH, Answer(body=body))
    replay.on(
        "GET", "/api/v1/applicationsets/stacks", Answer(status=403, body={"code": 7, "error": "permission denied"})
    )
    assert (await client.get(STAGING)).unsupported == ()


async def test_the_page_of_an_application(replay: Argocd, clock: FixedClock) -> None:
    instance = ArgocdInstance(name="main", server="https://argocd.example.com/", token=TOKEN)
    async with ArgocdClient(instance, clock=clock, patience=IMPATIENT) as client:
        assert client.page_of(STAGING) == "https://argocd.example.com/applications/argocd/apm-stack-staging"


async def test_a_server_below_a_path(replay: Argocd, clock: FixedClock) -> None:
    instance = ArgocdInstance(name="main", server=f"{replay.url}/argo/", token=TOKEN)
    async with ArgocdClient(instance, clock=clock, patience=IMPATIENT) as client:
        with pytest.raises(Unavailable):
            await client.version()
    assert replay.requests[0].path == "/argo/api/version"
    replay.violations.clear()  # the description knows no path in front


async def test_404_means_gone_and_403_does_not_say(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("auth_errors", "tiphys: app that does not exist, project given")
    with pytest.raises(NotFound) as gone:
        await client.get(reference("nope"))
    assert gone.value.slug == "not-found"
    replay.play("outages", "Kubernetes API down: get")
    with pytest.raises(Denied) as denied:
        await client.get(reference("apm-small"))
    assert denied.value.slug == "permission-denied"
    assert "Kubernetes API is down" in denied.value.reason


@pytest.mark.parametrize("refresh", [False, True])
async def test_an_application_of_another_project_is_found_there(
    client: ArgocdClient, replay: Argocd, refresh: bool
) -> None:
    """Whoever asked compares the projects, and can say both; where we may not see it, it stays unfound."""
    document = {"metadata": {"name": "apm-small", "namespace": "argocd"}, "spec": {"project": "other"}}

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        gone = Answer(status=404, body={"error": "not found", "code": 5, "message": "not found"})
        return (gone if "project" in request.query else Answer(body=document)).response()

    replay.on("GET", "/api/v1/applications/apm-small", elsewhere)
    assert (await client.get(reference("apm-small"), refresh=refresh)).project == "other"
    assert ("project", "apm") in replay.requests[0].query


async def test_a_broken_policy_line_is_waited_for_and_named(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("rbac_broken", "broken: get", "repaired: get")
    with pytest.raises(Unavailable, match="argocd-rbac-cm"):
        await client.get(reference("apm-small"))
    assert (await client.get(reference("apm-small"))).name == "apm-small"


async def test_the_token_is_in_no_error_and_no_representation(client: ArgocdClient, replay: Argocd) -> None:
    replay.play("auth_errors", "no token: list", "token with a wrong signature: list")
    for _ in range(2):
        with pytest.raises(Denied) as denied:
            await client.list()
        assert denied.value.slug == "bad-token"
        shown = json.dumps([str(denied.value), repr(denied.value), denied.value.way_out])
        assert TOKEN not in shown
