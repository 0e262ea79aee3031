"""What holds for a branch: rules, which anybody may read, and the same as older protection for administrators."""

from typing import Any

from aiohttp import web

from bot.sandbox.github import refusals
from bot.sandbox.github.people import may_administer
from bot.sandbox.github.records import METHODS, Protection
from bot.sandbox.github.refusals import Refusal
from bot.sandbox.github.rest.call import REPO, Call, Endpoints

RULESET = 1
PULL_REQUEST_PARAMETERS = {"require_code_owner_review": False, "require_last_push_approval": False}


async def get_rules(call: Call) -> web.Response:
    protection = call.records.protections.get(call.path("branch"))
    rules = [] if protection is None else _rules(protection)
    source = {"ruleset_source_type": "Repository", "ruleset_source": call.repository, "ruleset_id": RULESET}
    return call.page(rules, lambda rule: {**rule, **source})


async def get_ruleset(call: Call) -> web.Response:
    """The one ruleset of the repository: all its branches' rules are in it."""
    protections = call.records.protections
    if call.path("ruleset") != str(RULESET) or not protections:
        raise refusals.not_found()
    bypasses = all(call.login in protection.bypass for protection in protections.values())
    includes = [f"refs/heads/{branch}" for branch in protections]
    shape = {
        "id": RULESET, "name": "sandbox", "target": "branch", "source_type": "Repository", "source": call.repository,
        "enforcement": "active", "conditions": {"ref_name": {"include": includes, "exclude": []}},
        "rules": [rule for protection in protections.values() for rule in _rules(protection)],
        "current_user_can_bypass": "always" if bypasses else "never",
    }  # fmt: skip
    return web.json_response(shape)


async def get_protection(call: Call) -> web.Response:
    """Where something holds, everybody but administrators is told that there is no such page."""
    name = call.path("branch")
    if name not in call.forge.repositories.tips(call.repository):
        raise Refusal(404, "unknown_branch", "Branch not found")
    protection = call.records.protections.get(name)
    if protection is None:
        raise Refusal(404, "not_protected", "Branch not protected")
    if not may_administer(call.login, call.records):
        raise refusals.not_found()
    url = f"{call.shapes.api}/repos/{call.repository}/branches/{name}/protection"
    return web.json_response({"url": url, **_classic(protection)})


def _rules(protection: Protection) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = [{"type": "deletion"}, {"type": "non_fast_forward"}]
    if protection.wants_pull_request:
        parameters: dict[str, Any] = {
            **PULL_REQUEST_PARAMETERS, "required_approving_review_count": protection.reviews,
            "dismiss_stale_reviews_on_push": protection.dismiss_stale,
            "required_review_thread_resolution": protection.conversation_resolution,
            "allowed_merge_methods": [method for method in METHODS if method in protection.methods],
        }  # fmt: skip
        rules.append({"type": "pull_request", "parameters": parameters})
    if protection.required_checks:
        parameters = {
            "strict_required_status_checks_policy": protection.strict, "do_not_enforce_on_create": False,
            "required_status_checks": [{"context": context} for context in protection.required_checks],
        }  # fmt: skip
        rules.append({"type": "required_status_checks", "parameters": parameters})
    if protection.queue:
        parameters = {
            "check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5,
            "max_entries_to_merge": 5, "merge_method": protection.methods[0].upper(), "min_entries_to_merge": 1,
            "min_entries_to_merge_wait_minutes": 5,
        }  # fmt: skip
        rules.append({"type": "merge_queue", "parameters": parameters})
    if protection.linear_history:
        rules.append({"type": "required_linear_history"})
    if protection.signatures:
        rules.append({"type": "required_signatures"})
    return rules


def _classic(protection: Protection) -> dict[str, Any]:
    """Without the keys of what is not asked for, as GitHub leaves them out."""
    flags = {
        "enforce_admins": not protection.bypass, "required_linear_history": protection.linear_history,
        "required_conversation_resolution": protection.conversation_resolution,
        "required_signatures": protection.signatures, "allow_force_pushes": False, "allow_deletions": False,
        "block_creations": False, "lock_branch": False, "allow_fork_syncing": False,
    }  # fmt: skip
    shape: dict[str, Any] = {name: {"enabled": enabled} for name, enabled in flags.items()}
    if protection.required_checks:
        shape["required_status_checks"] = {
            "strict": protection.strict, "contexts": protection.required_checks,
            "checks": [{"context": context, "app_id": None} for context in protection.required_checks],
        }  # fmt: skip
    if protection.wants_pull_request:
        shape["required_pull_request_reviews"] = {
            "dismiss_stale_reviews": protection.dismiss_stale, "require_code_owner_reviews": False,
            "require_last_push_approval": False, "required_approving_review_count": protection.reviews,
        }  # fmt: skip
    return shape


ENDPOINTS: Endpoints = [
    ("GET", REPO + "/branches/{branch:.+}/protection", get_protection),
    ("GET", REPO + "/rules/branches/{branch:.+}", get_rules),
    ("GET", REPO + r"/rulesets/{ruleset:\d+}", get_ruleset),
]
