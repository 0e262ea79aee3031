"""What `deploy/monitoring/` ships, held by the real tools; the rules also to the metrics that there are."""

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import httpx
import pytest
import yaml

from bot.config.loading import load
from tests.alertmanager import need_programs

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"


def shown(page: str, file: str) -> str:
    """What a page shows of a file, without the indentation that a list gives it."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    [written] = re.findall(rf"^( *)```yaml {re.escape(file)}\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return textwrap.dedent(written[1])


def ran(*command: str) -> str:
    need_programs()
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.alertmanager
def test_the_configuration_is_alertmanagers() -> None:
    assert "SUCCESS" in ran("amtool", "check-config", "alertmanager.yml")


@pytest.mark.alertmanager
@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["alertname=HighErrorRate", "severity=critical"], "tiphys"),
        (["alertname=Watchdog"], "elsewhere"),
        (["alertname=TiphysIsAbsent"], "elsewhere,tiphys"),
    ],
)
def test_where_alerts_go(labels: list[str], receivers: str) -> None:
    assert ran("amtool", "config", "routes", "test", "--config.file=alertmanager.yml", *labels).strip() == receivers


@pytest.mark.alertmanager
def test_the_rules_are_prometheus_and_do_what_their_tests_say() -> None:
    assert "SUCCESS" in ran("promtool", "check", "rules", "tiphys-rules.yml")
    assert "SUCCESS" in ran("promtool", "test", "rules", "tiphys-rules-test.yml")


@pytest.mark.alertmanager
def test_the_rules_tests_can_fail(tmp_path: Path) -> None:
    need_programs()
    for name in ("tiphys-rules.yml", "tiphys-rules-test.yml"):
        shutil.copy(MONITORING / name, tmp_path)
    rules = tmp_path / "tiphys-rules.yml"
    rules.write_text(rules.read_text().replace("> 120", "> 12000"))
    done = subprocess.run(
        ["promtool", "test", "rules", "tiphys-rules-test.yml"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0


@pytest.mark.alertmanager
def test_the_scrapes_that_the_page_shows_are_prometheus_and_of_each_pod(tmp_path: Path) -> None:
    """Debian's Prometheus is built without Kubernetes: it gets to see addresses in place of the Pods."""
    written = yaml.safe_load(shown("metrics.md", "prometheus.yml"))
    [job] = written["scrape_configs"]
    assert [found["role"] for found in job.pop("kubernetes_sd_configs")] == ["pod"]
    job["static_configs"] = [{"targets": ["127.0.0.1:8080"]}]
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(written))
    assert "SUCCESS" in ran("promtool", "check", "config", str(file))
    [deployment] = list(yaml.safe_load_all((ROOT / "deploy/k8s/base/deployment.yaml").read_text()))
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    [port] = container["ports"]
    kept = [rule["regex"] for rule in job["relabel_configs"] if rule.get("action") == "keep"]
    assert kept == [f"tiphys;{port['name']}"]


@pytest.mark.alertmanager
def test_the_receiver_that_the_page_shows_is_the_one_that_is_shipped(tmp_path: Path) -> None:
    written = yaml.safe_load(shown("alerts.md", "alertmanager.yml"))
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump({"route": {"receiver": "tiphys"}, **written}))
    assert "SUCCESS" in ran("amtool", "check-config", str(file))
    [theirs] = [each for each in written["receivers"] if each["name"] == "tiphys"]
    [ours] = [
        each
        for each in yaml.safe_load((MONITORING / "alertmanager.yml").read_text())["receivers"]
        if each["name"] == "tiphys"
    ]
    [hook], [shipped] = theirs["webhook_configs"], ours["webhook_configs"]
    for key in ("send_resolved", "max_alerts"):
        assert hook[key] == shipped[key]
    assert hook["http_config"]["follow_redirects"] is shipped["http_config"]["follow_redirects"] is False
    assert httpx.URL(hook["url"]).path == httpx.URL(shipped["url"]).path


def test_what_the_page_adds_to_the_configuration_is_all_that_alerts_need() -> None:
    """Beside the one variable that it names."""
    text = (ROOT / "deploy/examples/tiphys.yaml").read_text() + shown("alerts.md", "tiphys.yaml")
    environ = dict.fromkeys(("ARGOCD_AUTH_TOKEN", "GITHUB_TOKEN"), "secret")
    without = load(text, file="tiphys.yaml", environ=environ, read_file=lambda path: Path(path).read_text())
    assert isinstance(without, list)
    assert [problem.path for problem in without] == ["alertmanagers.default.webhook.token.env"]
    environ["ALERTMANAGER_WEBHOOK_TOKEN"] = "secret"
    loaded = load(text, file="tiphys.yaml", environ=environ, read_file=lambda path: Path(path).read_text())
    assert not isinstance(loaded, list)
    assert set(loaded.alerts.sources) == {"default"}


def test_every_rule_is_tested_and_sums_itself_up() -> None:
    groups = yaml.safe_load((MONITORING / "tiphys-rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    tests = yaml.safe_load((MONITORING / "tiphys-rules-test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert {rule["alert"] for rule in rules} == fired
    for rule in rules:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_the_rules_ask_for_metrics_that_there_are() -> None:
    asked = set(re.findall(r"\btiphys_[a-z_]+", (MONITORING / "tiphys-rules.yml").read_text()))
    page = (ROOT / "docs" / "metrics.md").read_text()
    told = set(re.findall(r"^\| `(tiphys_[a-z_]+)`", page, re.MULTILINE))
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked} <= told


def test_the_receiver_is_told_of_ends_by_a_credential_from_a_file_and_follows_nobody() -> None:
    shipped = yaml.safe_load((MONITORING / "alertmanager.yml").read_text())
    [tiphys] = [each for each in shipped["receivers"] if each["name"] == "tiphys"]
    [hook] = tiphys["webhook_configs"]
    assert hook["send_resolved"] is True
    assert hook["url"].endswith("/webhooks/alertmanager")
    assert hook["http_config"]["follow_redirects"] is False
    assert set(hook["http_config"]["authorization"]) == {"type", "credentials_file"}
