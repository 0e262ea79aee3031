"""The page about deploying: its own overlay builds, and every secret that the files ask for is told."""

import re
import shutil
import subprocess
from pathlib import Path

import yaml

from bot.sandbox.argocd.rendering import find_kubectl
from tests.deploy.dockerfile import ROOT

PAGE = (ROOT / "docs/deploying.md").read_text("utf-8")


def test_the_overlay_of_ones_own_builds(tmp_path: Path) -> None:
    [written] = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    shutil.copytree(ROOT / "deploy/k8s", tmp_path / "tiphys/deploy/k8s")
    own = tmp_path / "overlays/production"
    own.mkdir(parents=True)
    (own / "kustomization.yaml").write_text(written)
    (own / "tiphys.yaml").write_text("version: 1\n")
    kubectl = find_kubectl()
    assert kubectl is not None
    done = subprocess.run([kubectl, "kustomize", str(own)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = {document["kind"]: document for document in yaml.safe_load_all(done.stdout)}
    assert {document["metadata"]["namespace"] for document in found.values()} == {"chatops"}
    assert (found["ConfigMap"]["metadata"]["name"], found["ConfigMap"]["data"]) == (
        "tiphys",
        {"tiphys.yaml": "version: 1\n"},
    )
    pod = found["Deployment"]["spec"]["template"]["spec"]
    images = {container["image"] for container in [*pod["initContainers"], *pod["containers"]]}
    assert images == {"registry.example.com/platform/tiphys:0.1.0"}


def test_what_is_typed_meets_the_overlay_of_ones_own() -> None:
    """One namespace for the Pod and its Secret, and no overlay that names an image and channels of nobody."""
    section = PAGE.split("## On Kubernetes")[1].split("\n## ")[0]
    [namespace] = re.findall(r"^namespace: (.+)$", section, re.MULTILINE)
    assert set(re.findall(r"kubectl (?:create namespace|--namespace) (\S+)", section)) == {namespace}
    assert re.findall(r"kubectl apply --kustomize (\S+)", section) == ["overlays/production"]
    assert re.findall(r"kubectl .*create secret generic (\S+)", section) == ["tiphys"]


def test_every_secret_is_told() -> None:
    files = [ROOT / "deploy/compose.yaml", *(ROOT / "deploy/k8s").rglob("*.yaml")]
    asked = {
        name for file in files for name in re.findall(r"/run/secrets/(?:tiphys/)?([a-z-]+-[a-z-]+)", file.read_text())
    }
    table = PAGE.split("## Secrets")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == asked
    made = set(re.findall(r"--from-file=([a-z-]+)", PAGE))
    assert made == asked - {"postgres-password"}
