"""What the bot is told of the world: the environment of its process, and the configuration it starts with."""

from pathlib import Path

from bot.sandbox.ports import Ports
from bot.sandbox.seeded import TOKENS, USERS
from bot.sandbox.slack.deliveries import Mode

FIRST_BOT = "bot-1"
SERVICES = ("slack", "argocd", "github", "alertmanager")


def remember_slack(home: Path, mode: Mode) -> None:
    """For `tiphys sandbox env`: how Slack reaches the bots of this world."""
    (home / "slack-mode").write_text(f"{mode}\n")


def remembered_slack(home: Path) -> Mode:
    file = home / "slack-mode"
    return "http" if file.is_file() and file.read_text().strip() == "http" else "socket"


def bot_names(replicas: int) -> tuple[str, ...]:
    return tuple(f"bot-{number}" for number in range(1, replicas + 1))


def bot_environment(
    home: Path, ports: Ports, bot: str, *, database: str | None, config: Path, slack: Mode
) -> dict[str, str]:
    """The settings of one bot: its own ports on each server tell the world who is asking.

    Raises `KeyError` when the world in `home` never ran.
    """

    def at(name: str) -> str:
        port = ports.find(name)
        if port is None:
            raise KeyError(name)
        return f"127.0.0.1:{port}"

    data = home / bot
    return {
        "SLACK_BOT_TOKEN": TOKENS.slack_bot,
        **({"SLACK_APP_TOKEN": TOKENS.slack_app} if slack == "socket" else {}),
        "SLACK_SIGNING_SECRET": TOKENS.slack_signing_secret,
        "SLACK_API_URL": f"http://{at(f'slack.{bot}')}/api/",
        "ARGOCD_SERVER": f"http://{at(f'argocd.{bot}')}",
        "ARGOCD_AUTH_TOKEN": TOKENS.argocd_tiphys,
        "ARGOCD_WEBHOOK_TOKEN": TOKENS.argocd_webhook,
        "GITHUB_TOKEN": TOKENS.github_tiphys,
        "GITHUB_API_URL": f"http://{at(f'github.{bot}')}/api/v3",
        "GITHUB_WEBHOOK_SECRET": TOKENS.github_webhook_secret,
        "ALERTMANAGER_URL": f"http://{at(f'alertmanager.{bot}')}",
        "ALERTMANAGER_WEBHOOK_TOKEN": TOKENS.alertmanager,
        "GITHUB_APP_PRIVATE_KEY_FILE": str(home / "github-app.pem"),
        "DATABASE_URL": database or f"sqlite:///{data / 'tiphys.db'}",
        "TIPHYS_DATA": str(data),
        "TIPHYS_CONFIG": str(config),
        "TIPHYS_LISTEN": at(bot),
    }


def seeded_configuration() -> str:
    """The `tiphys.yaml` of the seeded world: short expiry and soak, so that a promotion can be watched to its end."""
    people = "\n".join(
        f"  {user.name}: {{slack: [{user.id}], github: [{user.name}], argocd: [{user.name}], "
        f"emails: [{user.name}@example.com]}}"
        for user in USERS
    )
    return SEEDED.replace("@PEOPLE@", people)


SEEDED = """\
# The sandbox's configuration: change it while the bot runs, it is read again by itself.
version: 1

slack:
  admin_channel: C0ADMIN

people:
@PEOPLE@

argocd:
  main: {server: "https://argocd.example.com", token: {env: ARGOCD_AUTH_TOKEN}}

alertmanagers:
  default:
    url: https://alertmanager.example.com
    webhook: {token: {env: ALERTMANAGER_WEBHOOK_TOKEN}}
    receivers: [tiphys]

alerts: {channel: C0ALERTS}

repositories:
  apm: {github: example/apm, token: {env: GITHUB_TOKEN}}
  gateway: {github: example/gateway, token: {env: GITHUB_TOKEN}}

polling: {changes: 3s}

environments:
  development: {aliases: [dev], sync: automated, channel: C0DEPLOY, soak: 1s}
  staging: {aliases: [stg], sync: manual, channel: C0STAGING, soak: 1s}
  production:
    aliases: [prod]
    sync: controlled
    channel: C0DEPLOY
    prune: false
    soak: 5s
    alerts: {severity: critical, during_soak: hold, fail_after: 20s, block_promotion: true}
    approvals: {needed: 2, from: [role:release], notify: S0PLATFORM, expire: 30m, valid_for: 24h}
    timeouts: {checks: 2h, operation: 5m, health: 1m}

applications:
  apm-stack:
    repository: apm
    strategy: {type: kustomize-images, branch: main, path: "deployments/k8s/overlays/{environment}", merge: squash}
    argocd: {instance: main, project: apm, namespace: argocd, name: "apm-stack-{environment}"}
    stages:
      development: {}
      staging: {from: development}
      production: {from: staging}
  apm-gateway:
    repository: gateway
    strategy: {type: branch, merge: merge}
    argocd: {instance: main, project: apm, name: "apm-gateway-{environment}"}
    stages:
      development: {branch: develop}
      staging: {branch: staging, from: development}
      production: {branch: main, from: staging, approvals: {needed: 1}}

permissions:
  default: role:readonly
  policy: |
    p, role:developer, changes, promote, */*, allow
    p, role:developer, changes, sync, */staging, allow
    p, role:developer, alerts, acknowledge, */*, allow
    p, role:developer, alerts, silence, */staging, allow
    p, role:release, alerts, *, */*, allow
    p, role:release, changes, promote, */*, allow
    p, role:release, changes, approve, */*, allow
    p, role:release, changes, reject, */*, allow
    p, role:release, changes, abort, */*, allow
    p, role:release, changes, revert, */*, allow
    p, role:release, changes, sync, */*, allow
    g, U0DEV1, role:developer
    g, U0DEV2, role:developer
    g, S0PLATFORM, role:release
    g, U0ADMIN, role:admin
"""
