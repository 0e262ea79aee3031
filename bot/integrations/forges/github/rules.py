"""GitHub's three ways to rule a branch (rulesets, the older branch protection, repository settings) as our rules.

Shapes: https://docs.github.com/rest/repos/rules and https://docs.github.com/rest/branches/branch-protection
"""

from typing import Any

from pydantic import Field

from bot.domain.branch_rules import BranchRules, RequiredCheck
from bot.domain.pipeline import MergeMethod
from bot.integrations.forges.github.wire import Wire, read

ANY_APP = -1
"""What older branch protection says of a check that anybody may report."""
_METHODS = {"merge": MergeMethod.MERGE, "squash": MergeMethod.SQUASH}
_HARMLESS = frozenset({"deletion", "non_fast_forward", "creation"})
"""Rules that a merge, and a push that only adds commits, cannot break."""


class WireRule(Wire):
    type: str
    ruleset_id: int | None = None
    parameters: dict[str, Any] | None = None


class WireRuleset(Wire):
    current_user_can_bypass: str | None = None


class WirePullRequestRule(Wire):
    required_approving_review_count: int = 0
    dismiss_stale_reviews_on_push: bool = False
    require_last_push_approval: bool = False
    require_code_owner_review: bool = False
    required_review_thread_resolution: bool = False
    allowed_merge_methods: list[str] | None = None


class WireRequiredCheck(Wire):
    context: str
    integration_id: int | None = None


class WireChecksRule(Wire):
    required_status_checks: list[WireRequiredCheck] = Field(default_factory=list)
    strict_required_status_checks_policy: bool = False


class WireSettings(Wire):
    """Of the repository. GitHub leaves them out for tokens that cannot write."""

    allow_merge_commit: bool = True
    allow_squash_merge: bool = True


class WireFlag(Wire):
    enabled: bool = False


class WireClassicCheck(Wire):
    context: str
    app_id: int | None = None


class WireClassicChecks(Wire):
    strict: bool = False
    contexts: list[str] = Field(default_factory=list)
    checks: list[WireClassicCheck] | None = None


class WireClassicReviews(Wire):
    required_approving_review_count: int = 0
    dismiss_stale_reviews: bool = False
    require_code_owner_reviews: bool = False
    require_last_push_approval: bool = False


class WireProtection(Wire):
    """The older branch protection, as an administrator may read it."""

    required_status_checks: WireClassicChecks | None = None
    required_pull_request_reviews: WireClassicReviews | None = None
    enforce_admins: WireFlag = WireFlag()
    required_conversation_resolution: WireFlag = WireFlag()
    required_linear_history: WireFlag = WireFlag()
    required_signatures: WireFlag = WireFlag()
    lock_branch: WireFlag = WireFlag()


class WireOlder(Wire):
    enabled: bool | None = None  # None: not told


class WireBranch(Wire):
    """`protected` is true also where only a ruleset holds; `protection` is about the older kind alone."""

    protected: bool = False
    protection: WireOlder | None = None


def rules_of(branch: str, rules: list[WireRule], *, may_bypass: frozenset[int]) -> BranchRules:
    """All rules of all rulesets. `may_bypass`: the rulesets that do not bind our own pushes."""
    return BranchRules.together(branch, (_rule(branch, rule, rule.ruleset_id in may_bypass) for rule in rules))


def forbids_pushes(rule: WireRule) -> bool:
    """Whether a rule keeps everybody whom it binds from pushing to the branch."""
    return rule.type in ("pull_request", "update")


def protection_of(branch: str, protection: WireProtection) -> BranchRules:
    checks, reviews = protection.required_status_checks, protection.required_pull_request_reviews
    is_bound = protection.enforce_admins.enabled  # whoever may read this is an administrator
    return BranchRules(
        branch=branch,
        reviews=reviews.required_approving_review_count if reviews else 0,
        reviews_of_head_only=bool(reviews and (reviews.dismiss_stale_reviews or reviews.require_last_push_approval)),
        reviews_of_owners=bool(reviews and reviews.require_code_owner_reviews),
        checks=_classic_checks(checks) if checks else (),
        strict=bool(checks and checks.strict),
        conversations=protection.required_conversation_resolution.enabled,
        linear=protection.required_linear_history.enabled,
        signatures=protection.required_signatures.enabled,
        no_pushes=is_bound and (reviews is not None or protection.lock_branch.enabled),
        others=("lock_branch",) if protection.lock_branch.enabled else (),
    )


def settings_of(branch: str, settings: WireSettings) -> BranchRules:
    methods = {MergeMethod.FAST_FORWARD}
    if settings.allow_merge_commit:
        methods.add(MergeMethod.MERGE)
    if settings.allow_squash_merge:
        methods.add(MergeMethod.SQUASH)
    return BranchRules(branch=branch, methods=frozenset(methods))


def _rule(branch: str, rule: WireRule, is_bypassed: bool) -> BranchRules:
    no_pushes = forbids_pushes(rule) and not is_bypassed
    match rule.type:
        case "pull_request":
            asked = read(WirePullRequestRule, rule.parameters or {})
            allowed = asked.allowed_merge_methods
            methods = {_METHODS[name] for name in allowed if name in _METHODS} if allowed else set(_METHODS.values())
            return BranchRules(
                branch=branch, no_pushes=no_pushes, reviews=asked.required_approving_review_count,
                reviews_of_head_only=asked.dismiss_stale_reviews_on_push or asked.require_last_push_approval,
                reviews_of_owners=asked.require_code_owner_review,
                conversations=asked.required_review_thread_resolution,
                methods=frozenset(methods | {MergeMethod.FAST_FORWARD}),
            )  # fmt: skip
        case "required_status_checks":
            wanted = read(WireChecksRule, rule.parameters or {})
            checks = tuple(RequiredCheck(name=c.context, app=c.integration_id) for c in wanted.required_status_checks)
            return BranchRules(branch=branch, checks=checks, strict=wanted.strict_required_status_checks_policy)
        case "merge_queue":
            return BranchRules(branch=branch, queue=True)
        case "required_signatures":
            return BranchRules(branch=branch, signatures=True)
        case "required_linear_history":
            return BranchRules(branch=branch, linear=True)
        case harmless if harmless in _HARMLESS:
            return BranchRules(branch=branch)
        case _:
            return BranchRules(branch=branch, no_pushes=no_pushes, others=(rule.type[:60],))


def _classic_checks(checks: WireClassicChecks) -> tuple[RequiredCheck, ...]:
    """`contexts` names them all; `checks`, where GitHub knows it, also says who must report them."""
    if checks.checks is None:
        return tuple(RequiredCheck(name=context) for context in checks.contexts)
    return tuple(
        RequiredCheck(name=check.context, app=None if check.app_id == ANY_APP else check.app_id)
        for check in checks.checks
    )
