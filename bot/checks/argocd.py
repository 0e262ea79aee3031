"""An Argo CD: its version, the account behind our token, and what that account may do."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.checks.finding import Finding, Findings
from bot.domain.pipeline import Stage, SyncMode
from bot.domain.text import listed
from bot.integrations.argocd.client import ArgocdClient
from bot.ports import Argocd, Denied, OutsideError

OLDEST = (2, 12)
FIRST_WITH_OVERRIDE = (3, 2)
"""Before it no setting asked for `override` where a revision is named."""
SYNCED_BY_US = (SyncMode.MANUAL, SyncMode.CONTROLLED)
LATER = "Try again when Argo CD answers; look at its address in tiphys.yaml or ARGOCD_SERVER"
NO_PROJECT = "tiphys-check"
"""A project that nobody has: listing it costs nothing, and still needs a token that is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Whether an instance can be asked for more, its version (None: unknown), and who we are there."""

    usable: bool
    version: tuple[int, int] | None = None
    account: str = "<our account>"


def silent(name: str, evidence: str = "no answer in time") -> Finding:
    return Finding(slug="argocd.no-answer", subject=f"argocd.{name}", evidence=evidence, fix=LATER)


async def check_instance(name: str, argocd: ArgocdClient) -> tuple[Findings, Instance]:
    """Version and account."""
    try:
        told = await argocd.version()
    except OutsideError as error:
        return [silent(name, f"GET /api/version: {error.reason}")], Instance(usable=False)
    version, about_version = judge_version(name, told)
    about_account, account = await _account(name, argocd)
    found = [about_version, *about_account]
    return found, Instance(usable=True, version=version, account=account) if account else Instance(usable=False)


def judge_version(name: str, told: str) -> tuple[tuple[int, int] | None, Finding]:
    subject, evidence = f"argocd.{name}", f"GET /api/version: {told}"
    found = re.match(r"v?(\d+)\.(\d+)", told)
    if found is None:
        fix = "Look at the version in Argo CD's page, bottom left; 2.12 and newer are supported"
        return None, Finding(slug="argocd.version-unknown", subject=subject, evidence=evidence, fix=fix)
    version = (int(found[1]), int(found[2]))
    if version < OLDEST:
        fix = "Upgrade Argo CD: 2.12 and newer are supported"
        return version, Finding(slug="argocd.version-old", subject=subject, evidence=evidence, fix=fix)
    return version, Finding(slug="argocd.version", subject=subject, evidence=evidence)


async def _account(name: str, argocd: ArgocdClient) -> tuple[Findings, str | None]:
    """Whom the token stands for; a token that logs nobody in is asked about once more, to learn why."""

    def found(slug: str, evidence: str, fix: str = "") -> Findings:
        return [Finding(slug=slug, subject=f"argocd.{name}", evidence=evidence, fix=fix)]

    userinfo, fix = "GET /api/v1/session/userinfo", "Make a new token (docs/getting-started.md) for ARGOCD_AUTH_TOKEN"
    try:
        username = await argocd.find_username()
        if username is None:
            await argocd.list(NO_PROJECT)
            return found("argocd.anonymous", f"{userinfo}: the token logs nobody in", fix), None
    except Denied as denial:
        return found("argocd.token-refused", denial.reason, fix), None
    except OutsideError as error:
        return found("argocd.account-unknown", f"{userinfo}: {error.reason}", LATER), None
    if username == "admin":
        fix = "Give Tiphys an account of its own with the rights of docs/security.md"
        return found("argocd.account-is-admin", f"{userinfo}: our account is admin", fix), username
    return found("argocd.account", f"{userinfo}: our account is {username}"), username


async def check_rights(name: str, argocd: Argocd, stages: Sequence[Stage], us: Instance) -> Findings:
    """What each stage's mode needs: `get`, and `sync` where we sync; then `override`, which a setting may demand."""
    answers = await asyncio.gather(*(_rights(argocd, stage) for stage in stages))
    found: Findings = []
    lacking: list[str] = []
    granted: list[str] = []
    for stage, may in zip(stages, answers, strict=True):
        subject, target = stage_path(stage), f"{stage.argocd.project}/{stage.argocd.name}"
        if isinstance(may, OutsideError):
            evidence = f"can-i on {target}: {may.reason}"
            found.append(Finding(slug="stage.rights-unknown", subject=subject, evidence=evidence, fix=LATER))
            continue
        for action, slug in (("get", "stage.may-not-read"), ("sync", "stage.may-not-sync")):
            if not may.get(action, True):
                line = f"p, {us.account}, applications, {action}, {target}, allow"
                evidence = f"can-i {action} applications {target}: no"
                fix = f"Add `{line}` to policy.csv in argocd-rbac-cm"
                found.append(Finding(slug=slug, subject=subject, evidence=evidence, fix=fix))
        if "override" in may:
            (granted if may["override"] else lacking).append(target)
    return [*found, *_override(name, lacking, granted, us)]


async def _rights(argocd: Argocd, stage: Stage) -> dict[str, bool] | OutsideError:
    actions = ("get", "sync", "override") if stage.sync in SYNCED_BY_US else ("get",)
    try:
        return dict(zip(actions, [await argocd.can_i(action, stage.argocd) for action in actions], strict=True))
    except OutsideError as error:
        return error


def _override(name: str, lacking: list[str], granted: list[str], us: Instance) -> Findings:
    """Argo CD does not tell its flag; only a granted right, or a version without the flag, is an answer."""
    subject, version = f"argocd.{name}", us.version
    if lacking and (version is None or version >= FIRST_WITH_OVERRIDE):
        evidence = (
            f"can-i override applications {listed(tuple(lacking))[:200]}: no; whether a sync needs it is not told"
        )
        fix = (
            "Look into argocd-cm: where application.sync.requireOverridePrivilegeForRevisionSync is true, add "
            f"`p, {us.account}, applications, override, <project>/*, allow` to argocd-rbac-cm; else all is well"
        )
        return [Finding(slug="argocd.override-unknown", subject=subject, evidence=evidence, fix=fix)]
    if lacking:
        evidence = f"version {version[0]}.{version[1]} never asks for `override`" if version else ""
        return [Finding(slug="argocd.override", subject=subject, evidence=evidence)]
    if granted:
        evidence = f"can-i override applications {listed(tuple(granted))[:200]}: yes"
        return [Finding(slug="argocd.override", subject=subject, evidence=evidence)]
    return []


def stage_path(stage: Stage) -> str:
    """Where the stage stands in `tiphys.yaml`."""
    return f"applications.{stage.application}.stages.{stage.environment}"
