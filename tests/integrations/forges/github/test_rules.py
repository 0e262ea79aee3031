"""GitHub's shapes of rules, as our own."""

from typing import Any

import pytest

from bot.domain.branch_rules import BranchRules, RequiredCheck
from bot.domain.pipeline import MergeMethod
from bot.integrations.forges.github.rules import (
    WireProtection,
    WireRule,
    WireSettings,
    protection_of,
    rules_of,
    settings_of,
)

MERGE, SQUASH, FAST = MergeMethod.MERGE, MergeMethod.SQUASH, MergeMethod.FAST_FORWARD
PULL_REQUEST = {
    "required_approving_review_count": 2, "dismiss_stale_reviews_on_push": True, "require_code_owner_review": True,
    "require_last_push_approval": False, "required_review_thread_resolution": True,
    "allowed_merge_methods": ["squash", "rebase"],
}  # fmt: skip


def of(*rules: tuple[str, dict[str, Any] | None], bypassed: bool = False) -> BranchRules:
    found = [WireRule(type=name, ruleset_id=1, parameters=parameters) for name, parameters in rules]
    return rules_of("main", found, may_bypass=frozenset({1}) if bypassed else frozenset())


def test_no_rules_are_no_rules() -> None:
    harmless = of(("deletion", None), ("non_fast_forward", None), ("creation", None))
    assert of() == harmless == BranchRules(branch="main")


def test_a_pull_request_rule() -> None:
    found = of(("pull_request", PULL_REQUEST))
    assert (found.reviews, found.reviews_of_head_only, found.reviews_of_owners) == (2, True, True)
    assert (found.conversations, found.methods) == (True, frozenset({SQUASH, FAST}))
    assert found.no_pushes
    assert not of(("pull_request", PULL_REQUEST), bypassed=True).no_pushes
    last_push = of(("pull_request", {"require_last_push_approval": True}))
    assert last_push.reviews_of_head_only  # ours is always the last push
    assert last_push.methods == {MERGE, SQUASH, FAST}


def test_required_checks() -> None:
    parameters = {
        "strict_required_status_checks_policy": True,
        "required_status_checks": [{"context": "ci"}, {"context": "scan", "integration_id": 7}],
    }
    found = of(("required_status_checks", parameters))
    assert found.checks == (RequiredCheck(name="ci"), RequiredCheck(name="scan", app=7))
    assert found.strict


@pytest.mark.parametrize(
    ("name", "field"),
    [("merge_queue", "queue"), ("required_signatures", "signatures"), ("required_linear_history", "linear")],
)
def test_rules_that_are_there_or_not(name: str, field: str) -> None:
    assert getattr(of((name, None)), field) is True


def test_a_rule_that_we_do_not_know_is_named() -> None:
    found = of(("workflows", {"workflows": []}), ("update", None), ("x" * 100, None))
    assert found.others == ("workflows", "update", "x" * 60)
    assert found.no_pushes


def test_the_older_protection() -> None:
    document = {
        "url": "…", "enforce_admins": {"enabled": True},
        "required_status_checks": {
            "strict": True, "contexts": ["ci", "scan"],
            "checks": [{"context": "ci", "app_id": -1}, {"context": "scan", "app_id": 7}],
        },
        "required_pull_request_reviews": {"required_approving_review_count": 1, "dismiss_stale_reviews": True},
        "required_conversation_resolution": {"enabled": True}, "required_linear_history": {"enabled": True},
        "required_signatures": {"enabled": False},
    }  # fmt: skip
    found = protection_of("main", WireProtection.model_validate(document))
    assert found.checks == (RequiredCheck(name="ci"), RequiredCheck(name="scan", app=7))
    assert (found.strict, found.reviews, found.reviews_of_head_only) == (True, 1, True)
    assert (found.conversations, found.linear, found.signatures, found.no_pushes) == (True, True, False, True)
    document["enforce_admins"] = {"enabled": False}
    assert not protection_of("main", WireProtection.model_validate(document)).no_pushes
    older = WireProtection.model_validate({"required_status_checks": {"strict": False, "contexts": ["ci"]}})
    assert protection_of("main", older).checks == (RequiredCheck(name="ci"),)


def test_the_settings_of_the_repository() -> None:
    assert settings_of("main", WireSettings()).methods == {MERGE, SQUASH, FAST}
    only_merge = WireSettings(allow_squash_merge=False)
    assert settings_of("main", only_merge).methods == {MERGE, FAST}
