"""Example values of the domain for unit tests: one promotion of `apm-stack` to production, at any point of its life."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.approval import Approval, Counted, RuleResult, Verdict
from bot.domain.change import Change, ChangeKind, CommitLine, Merge, Proposal, Shipment, SyncFacts, ValueChange
from bot.domain.content_key import ContentKey
from bot.domain.gate import Gate
from bot.domain.identity import ChangeId, ChannelId, Revision, UserId
from bot.domain.lifecycle import State
from bot.domain.live import (
    Deployment,
    Health,
    LiveApplication,
    LiveSource,
    Operation,
    Phase,
    ResourceKey,
    ResourceStatus,
    SyncProgress,
    SyncStatus,
    WaveProgress,
)
from bot.domain.pipeline import ApprovalPolicy, ArgocdReference, Repository, Stage, SyncMode
from bot.domain.pull_request import Mergeability, PullRequest

NOW = datetime(2026, 3, 4, 14, 5, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CHANGE = ChangeId("01HZX3K6Q4T8V2M5N7P9R1S3WA")
BASE, HEAD, MERGED, ACTIVE = (Revision(digit * 40) for digit in "1234")
DEVELOPER, APPROVER, APPROVER_2 = UserId("U0DEV1"), UserId("U0APPR1"), UserId("U0APPR2")
DEPLOYMENTS = ChannelId("C0DEPLOY")
REPOSITORY = Repository(name="apm", github="example/apm", api_url="https://api.github.com", token="")
KEY = ContentKey(
    paths={"deployments/k8s/overlays/production": "a" * 40, "deployments/k8s/base": "b" * 40}, widened=None,
    destination="in-cluster/apm", project="apm", source_digest="s1", sync_digest="y1",
)  # fmt: skip
OTHER_KEY = replace(KEY, paths={**KEY.paths, "deployments/k8s/base": "c" * 40})
POLICY = ApprovalPolicy(needed=2, sources=("role:release",))


def stage(**facts: Any) -> Stage:
    known: dict[str, Any] = {
        "application": "apm-stack", "environment": "production", "source": "staging", "sync": SyncMode.CONTROLLED,
        "argocd": ArgocdReference(instance="main", project="apm", namespace="argocd", name="apm-stack-production"),
        "branch": "main", "path": "deployments/k8s/overlays/production", "approvals": POLICY,
    }  # fmt: skip
    return Stage(**known | facts)


def proposal(**facts: Any) -> Proposal:
    file = "deployments/k8s/overlays/production/kustomization.yaml"
    known: dict[str, Any] = {
        "branch": f"tiphys/apm-stack/production/{CHANGE}", "base_branch": "main", "base": BASE, "head": HEAD,
        "pull_request": 187, "link": "https://github.example.com/example/apm/pull/187", "key": KEY,
        "source_revision": ACTIVE, "active_revision": ACTIVE, "active_history_id": 14,
        "shipment": Shipment(
            values=(ValueChange(name="apm-api", old="2.14.0", new="2.15.1", file=file),),
            also=(CommitLine(revision=BASE, subject="Log less", author="developer-2"),), also_total=1,
        ),
    }  # fmt: skip
    return Proposal(**known | facts)


def merge(**facts: Any) -> Merge:
    known: dict[str, Any] = {"revision": MERGED, "key": KEY, "by": "tiphys", "at": NOW}
    return Merge(**known | facts)


def change(state: State = State.WAITING_FOR_APPROVAL, **facts: Any) -> Change:
    known: dict[str, Any] = {
        "id": CHANGE, "number": 42, "kind": ChangeKind.PROMOTION, "application": "apm-stack",
        "environment": "production", "source_environment": "staging", "sync_mode": SyncMode.CONTROLLED,
        "requested_by": DEVELOPER, "requested_at": NOW, "channel": DEPLOYMENTS, "asked_in": DEPLOYMENTS,
        "state": state, "state_since": NOW, "proposal": proposal(), "ready_at": NOW,
    }  # fmt: skip
    return Change(**known | facts)


def merged_change(state: State = State.MERGED, **facts: Any) -> Change:
    return change(state, **{"merge": merge()} | facts)


def syncing_change(**facts: Any) -> Change:
    """Our sync was asked for, and Argo CD has taken it."""
    known = {"sync": SyncFacts(operation=CHANGE, asked_at=NOW, started_at=NOW)}
    return merged_change(State.SYNCING, **(known | facts))


def approval(user: UserId = APPROVER, **facts: Any) -> Approval:
    known: dict[str, Any] = {"change": CHANGE, "user": user, "person": user, "fingerprint": KEY.fingerprint, "at": NOW}
    return Approval(**known | facts)


def result(*users: UserId, verdict: Verdict = Verdict.WAITING, **facts: Any) -> RuleResult:
    """A rule's result in which these users count."""
    counted = tuple(Counted(approval=approval(user), counts=True) for user in users)
    known: dict[str, Any] = {
        "rule": "quorum",
        "verdict": verdict,
        "reason": f"{len(users)} of 2 approvals",
        "counted": counted,
    }
    return RuleResult(**known | facts)


def quorum() -> RuleResult:
    return result(APPROVER, APPROVER_2, verdict=Verdict.PASSED)


def live(**facts: Any) -> LiveApplication:
    known: dict[str, Any] = {
        "name": "apm-stack-production", "namespace": "argocd", "project": "apm",
        "source": LiveSource(
            repo_url="https://github.com/example/apm.git", path="deployments/k8s/overlays/production",
            target_revision="main",
        ),
        "destination": "in-cluster/apm", "source_digest": "s1", "sync_digest": "y1", "sync": SyncStatus.SYNCED,
        "sync_revision": BASE, "health": Health.HEALTHY,
        "history": (Deployment(id=14, revision=ACTIVE, deployed_at=NOW - HOUR),),
    }  # fmt: skip
    return LiveApplication(**known | facts)


def operation(phase: Phase = Phase.RUNNING, **facts: Any) -> Operation:
    known: dict[str, Any] = {"phase": phase, "revision": MERGED, "infos": (("tiphys-change", CHANGE),)}
    return Operation(**known | facts)


def resource(name: str, health: Health | None = Health.HEALTHY, **facts: Any) -> ResourceStatus:
    key = ResourceKey(group="apps", kind="Deployment", namespace="apm", name=name)
    known: dict[str, Any] = {"key": key, "sync": SyncStatus.SYNCED, "health": health}
    return ResourceStatus(**known | facts)


def progress(*waiting_for: str) -> SyncProgress:
    return SyncProgress(waves=(WaveProgress(wave=0, done=1, total=2),), waiting_for=waiting_for)


def pull_request(mergeability: Mergeability = Mergeability.CLEAN, **facts: Any) -> PullRequest:
    known: dict[str, Any] = {
        "number": 187, "link": "https://github.example.com/example/apm/pull/187", "is_open": True, "merged": False,
        "head_branch": f"tiphys/apm-stack/production/{CHANGE}", "head": HEAD, "base_branch": "main", "base": BASE,
        "mergeability": mergeability,
    }  # fmt: skip
    return PullRequest(**known | facts)


OPEN_GATES = (Gate.open("source", "staging is Healthy"), Gate.open("window", "no sync window in the way"))
