"""One thing that a check found, and running checks so that none can hide or delay another's findings."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.checks.catalogue import CATALOGUE, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`subject` is what it is about (`slack`, `argocd.main`, …), `evidence` what was asked and what came.

    Everything but information says in `fix` what a person can do.
    """

    slug: str
    subject: str
    evidence: str
    fix: str = ""

    def __post_init__(self) -> None:
        if self.slug not in CATALOGUE:
            raise ValueError(f"{self.slug!r} is not in the catalogue of findings")
        if not self.fix and self.severity is not Severity.INFO:
            raise ValueError(f"{self.slug} says nothing of what to do")

    @property
    def severity(self) -> Severity:
        return CATALOGUE[self.slug].severity

    def as_json(self) -> Mapping[str, Any]:
        return {
            "severity": self.severity.value, "slug": self.slug, "subject": self.subject,
            "evidence": self.evidence, "fix": self.fix,
        }  # fmt: skip


Findings = list[Finding]


async def within(seconds: float, check: Awaitable[Findings], *, silent: Finding) -> Findings:
    """What the check finds; `silent` when it does not end in time. An error in it is a finding too."""
    try:
        async with asyncio.timeout(seconds):
            return await check
    except TimeoutError:
        return [silent]
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        return [
            Finding(
                slug="check.crashed",
                subject=silent.subject,
                evidence=f"unexpected {type(error).__name__}{f': {words}' if words else ''}",
                fix="Please report it; until then this could not be told",
            )
        ]
