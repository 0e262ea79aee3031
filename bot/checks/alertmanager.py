"""An Alertmanager: its version, whether our credentials are taken, and whether it lists what fires and is silenced."""

import re
from collections.abc import Awaitable

from bot.checks.finding import Finding, Findings
from bot.domain.alerts.silence import SilenceState
from bot.domain.text import counted
from bot.ports import Denied, OutsideError
from bot.ports_alerts import Alertmanager, AlertmanagerStatus

OLDEST = (0, 25)
AT_ONE = ("ready", "disabled")
"""What the status says of a cluster whose members know of each other, and of one who has no others."""
STATUS, ALERTS, SILENCES = "GET /api/v2/status", "GET /api/v2/alerts", "GET /api/v2/silences"


def silent(name: str, evidence: str = f"{STATUS}: no answer in time") -> Finding:
    return _found("alertmanager.no-answer", name, evidence, _later(name))


def silent_list(name: str, asked: str, evidence: str = "no answer in time") -> Finding:
    return _found("alertmanager.list-unknown", name, f"{asked}: {evidence}", _later(name))


def heard_only(name: str) -> Finding:
    """Of a source without `url`, which nobody can ask."""
    fix = f"Name its API: `url` of {_path(name)} (docs/alerts.md tells what is missing without it)"
    return _found("alertmanager.heard-only", name, "no request: it has no `url`, only its webhooks are known", fix)


async def check_status(name: str, alertmanager: Alertmanager) -> tuple[Findings, bool]:
    """Version, cluster and credentials; and whether asking for more makes sense."""
    try:
        told = await alertmanager.status()
    except Denied as denial:
        return [_denied(name, STATUS, denial)], not _is_stranger(denial)
    except OutsideError as error:
        return [silent(name, f"{STATUS}: {error.reason}")], False
    return [judge_version(name, told.version), *_cluster(name, told)], True


def judge_version(name: str, told: str) -> Finding:
    """Mimir and Cortex tell versions of their own, which are higher; Grafana tells none."""
    evidence, found = f"{STATUS}: {told}", re.match(r"v?(\d+)\.(\d+)", told)
    if found is None:
        fix = "Nothing, where it is Grafana, which tells none; else see its page, Status: 0.25 and newer are supported"
        return _found("alertmanager.version-unknown", name, evidence, fix)
    if (int(found[1]), int(found[2])) < OLDEST:
        return _found("alertmanager.version-old", name, evidence, "Upgrade it: 0.25 and newer are supported")
    return _found("alertmanager.version", name, evidence)


async def check_alerts(name: str, alertmanager: Alertmanager) -> Findings:
    """What gates and cards compare with."""

    async def count() -> str:
        return f"lists {counted(len(await alertmanager.list_alerts()), 'alert')}"

    return [await _listing(name, ALERTS, count())]


async def check_silences(name: str, alertmanager: Alertmanager) -> Findings:
    async def count() -> str:
        active = [one for one in await alertmanager.list_silences() if one.state is SilenceState.ACTIVE]
        return f"lists {counted(len(active), 'silence')} in force"

    return [await _listing(name, SILENCES, count())]


async def _listing(name: str, asked: str, count: Awaitable[str]) -> Finding:
    try:
        return _found("alertmanager.list", name, f"{asked}: {await count}")
    except Denied as denial:
        return _denied(name, asked, denial)
    except OutsideError as error:
        return silent_list(name, asked, error.reason)


def _cluster(name: str, told: AlertmanagerStatus) -> Findings:
    if told.cluster in AT_ONE:
        return []
    words = f"its cluster is {told.cluster}" if told.cluster else "it says nothing of its cluster"
    fix = "Check again in a minute; if it stays so, look at its log and at its --cluster.* options"
    return [_found("alertmanager.cluster-not-ready", name, f"{STATUS}: {words}", fix)]


def _denied(name: str, asked: str, denial: Denied) -> Finding:
    evidence = f"{asked}: {denial.reason}"
    if _is_stranger(denial):
        fix = f"Correct `token` or `basic` of {_path(name)}, and its `tenant` where there are several"
        return _found("alertmanager.credentials-refused", name, evidence, fix)
    fix = f"Give the account behind `token` or `basic` of {_path(name)} the right to read alerts and silences"
    return _found("alertmanager.denied", name, evidence, fix)


def _is_stranger(denial: Denied) -> bool:
    """It does not know us, so that it would refuse anything else too."""
    return denial.slug == "bad-credentials"


def _found(slug: str, name: str, evidence: str, fix: str = "") -> Finding:
    return Finding(slug=slug, subject=_path(name), evidence=evidence, fix=fix)


def _later(name: str) -> str:
    return f"Try again when it answers; look at `url` of {_path(name)} or ALERTMANAGER_URL"


def _path(name: str) -> str:
    """Where the source stands in `tiphys.yaml`."""
    return f"alertmanagers.{name}"
