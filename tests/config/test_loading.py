from datetime import timedelta
from pathlib import Path

from bot.domain.identity import UserId
from bot.domain.pipeline import ArgocdReference, MergeMethod, SyncMode
from tests.config.conftest import TOKENS, Reading, changed
from tests.keys import private_pem

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests/samples/config"


def test_a_whole_file_means_what_it_says(reading: Reading) -> None:
    configuration = reading.good()
    production = configuration.get_stage("shop", "production")
    assert production.source == "development"
    assert production.sync is SyncMode.CONTROLLED
    assert production.path == "overlays/production"
    assert production.argocd == ArgocdReference(
        instance="main", project="shop", namespace="argocd", name="shop-production"
    )
    assert production.approvals is not None
    assert (production.approvals.needed, production.approvals.sources) == (1, ("role:release",))
    assert configuration.find_environment("prod") == "production"
    assert configuration.person_key(UserId("U0ONEB")) == "first"
    assert configuration.repository_of("shop").token == TOKENS["GITHUB_TOKEN"]
    assert configuration.argocd["main"].token == TOKENS["ARGOCD_AUTH_TOKEN"]
    assert "token-1" not in repr(configuration)


def test_built_in_values(reading: Reading) -> None:
    configuration = reading.good()
    development = configuration.get_stage("shop", "development")
    assert (development.prune, development.soak, development.approvals) == (False, timedelta(minutes=10), None)
    assert configuration.permissions.default == "role:readonly"
    assert configuration.polling.changes == timedelta(seconds=15)
    assert configuration.slack.commands == "all"
    assert configuration.repositories["shop"].api_url == "https://api.github.com"


def test_stages_stand_in_the_order_of_promotion(reading: Reading) -> None:
    text = changed(
        (
            "      development: {}\n      production: {from: development}",
            "      production: {from: development}\n      development: {}",
        )
    )
    assert list(reading.good(text).applications["shop"].stages) == ["development", "production"]


def test_the_example_that_is_shipped_is_valid(reading: Reading) -> None:
    configuration = reading.good((ROOT / "deploy/examples/tiphys.yaml").read_text())
    assert [stage.name for stage in configuration.stages()] == ["shop/development", "shop/staging", "shop/production"]
    staging = configuration.get_stage("shop", "staging")
    assert (staging.soak, staging.channel) == (timedelta(minutes=1), "C0STAGING")


def test_the_alerts_of_the_example_are_valid_where_they_are_wanted(reading: Reading) -> None:
    """They are commented out: whoever has no Alertmanager has no token for it either."""
    text = (ROOT / "deploy/examples/tiphys.yaml").read_text()
    before, _, rest = text.partition("# Alerts from Alertmanager")
    block, _, after = rest.partition("\n\n")
    wanted = "\n".join(line.removeprefix("# ") for line in block.splitlines()[1:])
    before = before.replace("    # alerts: {", "    alerts: {")
    reading.environ["ALERTMANAGER_WEBHOOK_TOKEN"] = "webhook-token-1"
    configuration = reading.good(f"{before}{wanted}\n{after}")
    assert list(configuration.alerts.sources) == ["default"]
    assert (configuration.alerts.channel, len(configuration.alerts.routes)) == ("C0ALERTS", 1)
    assert configuration.alerts.applications[0].environment == "production"
    assert configuration.get_stage("shop", "production").alerts.fail_after == timedelta(minutes=15)


def test_the_contract_loads(reading: Reading) -> None:
    reading.files["/run/secrets/github-app.pem"] = private_pem()
    configuration = reading.good((SAMPLES / "contract.yaml").read_text())
    app = configuration.repositories["gateway"].app
    assert app is not None
    assert app.id == 12345
    production = configuration.get_stage("apm-stack", "production")
    assert production.channel == "C0DEPLOY"
    assert production.approvals is not None
    assert production.approvals.notify == "S0PLATFORM"
    assert production.timeouts.checks == timedelta(hours=2)
    gateway = configuration.applications["apm-gateway"]
    assert [(stage.branch, stage.path, stage.source, stage.whole_tree) for stage in gateway.stages.values()] == [
        ("develop", "", None, True), ("staging", "", "development", True), ("main", "", "staging", True),
    ]  # fmt: skip
    assert gateway.strategy.merge is MergeMethod.MERGE
    assert gateway.stages["production"].approvals_needed == 1


def test_every_problem_is_told_at_once_in_the_order_of_the_file(reading: Reading) -> None:
    problems = reading.problems(
        changed(
            ("slack: [U0TWO]", "slack: [two]"),
            ("aliases: [dev]", "alias: [dev]"),
            ("needed: 1", "needed: two"),
            ("repository: shop", "repository: shopp"),
            ("{from: development}", "{from: production}"),
        )
    )
    assert [(problem.line, problem.path) for problem in problems] == [
        (4, "people.second.slack[0]"),
        (10, "environments.development.alias"),
        (14, "environments.production.approvals.needed"),
        (17, "applications.shop.repository"),
        (22, "applications.shop.stages.production.from"),
    ]
    assert "Did you mean `shop`?" in problems[3].fix


def test_what_follows_from_a_mistake_is_not_told_again(reading: Reading) -> None:
    """The repository, the instance and the environment are there, though their bodies are wrong."""
    problems = reading.problems(
        changed(
            ("github: example/shop", "github: shop"),
            ("server: https://argocd.example.com", "server: ''"),
            ("sync: automated", "sync: automatic"),
            ("from: [role:release]", "from: [release]"),
        )
    )
    assert [problem.path for problem in problems] == [
        "argocd.main.server",
        "repositories.shop.github",
        "environments.development.sync",
        "environments.production.approvals.from[0]",
    ]


def test_a_file_without_applications_is_a_problem(reading: Reading) -> None:
    assert reading.problem("version: 1\n").path == "applications"
