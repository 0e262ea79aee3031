"""Every finding about a repository: GitHub's answers, the rules of its branches, and Git over HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.adapters import Adapters
from bot.checks.finding import Findings
from bot.checks.forge import check_git, check_repository, check_token, governed_in, judge_branch, judge_repository
from bot.clock import SystemClock
from bot.domain.branch_rules import BranchRules
from bot.domain.pipeline import Repository
from bot.integrations.forges.github.inspection import BranchFacts, RepositoryFacts, TokenFacts
from tests.checks.scene import Case, Json, Scene, as_seeded, the

NOW = datetime(2026, 3, 4, tzinfo=UTC)
REPOSITORY = "/repos/example/apm$"
RULES = "/rules/branches/main"
RESOURCE = {"message": "Resource not accessible by personal access token"}


@asynccontextmanager
async def adapters_of(scene: Scene) -> AsyncIterator[Adapters]:
    adapters = Adapters(scene.folder / "mirrors", SystemClock())
    try:
        await adapters.follow(scene.configuration())
        yield adapters
    finally:
        await adapters.close()


async def check(scene: Scene, *, our_app: int | None = None, name: str = "apm") -> Findings:
    configuration = scene.configuration()
    repository = configuration.repositories[name]
    async with adapters_of(scene) as adapters:
        return await check_repository(
            repository, governed_in(configuration, repository), adapters.forges[name].inspection(),
            now=NOW, our_app=our_app,
        )  # fmt: skip


async def check_by_git(scene: Scene) -> Findings:
    async with adapters_of(scene) as adapters:
        found, _ = await check_git(scene.configuration().repositories["apm"], adapters.git["apm"])
        return found


async def check_alone(scene: Scene) -> Findings:
    async with adapters_of(scene) as adapters:
        return await check_token(adapters.forges["apm"].inspection(), NOW)


async def check_as_app(scene: Scene) -> Findings:
    return await check(scene, our_app=4711)


def with_facts(**facts: Any) -> Callable[[Scene], None]:
    return lambda scene: scene.github.bend(REPOSITORY, document=lambda told: {**told, **facts})


def without_fact(name: str) -> Callable[[Scene], None]:
    """As GitHub leaves out what it does not tell this token."""
    return lambda scene: scene.github.bend(
        REPOSITORY, document=lambda told: {key: value for key, value in told.items() if key != name}
    )


def with_headers(**headers: str | None) -> Callable[[Scene], None]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda scene: scene.github.bend(REPOSITORY, headers=named)


def with_rules(*rules: dict[str, Any]) -> Callable[[Scene], None]:
    return lambda scene: scene.github.bend(RULES, document=list(rules))


def with_git(status: int) -> Callable[[Scene], None]:
    return lambda scene: scene.github.bend("/info/refs", status=status)


def required(**more: int) -> dict[str, Any]:
    checks = [{"context": "tiphys/approval", **more}]
    return {"type": "required_status_checks", "parameters": {"required_status_checks": checks}}


CASES = {
    "forge.account": Case(as_seeded, "GET /user: our account is tiphys"),
    "forge.repository": Case(as_seeded, "private, our account may push"),
    "forge.not-found": Case(lambda s: s.edit("example/apm,", "example/other,"), "does not exist on GitHub"),
    "forge.token-refused": Case(lambda s: s.environ.update(GITHUB_TOKEN="ghp_wrong_token"), "Bad credentials"),
    "forge.denied": Case(lambda s: s.github.bend(REPOSITORY, status=403, document=RESOURCE), "Resource not accessible"),
    "forge.no-answer": Case(lambda s: s.github.bend(REPOSITORY, status=502, document={}), "(502)"),
    "forge.archived": Case(with_facts(archived=True), "archived"),
    "forge.renamed": Case(with_facts(full_name="example/apm-new"), "it is example/apm-new now"),
    "forge.may-not-push": Case(with_facts(permissions={"push": False}), "permissions.push is false"),
    "forge.push-unknown": Case(with_facts(permissions=None), "no permissions told"),
    "forge.token-classic": Case(as_seeded, "x-oauth-scopes: repo"),
    "forge.token-fine-grained": Case(with_headers(x_oauth_scopes=None), "a fine-grained token"),
    "forge.scope-missing": Case(with_headers(x_oauth_scopes="public_repo, gist"), "gist, public_repo; repo is needed"),
    "forge.token-expires": Case(
        with_headers(github_authentication_token_expiration="2026-03-10 09:00:00 UTC"), "2026-03-10 09:00 UTC"
    ),
    "forge.check-runs": Case(as_seeded, "readable"),
    "forge.check-runs-hidden": Case(
        lambda s: s.github.bend("/check-runs", status=403, document=RESOURCE), "commits/main/check-runs: denied"
    ),
    "forge.merge-methods": Case(as_seeded, "squash into main: allowed"),
    "forge.merge-method-refused": Case(with_facts(allow_squash_merge=False), "no allow_squash_merge"),
    "forge.merge-method-unknown": Case(without_fact("allow_squash_merge"), "allow_squash_merge is not told"),
    "forge.branch-rules": Case(lambda s: s.protect(reviews=1), "deletion, non_fast_forward, pull_request"),
    "forge.branch-unprotected": Case(as_seeded, "none requires a pull request"),
    "forge.branch-rules-unknown": Case(lambda s: s.github.bend(RULES, status=403, document=RESOURCE), "denies it"),
    "forge.rule-not-supported": Case(lambda s: s.protect(queue=True), "merge_queue"),
    "forge.check-bound": Case(with_rules(required(integration_id=4711)), "from our App 4711"),
    "forge.check-unbound": Case(lambda s: s.protect(required_checks=["tiphys/approval"]), "from anybody"),
    "git.fetched": Case(as_seeded, "pushes are taken"),
    "git.denied": Case(with_git(401), "the remote refused our credentials"),
    "git.not-found": Case(with_git(404), "does not exist or is hidden from us"),
    "git.no-answer": Case(with_git(503), "git fetch: "),
    "git.may-not-push": Case(
        lambda s: s.github.bend("service=git-receive-pack", status=403), "git push --dry-run: denied"
    ),
}


@pytest.mark.parametrize("slug", CASES)
async def test_every_finding_is_shown(slug: str, scene: Scene) -> None:
    checks = {"forge.check-bound": check_as_app, "forge.account": check_alone}
    await CASES[slug].run(slug, scene, check_by_git if slug.startswith("git.") else checks.get(slug, check))


async def test_nothing_is_written(scene: Scene) -> None:
    """Git asks by POST too; no ref is moved and no answer of the API is asked for by anything but GET."""
    before = scene.world.call("GET", "/api/state", {})
    await check(scene)
    await check_by_git(scene)
    assert {m for m, path in scene.github.asked if "/api/v3/" in path} == {"GET"}
    assert [path for m, path in scene.github.asked if path.endswith("git-receive-pack")] == []
    after = scene.world.call("GET", "/api/state", {})
    assert (after["repositories"], after["pulls"]) == (before["repositories"], before["pulls"])


async def test_a_rule_may_forbid_the_method_that_the_settings_allow(scene: Scene) -> None:
    scene.protect(methods=["merge"])
    assert "a rule of main allows merge, not squash" in the("forge.merge-method-refused", await check(scene)).evidence


@pytest.mark.parametrize(
    ("strategy", "rules", "slug", "words"),
    [
        ("merge: merge", {"linear_history": True}, "forge.merge-method-refused", "its history must be linear"),
        ("merge: fast-forward", {"reviews": 1}, "forge.merge-method-refused", "a fast-forward is not allowed"),
        ("merge: fast-forward", {"required_checks": ["ci"]}, "forge.merge-methods", "fast-forward into main: allowed"),
        ("merge: squash", {"linear_history": True}, "forge.merge-methods", "squash into main: allowed"),
    ],
)
async def test_what_every_promotion_would_be_refused_for_is_an_error(
    scene: Scene, strategy: str, rules: dict[str, Any], slug: str, words: str
) -> None:
    """The same question as before a promotion: `BranchRules.obstacle`."""
    scene.edit("merge: squash", strategy)
    scene.protect(**rules)
    found = await check(scene)
    assert words in the(slug, found).evidence
    wrong = {f.slug for f in found if f.slug in ("forge.merge-method-refused", "forge.merge-methods")} - {slug}
    assert not wrong


async def test_branches_of_a_linear_history_take_no_merge_of_branches(scene: Scene) -> None:
    scene.change(
        "POST", "/api/github",
        {"as": "admin", "do": "protect", "repository": "example/gateway", "branch": "main", "linear_history": True},
        back={"as": "admin", "do": "protect", "repository": "example/gateway", "branch": "main"},
    )  # fmt: skip
    found = await check(scene, name="gateway")
    assert "history must be linear, and the strategy branch" in the("forge.merge-method-refused", found).evidence
    told = [f.evidence for f in found if f.slug == "forge.merge-methods"]
    assert told == ["merge into staging: allowed"], "nothing is promoted into develop"


async def test_a_rule_that_is_not_supported_is_told_once(scene: Scene) -> None:
    scene.protect(queue=True)
    assert [f.slug for f in await check(scene)].count("forge.rule-not-supported") == 1


async def test_a_check_bound_to_another_app_is_not_ours(scene: Scene) -> None:
    with_rules(required(integration_id=1))(scene)
    assert "from App 1, which we are not" in the("forge.check-unbound", await check(scene, our_app=4711)).evidence


async def test_a_check_bound_to_an_app_cannot_be_set_with_a_token(scene: Scene) -> None:
    with_rules(required(integration_id=4711))(scene)
    the("forge.check-unbound", await check(scene))


def with_older_protection(scene: Scene, told_of_it: dict[str, Any], *, to_administrators: Json | None = None) -> None:
    """Beside whatever rulesets say; GitHub calls a branch protected also where only a ruleset holds."""
    scene.github.bend("/branches/main$", document=lambda told: {**told, "protected": True, **told_of_it})
    hidden = {"status": 404, "document": {"message": "Not Found"}}
    shown = {"status": 200, "document": to_administrators}
    scene.github.bend("/branches/main/protection$", **(shown if to_administrators else hidden))


async def test_what_protects_a_branch_the_older_way_is_not_told_in_full(scene: Scene) -> None:
    checks = {"checks": [{"context": "tiphys/approval", "app_id": None}], "contexts": ["tiphys/approval"]}
    with_older_protection(scene, {"protection": {"required_status_checks": checks}})
    with_rules()(scene)
    found = await check(scene)
    words = "GET /rules/branches/main: none; its branch protection can be read by administrators only"
    assert words in the("forge.branch-rules-unknown", found).evidence
    the("forge.check-unbound", found)


@pytest.mark.parametrize("told_of_it", [{"protection": {"enabled": True}}, {}])
@pytest.mark.parametrize("rules", [[{"type": "pull_request"}], [{"type": "deletion"}]])
async def test_an_older_protection_beside_a_ruleset_is_not_told_in_full(
    scene: Scene, told_of_it: dict[str, Any], rules: list[dict[str, Any]]
) -> None:
    """It may want signed commits; and where the ruleset does not ask for a pull request, it may."""
    with_older_protection(scene, told_of_it)
    with_rules(*rules)(scene)
    found = await check(scene)
    unknown = the("forge.branch-rules-unknown", found)
    assert f"GET /rules/branches/main: {rules[0]['type']}; its branch protection can be read by" in unknown.evidence
    assert "forge.branch-unprotected" not in {f.slug for f in found}


async def test_a_ruleset_alone_hides_nothing(scene: Scene) -> None:
    with_older_protection(scene, {"protection": {"enabled": False}})
    with_rules({"type": "pull_request"})(scene)
    slugs = {f.slug for f in await check(scene)}
    assert "forge.branch-rules" in slugs
    assert "forge.branch-rules-unknown" not in slugs


async def test_an_administrator_is_told_what_the_older_protection_asks_for(scene: Scene) -> None:
    reviews = {"required_pull_request_reviews": {"required_approving_review_count": 1}}
    with_older_protection(scene, {"protection": {"enabled": True}}, to_administrators=reviews)
    found = await check(scene)
    assert "older branch protection" in the("forge.branch-rules", found).evidence


@pytest.mark.parametrize(
    ("scopes", "private", "slug"),
    [
        ({"repo"}, True, "forge.token-classic"), ({"public_repo"}, True, "forge.scope-missing"),
        ({"public_repo"}, False, "forge.token-classic"), (set(), False, "forge.scope-missing"),
        (None, True, "forge.token-fine-grained"),
    ],
)  # fmt: skip
def test_what_a_token_must_have(scopes: set[str] | None, private: bool, slug: str) -> None:
    facts = RepositoryFacts(
        full_name="Example/APM", private=private, archived=False, may_push=True, methods={},
        token=TokenFacts(scopes=None if scopes is None else frozenset(scopes)),
    )  # fmt: skip
    found = judge_repository(_repository(), facts, NOW)
    assert [finding.slug for finding in found] == ["forge.repository", slug]


@pytest.mark.parametrize(
    ("expires", "soon"),
    [
        ("2026-03-10 09:00:00 UTC", True), ("2026-03-10 09:00:00 +0200", True), ("2027-03-10 09:00:00 UTC", False),
        ("someday", False), (None, False),
    ],
)  # fmt: skip
def test_when_a_token_expires(expires: str | None, soon: bool) -> None:
    facts = RepositoryFacts(
        full_name="example/apm",
        private=True,
        archived=False,
        may_push=True,
        methods={},
        token=TokenFacts(expires=expires),
    )
    assert ("forge.token-expires" in {f.slug for f in judge_repository(_repository(), facts, NOW)}) is soon


def test_signed_commits_are_named_before_anything_is_proposed() -> None:
    told = BranchFacts(kinds=frozenset({"pull_request", "required_signatures"}), checks={}, methods=None)
    found = judge_branch(_repository(), told, BranchRules(branch="main", signatures=True), None)
    assert "signed commits" in the("forge.rule-not-supported", found).fix


def _repository() -> Repository:
    return Repository(name="apm", github="example/apm", api_url="https://api.github.com", token="hidden")


async def test_a_token_alone_may_be_refused(scene: Scene) -> None:
    scene.environ["GITHUB_TOKEN"] = "ghp_wrong_token"
    async with adapters_of(scene) as adapters:
        [finding] = await check_token(adapters.forges["apm"].inspection(), NOW)
    assert (finding.slug, finding.subject) == ("forge.token-refused", "github")
