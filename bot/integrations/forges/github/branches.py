"""Reading what GitHub holds a branch to: its rulesets, the older protection, the repository's settings."""

import asyncio
from typing import Any
from urllib.parse import quote

from bot.domain.branch_rules import BranchRules
from bot.integrations.forges.github.rules import (
    WireBranch,
    WireProtection,
    WireRule,
    WireRuleset,
    WireSettings,
    forbids_pushes,
    protection_of,
    rules_of,
    settings_of,
)
from bot.integrations.forges.github.transport import Transport
from bot.integrations.forges.github.wire import WireRepository, read, read_list
from bot.ports import Denied, NotFound

HIDDEN_RULESETS = "its rulesets are hidden from our token"
HIDDEN_PROTECTION = "its branch protection can be read by administrators only"


async def read_rules(http: Transport, repository: str, branch: str) -> BranchRules:
    """All of them together. What our token may not see is no error: the rules say that it is hidden."""
    settings, rulesets, protection = await asyncio.gather(
        http.get(repository), _rulesets(http, repository, branch), _protection(http, repository, branch)
    )
    found = settings.document
    return BranchRules.together(
        branch,
        (
            settings_of(branch, read(WireSettings, found)), rulesets, protection,
            BranchRules(branch=branch, link=_page(read(WireRepository, found), branch)),
        ),
    )  # fmt: skip


async def _rulesets(http: Transport, repository: str, branch: str) -> BranchRules:
    try:
        pages = await http.pages(f"{repository}/rules/branches/{quote(branch, safe='')}")
    except (NotFound, Denied) as no:
        if no.slug == "bad-token":
            raise
        return BranchRules(branch=branch, hidden=HIDDEN_RULESETS)
    rules = [rule for page in pages for rule in read_list(WireRule, page)]
    binding = sorted({rule.ruleset_id for rule in rules if forbids_pushes(rule) and rule.ruleset_id is not None})
    bypassed = {ruleset for ruleset in binding if await _may_bypass(http, repository, ruleset)}
    return rules_of(branch, rules, may_bypass=frozenset(bypassed))


async def _may_bypass(http: Transport, repository: str, ruleset: int) -> bool:
    """Whether our own pushes may pass a ruleset; where GitHub does not tell, a push will show."""
    try:
        found: Any = (await http.get(f"{repository}/rulesets/{ruleset}")).document
    except (NotFound, Denied):
        return True
    may = read(WireRuleset, found).current_user_can_bypass
    return may is None or may in ("always", "exempt")


async def _protection(http: Transport, repository: str, branch: str) -> BranchRules:
    path = f"{repository}/branches/{quote(branch, safe='')}"
    nothing = BranchRules(branch=branch)
    try:
        found = read(WireBranch, (await http.get(path)).document)
        if not found.protected or (found.protection is not None and found.protection.enabled is False):
            return nothing
        return protection_of(branch, read(WireProtection, (await http.get(f"{path}/protection")).document))
    except (NotFound, Denied) as no:
        if no.slug == "bad-token":
            raise
        # GitHub says "Branch not protected" to administrators, and plain "Not Found" to everybody else.
        return nothing if no.slug == "not-protected" else BranchRules(branch=branch, hidden=HIDDEN_PROTECTION)


def _page(repository: WireRepository, branch: str) -> str | None:
    return f"{repository.html_url}/rules?ref={quote(f'refs/heads/{branch}', safe='')}" if repository.html_url else None
