"""What gates look at."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.alerts.firing import Firing
from bot.domain.approval import RuleResult
from bot.domain.branch_rules import BranchSeen
from bot.domain.live import LiveApplication, SyncWindows
from bot.domain.pipeline import Stage
from bot.domain.pull_request import Check, OpenPull, PullRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCase:
    """One moment of one change. A gate whose facts are None has nothing to say."""

    stage: Stage
    live: LiveApplication
    windows: SyncWindows
    mismatches: tuple[str, ...]  # between the configuration and the live Application
    now: datetime
    source: LiveApplication | None = None
    pull_request: PullRequest | None = None
    checks: tuple[Check, ...] = ()
    approvals: RuleResult | None = None
    branch: BranchSeen | None = None
    elsewhere: tuple[OpenPull, ...] = ()  # other pull requests that lead our commit into other branches
    source_alerts: Firing | None = None  # of the stage that is promoted from, as grave as its policy says
    alerts_block: bool = True  # its policy: whether they stop promotions
