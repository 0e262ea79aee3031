"""What a finding must say, and what becomes of checks that hang or fail."""

import asyncio

import pytest

from bot.checks.catalogue import CATALOGUE, Severity
from bot.checks.finding import Finding, Findings, within

SILENT = Finding(slug="argocd.no-answer", subject="argocd.main", evidence="no answer in time", fix="Try again")
FOUND = Finding(slug="argocd.version", subject="argocd.main", evidence="v3.5.1")

CASES = ("check.crashed",)


async def test_a_check_that_ends_in_an_error_is_a_warning_about_its_subject() -> None:
    async def crashing() -> Findings:
        raise KeyError("main")

    [finding] = await within(5, crashing(), silent=SILENT)
    assert finding.slug == CASES[0]
    assert finding.severity is Severity.WARNING
    assert finding.subject == "argocd.main"
    assert finding.evidence == "unexpected KeyError: 'main'"


async def test_a_check_that_hangs_is_ended_and_never_said_to_be_fine() -> None:
    ended = asyncio.Event()

    async def hanging() -> Findings:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return [FOUND]

    assert await within(0.01, hanging(), silent=SILENT) == [SILENT]
    assert ended.is_set()


async def test_what_a_check_finds_in_time_is_what_comes() -> None:
    async def quick() -> Findings:
        return [FOUND]

    assert await within(5, quick(), silent=SILENT) == [FOUND]


def test_only_what_is_in_the_catalogue_can_be_found() -> None:
    with pytest.raises(ValueError, match="not in the catalogue"):
        Finding(slug="argocd.odd", subject="argocd.main", evidence="x", fix="y")


@pytest.mark.parametrize("slug", [slug for slug, kind in CATALOGUE.items() if kind.severity is not Severity.INFO])
def test_everything_but_information_says_what_to_do(slug: str) -> None:
    with pytest.raises(ValueError, match="nothing of what to do"):
        Finding(slug=slug, subject="x", evidence="y")
