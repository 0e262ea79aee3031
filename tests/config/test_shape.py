# ruff: noqa: E501  tables read best with one case a line
import pytest

from tests.config.conftest import Reading, changed


@pytest.mark.parametrize(
    ("old", "new", "path", "reason", "fix"),
    [
        ("version: 1\n", "version: 2\n", "version", "`2` is not known", "`1`"),
        ("version: 1\n", "", "version", "missing", "Add `version:`"),
        ("people:", "poeple:", "poeple", "unknown", "`people`"),
        ("permissions:", "polling: {zzz: 1}\npermissions:", "polling.zzz", "unknown", "Known are: `changes`"),
        ("  second: {slack: [U0TWO]}", "  second: {}", "people.second.slack", "missing", "U… or W…"),
        ("  second: {slack: [U0TWO]}", "  second:", "people.second", "no value", "remove the key"),
        ("slack: [U0TWO]", "slack: []", "people.second.slack", "empty", "at least one"),
        ("slack: [U0TWO]", "slack: U0TWO", "people.second.slack", "a text", "Write a list"),
        ("slack: [U0TWO]", "slack: ['@two']", "people.second.slack[0]", "not a Slack user id", "Copy member ID"),
        ("slack: [U0TWO]", "slack: [12]", "people.second.slack[0]", "not text", "one text"),
        ("  shop: {github: example/shop}", "  shop: {github: example/shop.git}", "repositories.shop.github", ".git", "`example/shop`"),
        ("github: example/shop", "github: https://github.com/example/shop", "repositories.shop.github", "not a GitHub", "owner/name"),
        ("server: https://argocd.example.com", "server: ftp://x", "argocd.main.server", "http or https", "https://"),
        ("server: https://argocd.example.com", "server: https://u:p@x", "argocd.main.server", "password", "https://"),
        ("  main: {server", "  Main: {server", "argocd.Main", "not a name", "lower-case"),
        ("sync: automated", "sync: auto", "environments.development.sync", "`auto`", "`automated`"),
        ("sync: automated", "sync: automated, prune: 'no'", "environments.development.prune", "a text", "`true` or `false`"),
        ("sync: automated", "sync: automated, soak: 10", "environments.development.soak", "no unit", "`10m`"),
        ("sync: automated", "sync: automated, soak: -5m", "environments.development.soak", "not a duration", "30s"),
        ("sync: automated", "sync: automated, timeouts: {health: 0s}", "environments.development.timeouts.health", "longer than nothing", "30s"),
        ("sync: automated", "sync: automated, channel: '#dev'", "environments.development.channel", "channel id", "channel details"),
        ("needed: 1", "needed: -1", "environments.production.approvals.needed", "too small", "0 or more"),
        ("needed: 1", "needed: true", "environments.production.approvals.needed", "truth value `true`", "whole number"),
        ("type: kustomize-images", "type: kustomize", "applications.shop.strategy", "`kustomize`", "`kustomize-images`"),
        ("type: kustomize-images, ", "", "applications.shop.strategy", "`type` is missing", "`kustomize-images`"),
        ("branch: main", "branch: refs/heads/main", "applications.shop.strategy.branch", "full ref", "`main`"),
        ("branch: main", "branch: tiphys/x", "applications.shop.strategy.branch", "promotions", "follows"),
        ("branch: main", "branch: --upload-pack=x", "applications.shop.strategy.branch", "cannot be a branch", "main"),
        ("overlays/{environment}", "../{environment}", "applications.shop.strategy.path", "leads out", "`..`"),
        ("overlays/{environment}", "overlays/{env}", "applications.shop.strategy.path", "`{env}` is no placeholder", "{environment}"),
        ("{project: shop}", "{project: shop, name: 'Shop-{environment}'}", "applications.shop.argocd.name", "cannot be the name", "shop-{environment}"),
        ("{from: development}", "{from: development, path: x}", "applications.shop.stages.production.path", "unknown", "belongs into the application's `strategy:`"),
        ("version: 1\n", "version: 1\nslack: {commands: [Promote]}\n", "slack.commands", "`Promote` is not a command", "slash"),
        ("version: 1\n", "version: 1\nslack: {commands: some}\n", "slack.commands", "no choice", "`umbrella`"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_problem_with_its_place(
    reading: Reading, old: str, new: str, path: str, reason: str, fix: str
) -> None:
    problem = reading.problem(changed((old, new)))
    assert problem.path == path
    assert reason in problem.reason
    assert fix in problem.fix
    assert problem.line is not None
    assert problem.file == "conf/tiphys.yaml"


def test_a_mistyped_key_is_not_told_as_missing_too(reading: Reading) -> None:
    problem = reading.problem(changed(("slack: [U0TWO]", "slak: [U0TWO]")))
    assert (problem.path, problem.fix) == ("people.second.slak", "Did you mean `slack`?")


@pytest.mark.parametrize(
    "written",
    ["s3cr3t-value", "[s3cr3t-value]", "{env: s3cr3t-value}", "{value: s3cr3t-value}", "{env: A, file: s3cr3t-value}"],
)
def test_a_secret_in_the_file_is_refused_and_never_repeated(reading: Reading, written: str) -> None:
    problems = reading.problems(changed(("{github: example/shop}", f"{{github: example/shop, token: {written}}}")))
    assert problems
    assert all(problem.path.startswith("repositories.shop.token") for problem in problems)
    assert "s3cr3t" not in "".join(map(str, problems))


def test_a_key_without_a_value_is_not_there(reading: Reading) -> None:
    text = changed(("      development: {}", "      development:"), ("version: 1\n", "version: 1\nslack:\ndefaults:\n"))
    assert reading.good(text) == reading.good()
