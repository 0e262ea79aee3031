"""Findings as people read them, grouped by system and aligned, and as JSON."""

import json
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from bot.checks.catalogue import Severity
from bot.checks.finding import Findings
from bot.config.problems import Problem

WIDTH = 100
GROUPS = (
    ("Slack", ("slack.",)), ("Approvals", ("approvals.",)), ("Argo CD", ("argocd.",)),
    ("Repositories", ("forge.", "git.")), ("Stages", ("stage.",)), ("Alertmanager", ("alertmanager.",)),
    ("Database", ("database.",)), ("Tiphys itself", ("",)),
)  # fmt: skip
WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "ok"}
ORDER = tuple(Severity)
MARGIN = 2 + len("warning") + 2
WIDEST_SUBJECT = 28
"""Where subjects are longer, what is told of them stands below them."""

Redact = Callable[[str], str]


def as_text(findings: Findings, redact: Redact) -> list[str]:
    """Lines of at most `WIDTH` columns, unless a single word is longer. Errors first in every group."""
    lines: list[str] = []
    left = list(findings)
    for title, prefixes in GROUPS:
        here = [finding for finding in left if finding.slug.startswith(prefixes)]
        left = [finding for finding in left if finding not in here]
        if not here:
            continue
        lines += ([""] if lines else []) + [title]
        widest = max(len(finding.subject) for finding in here)
        column = MARGIN + (widest + 2 if widest <= WIDEST_SUBJECT else 0)
        for finding in sorted(here, key=lambda f: ORDER.index(f.severity)):
            start = f"  {WORDS[finding.severity]:<{MARGIN - 2}}{finding.subject}"
            if len(start) + 2 > column:
                lines.append(start)
                start = ""
            lines += _wrapped(f"{start:<{column}}", redact(finding.evidence), column)
            if finding.fix:
                lines += _wrapped(" " * column, f"fix: {redact(finding.fix)} [{finding.slug}]", column)
    return lines


def counts(findings: Findings, problems: Sequence[Problem], remarks: Sequence[str]) -> tuple[int, int]:
    """How many errors and warnings there are, those of the file and the settings included."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings) + len(problems)
    return errors, sum(finding.severity is Severity.WARNING for finding in findings) + len(remarks)


def as_json(findings: Findings, problems: Sequence[Problem], remarks: Sequence[str], redact: Redact) -> str:
    """One document: `findings`, `errors`, `warnings`. Problems of the file are errors with file, path and line."""
    told: list[dict[str, Any]] = [
        {
            "severity": Severity.ERROR.value, "slug": f"configuration.{problem.slug}",
            "subject": problem.path or problem.file, "evidence": problem.reason, "fix": problem.fix,
            "file": problem.file, "path": problem.path, "line": problem.line,
        }
        for problem in problems
    ]  # fmt: skip
    told += [
        {
            "severity": Severity.WARNING.value, "slug": "configuration.in-vain", "subject": "permissions.policy",
            "evidence": remark, "fix": "Correct or remove the line",
        }
        for remark in remarks
    ]  # fmt: skip
    told += [{key: redact(value) for key, value in finding.as_json().items()} for finding in findings]
    errors, warnings = counts(findings, problems, remarks)
    return json.dumps({"findings": told, "errors": errors, "warnings": warnings}, indent=2, ensure_ascii=False)


def _wrapped(start: str, text: str, column: int) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=" " * column,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
