"""Who and what the sandbox starts with: ids, names and tokens that scripts rely on. They never change."""

from dataclasses import dataclass
from typing import Literal

UserKind = Literal["member", "guest", "external", "deactivated", "bot"]

TEAM_ID = "T0SANDBOX"
BOT_USER_ID = "U0TIPHYS"
BOT_ID = "B0TIPHYS"
APP_ID = "A0TIPHYS"


@dataclass(frozen=True, slots=True)
class SeededUser:
    id: str
    name: str
    kind: UserKind
    usergroups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeededChannel:
    id: str
    name: str
    private: bool = False
    members: tuple[str, ...] | None = None  # None: everybody


USERS = (
    SeededUser("U0DEV1", "developer", "member"),
    SeededUser("U0DEV2", "developer-2", "member"),
    SeededUser("U0APPR1", "approver-1", "member", ("S0PLATFORM",)),
    SeededUser("U0APPR2", "approver-2", "member", ("S0PLATFORM",)),
    SeededUser("U0APPR3", "approver-3", "member", ("S0PLATFORM",)),
    SeededUser("U0ADMIN", "admin", "member"),
    SeededUser("U0GUEST", "guest", "guest"),
    SeededUser("U0EXTERNAL", "external", "external"),
    SeededUser("U0GONE", "gone", "deactivated"),
    SeededUser("U0ROBOT", "robot", "bot"),
)
USERGROUPS = {"S0PLATFORM": "platform-team"}
CHANNELS = (
    SeededChannel("C0DEPLOY", "deployments"),
    SeededChannel("C0STAGING", "staging"),
    SeededChannel("C0ALERTS", "alerts"),
    SeededChannel("C0ADMIN", "admin"),
    SeededChannel("C0RELEASE", "release", private=True, members=("U0ADMIN", "U0APPR1", "U0APPR2", "U0APPR3")),
)


GITHUB_APP_ID = 12345


@dataclass(frozen=True, slots=True)
class Tokens:
    """The world's credentials: made up, valid on this machine's loopback only."""

    slack_bot: str = "xoxb-sandbox-tiphys"
    slack_app: str = "xapp-sandbox-tiphys"
    slack_signing_secret: str = "sandbox-signing-secret"
    argocd_tiphys: str = "sandbox.argocd.tiphys"
    argocd_admin: str = "sandbox.argocd.admin"
    argocd_webhook: str = "sandbox-argocd-webhook"
    github_tiphys: str = "ghp_sandbox_tiphys"
    github_developer: str = "ghp_sandbox_developer"
    github_webhook_secret: str = "sandbox-webhook-secret"
    alertmanager: str = "sandbox-alertmanager"


TOKENS = Tokens()
