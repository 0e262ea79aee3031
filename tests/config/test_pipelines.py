# ruff: noqa: E501  tables read best with one case a line
import pytest

from bot.config.problems import NOT_SUPPORTED_YET
from bot.domain.pipeline import MergeMethod
from tests.config.conftest import Reading, changed

PRODUCTION = "production: {from: development}"
SECOND = """\
  other:
    repository: shop
    strategy: {type: kustomize-images, branch: main, path: "apps/{environment}"}
    argocd: {project: shop}
    stages:
      development: {}
permissions:"""


@pytest.mark.parametrize(
    ("old", "new", "path", "reason", "fix"),
    [
        ("    repository: shop", "    repository: shops", "applications.shop.repository", "no repository `shops`", "`shop`"),
        ("{project: shop}", "{project: shop, instance: man}", "applications.shop.argocd.instance", "no instance `man`", "`main`"),
        (PRODUCTION, "produktion: {from: development}", "applications.shop.stages.produktion", "no environment", "`production`"),
        (PRODUCTION, "prod: {from: development}", "applications.shop.stages.prod", "an alias", "`production`"),
        (PRODUCTION, "production: {from: production}", "applications.shop.stages.production.from", "from itself", "before it"),
        (PRODUCTION, "production: {from: dev}", "applications.shop.stages.production.from", "an alias", "`development`"),
        (PRODUCTION, "production: {from: staging}", "applications.shop.stages.production.from", "no stage", "`development`"),
        ("development: {}", "development: {from: production}", "applications.shop.stages.development.from", "circle", "without `from`"),
        ("overlays/{environment}", "overlays", "applications.shop.strategy.path", "both write `overlays` on branch `main`", "{environment}"),
        ("{project: shop}", "{project: shop, name: shop}", "applications.shop.argocd.name", "both are the Argo CD Application `shop`", "{environment}"),
        ("aliases: [prod]", "aliases: [dev]", "environments.production.aliases[0]", "taken by `environments.development.aliases[0]`", "another"),
        (PRODUCTION, "production: {from: development, branch: release}", "applications.shop.stages.production.branch", "no branch of its own", "Remove it"),
        ("aliases: [prod]", "aliases: [development]", "environments.production.aliases[0]", "taken by", "another"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(reading: Reading, old: str, new: str, path: str, reason: str, fix: str) -> None:
    problem = reading.problem(changed((old, new)))
    assert problem.path == path
    assert reason in problem.reason
    assert fix in problem.fix
    assert problem.line is not None


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("type: kustomize-images, branch: main, path", "type: directory, path", "applications.shop.strategy.type"),
        ("type: kustomize-images, branch: main, path", "type: helm-values, files", "applications.shop.strategy.type"),
    ],
)
def test_known_words_that_are_not_supported_yet(reading: Reading, old: str, new: str, path: str) -> None:
    problem = reading.problem(changed((old, new)))
    assert (problem.slug, problem.path) == (NOT_SUPPORTED_YET, path)
    assert "not supported yet" in problem.reason
    assert problem.fix.startswith("Use")


@pytest.mark.parametrize("method", [None, *MergeMethod])
def test_how_pull_requests_are_merged(reading: Reading, method: MergeMethod | None) -> None:
    written = f"branch: main, merge: {method.value}" if method else "branch: main"
    found = reading.good(changed(("branch: main", written))).applications["shop"].strategy.merge
    assert found is (method or MergeMethod.SQUASH)


def test_two_applications_side_by_side(reading: Reading) -> None:
    assert len(reading.good(changed(("permissions:", SECOND))).stages()) == 3


def test_two_applications_must_not_write_the_same_folder(reading: Reading) -> None:
    problem = reading.problem(changed(("permissions:", SECOND.replace("apps/{environment}", "overlays/development/"))))
    assert problem.path == "applications.other.strategy.path"
    assert "`shop/development` and `other/development` both write `overlays/development`" in problem.reason


def test_also_not_through_two_names_of_one_repository(reading: Reading) -> None:
    second = SECOND.replace("apps/", "overlays/").replace("repository: shop", "repository: again")
    text = changed(("permissions:", second), ("repositories:\n", "repositories:\n  again: {github: Example/Shop}\n"))
    assert reading.problem(text).path == "applications.other.strategy.path"


def test_two_applications_may_use_the_same_folder_of_different_branches(reading: Reading) -> None:
    second = SECOND.replace("apps/", "overlays/").replace("branch: main", "branch: other")
    reading.good(changed(("permissions:", second)))


def test_two_applications_must_not_be_the_same_argocd_application(reading: Reading) -> None:
    second = SECOND.replace("{project: shop}", '{project: shop, name: "shop-{environment}"}')
    problem = reading.problem(changed(("permissions:", second)))
    assert problem.path == "applications.other.argocd.name"
    assert "`shop-development`" in problem.reason


def test_without_a_main_instance_one_must_be_named(reading: Reading) -> None:
    reading.environ["OTHER"] = "other-token"
    text = changed(
        (
            "  main: {server: https://argocd.example.com}",
            """\
  a: {server: https://a.example.com, token: {env: OTHER}}
  b: {server: https://b.example.com, token: {env: OTHER}}""",
        )
    )
    assert reading.problem(text).path == "applications.shop.argocd.instance"
    named = text.replace("{project: shop}", "{project: shop, instance: b}")
    assert reading.good(named).get_stage("shop", "production").argocd.instance == "b"
