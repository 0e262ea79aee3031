"""Every finding of the catalogue is shown by a case of these tests, and told by the page."""

import re
from pathlib import Path

from bot.checks.catalogue import CATALOGUE
from tests.checks import (
    test_alertmanager,
    test_argocd,
    test_database,
    test_finding,
    test_forge,
    test_people,
    test_slack,
    test_slack_http,
    test_stages,
)

PAGE = (Path(__file__).parents[2] / "docs/checks.md").read_text("utf-8")


def test_every_finding_has_a_case() -> None:
    cases = [
        slug
        for module in (
            test_alertmanager, test_argocd, test_database, test_finding, test_forge, test_people, test_slack,
            test_slack_http, test_stages,
        )
        for slug in module.CASES
    ]  # fmt: skip
    assert sorted(cases) == sorted(CATALOGUE)


def test_the_page_tells_every_finding() -> None:
    told = re.findall(r"^\| `([a-z.-]+)` \| (error|warning|ok) \| (.+) \|$", PAGE, re.MULTILINE)
    words = {"info": "ok"}
    assert told == [
        (slug, words.get(kind.severity, kind.severity.value), kind.means) for slug, kind in CATALOGUE.items()
    ]
