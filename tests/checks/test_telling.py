"""How findings look: grouped by system, aligned, 100 columns; and as JSON."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.checks.catalogue import CATALOGUE, Severity
from bot.checks.finding import Finding
from bot.checks.telling import WIDTH, as_json, as_text
from bot.config.problems import Problem
from bot.redaction import Redaction

FOUND = [
    Finding(slug="slack.workspace", subject="slack", evidence="auth.test: we are @tiphys in the workspace Sandbox"),
    Finding(
        slug="slack.not-in-channel", subject="slack.channels.C0STAGING",
        evidence="conversations.info: we are not in #staging (for apm-stack/staging)",
        fix="Type `/invite @tiphys` in #staging",
    ),
    Finding(
        slug="stage.may-not-sync", subject="applications.apm-stack.stages.production",
        evidence="can-i sync applications apm/apm-stack-production: no",
        fix="Add `p, <our account>, applications, sync, apm/apm-stack-production, allow` to policy.csv of Argo CD",
    ),
    Finding(slug="database.current", subject="database", evidence="tiphys.db: schema 0001"),
]  # fmt: skip
TEXT = """\
Slack
  error    slack.channels.C0STAGING  conversations.info: we are not in #staging (for
                                     apm-stack/staging)
                                     fix: Type `/invite @tiphys` in #staging [slack.not-in-channel]
  ok       slack                     auth.test: we are @tiphys in the workspace Sandbox

Stages
  error    applications.apm-stack.stages.production
           can-i sync applications apm/apm-stack-production: no
           fix: Add `p, <our account>, applications, sync, apm/apm-stack-production, allow` to
           policy.csv of Argo CD [stage.may-not-sync]

Database
  ok       database  tiphys.db: schema 0001
"""


def plain(text: str) -> str:
    return text


def test_findings_are_grouped_and_aligned() -> None:
    assert "\n".join(as_text(FOUND, plain)) + "\n" == TEXT


@given(
    st.lists(
        st.builds(
            Finding, slug=st.sampled_from(sorted(CATALOGUE)), subject=st.text("abc.", min_size=1, max_size=50),
            evidence=st.lists(st.text("abc", min_size=1, max_size=40), min_size=1, max_size=30).map(" ".join),
            fix=st.just("Do this"),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_every_finding_is_told_within_the_columns(found: list[Finding]) -> None:
    lines = as_text(found, plain)
    assert all(len(line) <= WIDTH for line in lines)
    words = " ".join(" ".join(lines).split())
    for finding in found:
        assert finding.subject in words
        assert finding.evidence in words
    assert sum(line.startswith(("  error  ", "  warning  ", "  ok  ")) for line in lines) == len(found)


def test_json_counts_and_holds_the_problems_of_the_file() -> None:
    problem = Problem(
        file="tiphys.yaml", path="environments.production.sync", line=19, reason="`often` is no mode", fix="Use another"
    )
    told = json.loads(as_json(FOUND, [problem], ["permissions.policy, line 1: nobody has `role:x`. Add it"], plain))
    assert (told["errors"], told["warnings"]) == (3, 1)
    assert told["findings"][0] == {
        "severity": "error", "slug": "configuration.invalid", "subject": "environments.production.sync",
        "evidence": "`often` is no mode", "fix": "Use another", "file": "tiphys.yaml",
        "path": "environments.production.sync", "line": 19,
    }  # fmt: skip
    assert told["findings"][1]["slug"] == "configuration.in-vain"
    assert told["findings"][2] == {
        "severity": "info", "slug": "slack.workspace", "subject": "slack",
        "evidence": "auth.test: we are @tiphys in the workspace Sandbox", "fix": "",
    }  # fmt: skip


def test_what_systems_say_passes_the_redaction() -> None:
    """Whatever an answer holds, no secret of the process is shown."""
    redact = Redaction(["topsecret-token"]).text
    leaking = Finding(slug="argocd.no-answer", subject="argocd.main", evidence="proxy saw topsecret-token", fix="Wait")
    assert "topsecret" not in "\n".join(as_text([leaking], redact)) + as_json([leaking], [], [], redact)
    assert leaking.severity is Severity.WARNING
