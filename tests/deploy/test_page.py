"""The page about deploying: its own overlay builds, and every secret that the files ask for is told."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from bot.sandbox.argocd.rendering import find_kubectl
from bot.settings import Settings, secret_names
from bot.web.slack_events import PATH as EVENTS
from bot.web.webhooks import PATH as WEBHOOKS
from tests.deploy.dockerfile import ROOT
from tests.deploy.test_compose import COMPOSE
from tests.deploy.test_k8s import VERSIONS

PAGE = (ROOT / "docs/deploying.md").read_text("utf-8")
FILES = dict(re.findall(r"^```yaml (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
"""What the page shows of one's own, by the file's name."""
OPTIONAL = {"secrets.yaml", "ingress.yaml", "network-policy.yaml"}


def built(folder: Path, **more: list[Any]) -> list[dict[str, Any]]:
    """The overlay of the page, with `more` lines of its kustomization, as `kubectl` builds it."""
    shutil.copytree(ROOT / "deploy/k8s", folder / "tiphys/deploy/k8s")
    own = folder / "overlays/production"
    own.mkdir(parents=True)
    for name in OPTIONAL:
        (own / name).write_text(FILES[name])
    written = yaml.safe_load(FILES["kustomization.yaml"])
    written |= {key: written.get(key, []) + values for key, values in more.items()}
    (own / "kustomization.yaml").write_text(yaml.safe_dump(written))
    (own / "tiphys.yaml").write_text("version: 1\n")
    kubectl = find_kubectl()
    assert kubectl is not None
    done = subprocess.run([kubectl, "kustomize", str(own)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def containers(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    [deployment] = [document for document in documents if document["kind"] == "Deployment"]
    found: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"]
    return found


def variables(container: dict[str, Any]) -> set[str]:
    return {variable["name"] for variable in container["env"]}


def test_every_file_of_ones_own_is_known() -> None:
    assert FILES.keys() == OPTIONAL | {"kustomization.yaml", "compose.own.yaml"}


def test_the_overlay_of_ones_own_builds(tmp_path: Path) -> None:
    found = {document["kind"]: document for document in built(tmp_path)}
    assert {document["metadata"]["namespace"] for document in found.values()} == {"chatops"}
    assert (found["ConfigMap"]["metadata"]["name"], found["ConfigMap"]["data"]) == (
        "tiphys",
        {"tiphys.yaml": "version: 1\n"},
    )
    pod = found["Deployment"]["spec"]["template"]["spec"]
    images = {container["image"] for container in [*pod["initContainers"], *pod["containers"]]}
    assert images == {"registry.example.com/platform/tiphys:0.1.0"}


def test_what_may_be_added_to_it_does_what_is_said(tmp_path: Path) -> None:
    bare = built(tmp_path / "bare")
    more = built(
        tmp_path / "more",
        patches=[{"path": "secrets.yaml"}], resources=["ingress.yaml", "network-policy.yaml"],
    )  # fmt: skip
    for document in more:
        assert document["metadata"]["namespace"] == "chatops"
        for version in VERSIONS:
            kubernetes_validate.validate(document, version, strict=True)
    by_kind = {document["kind"]: document for document in more}
    [before], [after] = containers(bare), containers(more)
    added = {"ALERTMANAGER_WEBHOOK_TOKEN_FILE", "GITHUB_APP_KEY_FILE"}
    assert variables(after) == variables(before) - {"GITHUB_TOKEN_FILE"} | added
    labels = by_kind["Deployment"]["spec"]["template"]["metadata"]["labels"]
    policy = by_kind["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert [rule["ports"] for rule in policy["ingress"]] == [[{"port": port["name"]} for port in after["ports"]]]


def test_the_ingress_passes_on_what_is_served_and_no_more() -> None:
    [rule] = yaml.safe_load(FILES["ingress.yaml"])["spec"]["rules"]
    paths = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}
    assert {path: service["name"] for path, service in paths.items()} == {
        EVENTS: "tiphys", WEBHOOKS: "tiphys-webhooks",
    }  # fmt: skip
    services = yaml.safe_load_all((ROOT / "deploy/k8s/base/service.yaml").read_text())
    served = {port["port"] for service in services for port in service["spec"]["ports"]}
    assert {service["port"]["number"] for service in paths.values()} == served


def test_a_second_compose_file_adds_secrets_as_the_first_has_them() -> None:
    own = yaml.safe_load(FILES["compose.own.yaml"])
    [(name, added)] = own["services"].items()
    first = COMPOSE["services"][name]
    told = first["environment"] | added["environment"]
    read = {value for variable, value in told.items() if variable.endswith("_FILE") and value}
    assert read == {f"/run/secrets/{secret}" for secret in {*first["secrets"], *added["secrets"]} - {"github-token"}}
    assert own["secrets"] == {secret: {"file": f"./secrets/{secret}"} for secret in added["secrets"]}


def test_what_is_typed_meets_the_overlay_of_ones_own() -> None:
    """One namespace for the Pod and its Secret, and no overlay that names an image and channels of nobody."""
    section = PAGE.split("## On Kubernetes")[1].split("\n## ")[0]
    [namespace] = re.findall(r"^namespace: (.+)$", section, re.MULTILINE)
    assert set(re.findall(r"kubectl (?:create namespace|--namespace) (\S+)", section)) == {namespace}
    assert re.findall(r"kubectl apply --kustomize (\S+)", section) == ["overlays/production"]
    assert set(re.findall(r"kubectl .*create secret generic (\S+)", section)) == {"tiphys"}


def test_every_secret_is_told() -> None:
    files = [ROOT / "deploy/compose.yaml", *(ROOT / "deploy/k8s").rglob("*.yaml")]
    asked = {
        name for file in files for name in re.findall(r"/run/secrets/(?:tiphys/)?([a-z-]+-[a-z-]+)", file.read_text())
    }
    table = PAGE.split("## Secrets")[1].split("\n## ")[0]
    told = set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))
    settings = {name.replace("_", "-") for name in secret_names(Settings)}
    assert told == settings | {"github-app-key", "postgres-password"}
    assert asked <= told
    first, again = re.findall(r"create secret generic(?:.*\\\n)+.*", PAGE)
    named = set(re.findall(r"--from-file=([a-z-]+)", first))
    assert named == asked - {"postgres-password"}
    patched = named - {"github-token"} | {"github-app-key", "alertmanager-webhook-token"}
    assert set(re.findall(r"--from-file=([a-z-]+)", again)) == patched
