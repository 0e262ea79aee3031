"""The strategy `branch` in `tiphys.yaml`."""

import pytest

from bot.config.explain import explain
from bot.config.problems import INVALID
from bot.domain.pipeline import EnvironmentBranches, MergeMethod
from tests.config.conftest import Reading, changed

STRATEGY = (
    'strategy: {type: kustomize-images, branch: main, path: "overlays/{environment}"}',
    "strategy: {type: branch}",
)
STAGES = (
    "      development: {}\n      production: {from: development}",
    "      development: {branch: develop}\n      production: {from: development, branch: main}",
)
PRODUCTION = "applications.shop.stages.production"
OTHER = """\
  other:
    repository: shop
    strategy: {type: kustomize-images, branch: main, path: "apps/{environment}"}
    argocd: {project: shop}
    stages:
      development: {}
permissions:"""


def branches(*more: tuple[str, str]) -> str:
    text = changed(STRATEGY, STAGES)
    for old, new in more:
        assert old in text, old
        text = text.replace(old, new)
    return text


def test_every_stage_has_its_branch_and_is_promoted_whole(reading: Reading) -> None:
    application = reading.good(branches()).applications["shop"]
    assert application.strategy == EnvironmentBranches(branches={"development": "develop", "production": "main"})
    assert application.strategy.merge is MergeMethod.MERGE
    assert [(s.branch, s.path, s.whole_tree) for s in application.stages.values()] == [
        ("develop", "", True), ("main", "", True),
    ]  # fmt: skip


def test_a_folder_may_be_named_and_differ_by_environment(reading: Reading) -> None:
    text = branches(("{type: branch}", '{type: branch, merge: merge, path: "deploy/{environment}/"}'))
    assert reading.good(text).get_stage("shop", "production").path == "deploy/production"


def test_squash_is_refused_with_its_reason(reading: Reading) -> None:
    problem = reading.problem(branches(("{type: branch}", "{type: branch, merge: squash}")))
    assert (problem.path, problem.slug) == ("applications.shop.strategy.merge", INVALID)
    assert "cuts the ancestry" in problem.reason
    assert "next promotion would merge everything again" in problem.reason
    assert problem.fix == "Use `merge` or `fast-forward`, or leave it out"


@pytest.mark.parametrize("method", [MergeMethod.MERGE, MergeMethod.FAST_FORWARD])
def test_what_keeps_the_ancestry_is_taken(reading: Reading, method: MergeMethod) -> None:
    found = reading.good(branches(("{type: branch}", f"{{type: branch, merge: {method.value}}}")))
    assert found.applications["shop"].strategy.merge is method


@pytest.mark.parametrize("without", ["{from: development}", "{from: development, branch: }"])
def test_a_stage_without_a_branch(reading: Reading, without: str) -> None:
    problem = reading.problem(branches(("{from: development, branch: main}", without)))
    assert problem.path == PRODUCTION
    assert "needs a branch of its own" in problem.reason
    assert "`branch:`" in problem.fix


def test_a_branch_that_cannot_be_one_is_told_once(reading: Reading) -> None:
    problem = reading.problem(branches(("branch: main", "branch: --x")))
    assert problem.path == f"{PRODUCTION}.branch"
    assert "cannot be a branch" in problem.reason


def test_a_branch_in_the_strategy_is_led_to_the_stages(reading: Reading) -> None:
    problem = reading.problem(branches(("{type: branch}", "{type: branch, branch: main}")))
    assert problem.path == "applications.shop.strategy.branch"
    assert "unknown here" in problem.reason
    assert "into each stage" in problem.fix


def test_a_mistyped_key_is_compared_with_the_keys_of_this_strategy(reading: Reading) -> None:
    problem = reading.problem(branches(("{type: branch}", "{type: branch, merg: merge}")))
    assert problem.fix == "Did you mean `merge`?"
    problem = reading.problem(branches(("{type: branch}", "{type: branch, fields: [x]}")))
    assert problem.fix == "Known are: `type`, `path`, `merge`"


@pytest.mark.parametrize("path", ["", ', path: "{environment}"'])
def test_two_stages_must_not_share_a_branch_whatever_folder_they_read(reading: Reading, path: str) -> None:
    text = branches(("branch: main", "branch: develop"), ("{type: branch}", "{type: branch" + path + "}"))
    problem = reading.problem(text)
    assert problem.path == f"{PRODUCTION}.branch"
    assert "`shop/development` and `shop/production` share the branch `develop`" in problem.reason
    assert problem.fix == "Give each stage a branch of its own"


def test_another_application_must_not_stand_on_a_branch_that_is_promoted_whole(reading: Reading) -> None:
    problem = reading.problem(branches(("permissions:", OTHER)))
    assert problem.path == "applications.other.strategy.branch"
    assert "`shop/production` and `other/development` share the branch `main`" in problem.reason
    assert "different branches" in problem.fix
    reading.good(branches(("permissions:", OTHER.replace("branch: main", "branch: trunk"))))


def test_the_effective_values_are_explained(reading: Reading) -> None:
    lines = explain(branches(), file="tiphys.yaml", environ=reading.environ, read_file=reading.read_file)
    found = {line.path: line.value for line in lines}
    assert found["applications.shop.strategy.type"] == "branch"
    assert found["applications.shop.strategy.merge"] == "merge"
    assert found[f"{PRODUCTION}.branch"] == "main"
    assert found[f"{PRODUCTION}.path"] == '""'
    assert "applications.shop.strategy.branch" not in found
