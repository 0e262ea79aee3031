"""A small whole file, and the way it is read."""

import pytest

from bot.config.loading import load
from bot.config.problems import Problem
from bot.domain.pipeline import Configuration
from tests.keys import certificate_pem

TOKENS = {"ARGOCD_AUTH_TOKEN": "argocd-token-1", "GITHUB_TOKEN": "github-token-1"}

WHOLE = """\
version: 1
people:
  first: {slack: [U0ONE, U0ONEB], github: [one]}
  second: {slack: [U0TWO]}
argocd:
  main: {server: https://argocd.example.com}
repositories:
  shop: {github: example/shop}
environments:
  development: {aliases: [dev], sync: automated}
  production:
    aliases: [prod]
    sync: controlled
    approvals: {needed: 1, from: [role:release]}
applications:
  shop:
    repository: shop
    strategy: {type: kustomize-images, branch: main, path: "overlays/{environment}"}
    argocd: {project: shop}
    stages:
      development: {}
      production: {from: development}
permissions:
  policy: |
    p, role:release, changes, approve, */*, allow
    g, S0GROUP, role:release
"""

ALERT_SECRETS = {
    "ALERTMANAGER_WEBHOOK_TOKEN": "webhook-token-1", "EDGE_OLD": "edge-token-1", "EDGE_NEW": "edge-token-2",
    "API_TOKEN": "api-token-1", "PASSWORD": "pass word-1", "API_PASSWORD": "pass word-2",
}  # fmt: skip
ALERTS = """\
alertmanagers:
  default:
    url: http://alertmanager.monitoring:9093/
    receivers: [tiphys]
    poll: 30s
  edge:
    webhook: {tokens: [{env: EDGE_OLD}, {env: EDGE_NEW}]}
    url: https://mimir.example.com/alertmanager
    tenant: edge
    token: {env: API_TOKEN}
    ca_file: ca.pem
  far:
    webhook: {basic: {username: far, password: {env: PASSWORD}}}
    url: https://far.example.com
    basic: {username: tiphys, password: {env: API_PASSWORD}}
alerts:
  channel: C0ALERTS
  mention: [{who: S0PLATFORM, hours: "Mon-Fri 08:00-18:00 Europe/Berlin"}]
  routes:
    - match: ['severity="critical"', 'team=~"apm|edge"']
      channel: C0APM
      mention: [{who: U0ONE, severity: any}]
    - {match: ['env!="dev"'], channel: C0REST}
  applications:
    - {match: ['namespace="shop-production"'], application: shop, environment: production}
    - {match: ['namespace=~"shop-.+"'], application: shop}
  labels: {application: [app], owner: []}
  severities: {critical: [P1], info: [Ticket]}
  flapping: {flips: 6}
  reopen_within: 0s
  acknowledged_for: 8h
  silences: [2h, 1d]
  digests: [{channel: C0ALERTS, at: "09:00", days: Mon-Fri, zone: Europe/Berlin}]
defaults: {alerts: {severity: warning, fail_after: 20m}}
"""
WITH_ALERTS = WHOLE + ALERTS
"""`WHOLE` with all that can be said of alerts."""


def changed(*replacements: tuple[str, str], text: str = WHOLE) -> str:
    """The whole file with some of its text replaced; each piece must be there once or more."""
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text


class Reading:
    """Reads texts as files of this content would be read."""

    def __init__(self) -> None:
        self.environ: dict[str, str] = dict(TOKENS)
        self.files: dict[str, str] = {}

    def read_file(self, path: str) -> str:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]

    def load(self, text: str) -> Configuration | list[Problem]:
        return load(text, file="conf/tiphys.yaml", environ=self.environ, read_file=self.read_file)

    def good(self, text: str = WHOLE) -> Configuration:
        found = self.load(text)
        assert not isinstance(found, list), "\n".join(map(str, found))
        return found

    def problems(self, text: str) -> list[Problem]:
        found = self.load(text)
        assert isinstance(found, list), "no problem was found"
        return found

    def problem(self, text: str) -> Problem:
        found = self.problems(text)
        assert len(found) == 1, "\n".join(map(str, found))
        return found[0]

    def with_alerts(self) -> "Reading":
        """Whose surroundings have what `WITH_ALERTS` refers to."""
        self.environ |= ALERT_SECRETS
        self.files["conf/ca.pem"] = certificate_pem()
        return self


@pytest.fixture
def reading() -> Reading:
    return Reading()
