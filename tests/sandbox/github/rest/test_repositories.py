"""Repository, branches, refs, rules."""

from tests.sandbox.github.conftest import REPO, Forge


async def test_the_repository(forge: Forge) -> None:
    repo = (await forge.api.get(f"/repos/{REPO}")).json()
    assert repo["default_branch"] == "main"
    assert repo["clone_url"] == forge.repositories.clone_url(REPO)
    assert repo["permissions"]["push"] is True
    assert repo["owner"]["login"] == "example"


async def test_branches_with_slashes(forge: Forge) -> None:
    sha = await forge.commit("tiphys/shop/prod", {"a": "1"})
    for path in ("tiphys/shop/prod", "tiphys%2Fshop%2Fprod"):
        branch = (await forge.api.get(f"/repos/{REPO}/branches/{path}")).json()
        assert (branch["name"], branch["commit"]["sha"], branch["protected"]) == ("tiphys/shop/prod", sha, False)
        ref = (await forge.api.get(f"/repos/{REPO}/git/ref/heads/{path}")).json()
        assert (ref["ref"], ref["object"]["sha"]) == ("refs/heads/tiphys/shop/prod", sha)
    names = [branch["name"] for branch in (await forge.api.get(f"/repos/{REPO}/branches")).json()]
    assert names == ["main", "tiphys/shop/prod"]


async def test_missing_branches(forge: Forge) -> None:
    branch = await forge.api.get(f"/repos/{REPO}/branches/gone")
    assert (branch.status_code, branch.json()["message"]) == (404, "Branch not found")
    assert (await forge.api.get(f"/repos/{REPO}/git/ref/heads/gone")).status_code == 404


async def test_deleting_a_branch(forge: Forge) -> None:
    await forge.commit("tiphys/x", {"a": "1"})
    path = f"/repos/{REPO}/git/refs/heads/tiphys/x"
    assert (await forge.api.delete(path)).status_code == 204
    assert forge.tip("tiphys/x") is None
    again = await forge.api.delete(path)
    assert (again.status_code, again.json()["message"]) == (422, "Reference does not exist")


async def test_the_default_branch_stays(forge: Forge) -> None:
    assert (await forge.api.delete(f"/repos/{REPO}/git/refs/heads/main")).status_code == 422
    assert forge.tip("main") is not None


async def test_a_branch_without_rules(forge: Forge) -> None:
    assert (await forge.api.get(f"/repos/{REPO}/rules/branches/main")).json() == []
    classic = await forge.api.get(f"/repos/{REPO}/branches/main/protection")
    assert (classic.status_code, classic.json()["message"]) == (404, "Branch not protected")


async def test_rules_are_reported(forge: Forge) -> None:
    body = {"required_checks": ["ci"], "reviews": 2, "strict": True, "methods": ["squash"], "queue": True}
    assert (await forge.deed("protect", branch="main", **body)).status_code == 200
    rules = (await forge.api.get(f"/repos/{REPO}/rules/branches/main")).json()
    found = {rule["type"]: rule.get("parameters") for rule in rules}
    assert set(found) == {"deletion", "non_fast_forward", "pull_request", "required_status_checks", "merge_queue"}
    assert found["pull_request"]["required_approving_review_count"] == 2
    assert found["pull_request"]["allowed_merge_methods"] == ["squash"]
    assert found["required_status_checks"]["required_status_checks"] == [{"context": "ci"}]
    assert found["required_status_checks"]["strict_required_status_checks_policy"] is True
    assert (await forge.api.get(f"/repos/{REPO}/branches/main")).json()["protected"] is True
    assert (await forge.api.get(f"/repos/{REPO}/branches/main/protection")).status_code == 404


async def test_a_protected_branch_is_not_deleted(forge: Forge) -> None:
    await forge.commit("release", {"a": "1"})
    await forge.deed("protect", branch="release", reviews=1)
    answer = await forge.api.delete(f"/repos/{REPO}/git/refs/heads/release")
    assert answer.status_code == 422
    assert "Cannot delete this branch" in answer.json()["message"]
    assert forge.tip("release") is not None
