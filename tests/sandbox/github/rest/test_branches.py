"""What holds for a branch, as anybody and as administrators read it."""

from tests.sandbox.github.conftest import REPO, Forge

MAIN = f"/repos/{REPO}/branches/main/protection"
ALL = {
    "required_checks": ["ci"], "reviews": 2, "strict": True, "dismiss_stale": True, "conversation_resolution": True,
    "linear_history": True, "signatures": True, "bypass": ["tiphys"],
}  # fmt: skip


async def protect(forge: Forge, **rules: object) -> None:
    assert (await forge.deed("protect", branch="main", **rules)).status_code == 200


async def test_rules_beyond_the_first_are_reported(forge: Forge) -> None:
    await protect(forge, **ALL)
    rules = {r["type"]: r for r in (await forge.developer.get(f"/repos/{REPO}/rules/branches/main")).json()}
    assert {"required_linear_history", "required_signatures"} <= set(rules)
    asked = rules["pull_request"]["parameters"]
    assert (asked["dismiss_stale_reviews_on_push"], asked["required_review_thread_resolution"]) == (True, True)


async def test_only_administrators_read_the_older_protection(forge: Forge) -> None:
    await protect(forge, **ALL)
    hidden = await forge.developer.get(MAIN)
    assert (hidden.status_code, hidden.json()["message"]) == (404, "Not Found")
    found = (await forge.api.get(MAIN)).json()
    assert found["required_status_checks"]["contexts"] == ["ci"]
    assert found["required_pull_request_reviews"]["required_approving_review_count"] == 2
    for name in ("required_conversation_resolution", "required_linear_history", "required_signatures"):
        assert found[name] == {"enabled": True}
    assert found["enforce_admins"] == {"enabled": False}
    await protect(forge, linear_history=True, bypass=["tiphys"])
    found = (await forge.api.get(MAIN)).json()
    assert "required_status_checks" not in found
    assert "required_pull_request_reviews" not in found


async def test_a_ruleset_says_who_may_bypass_it(forge: Forge) -> None:
    assert (await forge.api.get(f"/repos/{REPO}/rulesets/1")).status_code == 404
    await protect(forge, reviews=1, bypass=["tiphys"])
    assert (await forge.api.get(f"/repos/{REPO}/rulesets/1")).json()["current_user_can_bypass"] == "always"
    assert (await forge.developer.get(f"/repos/{REPO}/rulesets/1")).json()["current_user_can_bypass"] == "never"
    assert (await forge.api.get(f"/repos/{REPO}/rulesets/2")).status_code == 404
