"""Every overlay builds, is valid Kubernetes, and says what each is for; its `tiphys.yaml` loads as it stands."""

import functools
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bot.config.loading import load
from bot.sandbox.argocd.rendering import find_kubectl
from bot.settings import Settings, secret_names
from bot.stopping import DEADLINE_SECONDS
from tests.deploy.dockerfile import ROOT, stages

OVERLAYS = ("development", "staging", "production")
VERSIONS = ("1.29", "1.33", "1.37")
"""Of Kubernetes: the oldest that knows every field, one between, the newest that the validator knows."""
IMAGE = stages()[-1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@functools.cache
def built(overlay: str) -> tuple[dict[str, Any], ...]:
    kubectl = find_kubectl()
    assert kubectl is not None
    done = subprocess.run(
        [kubectl, "kustomize", str(ROOT / "deploy/k8s/overlays" / overlay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # warnings of what is deprecated
    return tuple(document for document in yaml.safe_load_all(done.stdout) if document)


def services(overlay: str) -> dict[str, dict[str, Any]]:
    """By name."""
    found = (document for document in built(overlay) if document["kind"] == "Service")
    return {service["metadata"]["name"]: service for service in found}


def one(overlay: str, kind: str) -> dict[str, Any]:
    [found] = [document for document in built(overlay) if document["kind"] == kind]
    return found


def pod(overlay: str) -> dict[str, Any]:
    found: dict[str, Any] = one(overlay, "Deployment")["spec"]["template"]["spec"]
    return found


def containers(overlay: str) -> list[dict[str, Any]]:
    return [*pod(overlay).get("initContainers", []), *pod(overlay)["containers"]]


def test_there_are_no_others() -> None:
    assert sorted(path.name for path in (ROOT / "deploy/k8s/overlays").iterdir()) == sorted(OVERLAYS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_is_valid(overlay: str, version: str) -> None:
    for document in built(overlay):
        kubernetes_validate.validate(document, version, strict=True)


def test_the_validator_would_notice() -> None:
    broken = {**services("staging")["tiphys"], "spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_its_namespace_under_its_label(overlay: str) -> None:
    for document in built(overlay):
        assert document["metadata"]["namespace"] == f"tiphys-{overlay}"
    labels = {"app.kubernetes.io/name": "tiphys"}
    assert one(overlay, "Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert one(overlay, "Deployment")["spec"]["template"]["metadata"]["labels"].items() >= labels.items()
    assert [service["spec"]["selector"] for service in services(overlay).values()] == [labels] * 2


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_image_is_this_version(overlay: str) -> None:
    assert {container["image"].rpartition(":")[2] for container in containers(overlay)} == {
        PROJECT["project"]["version"]
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_container_may_do_what_it_does_not_need(overlay: str) -> None:
    security = pod(overlay)["securityContext"]
    assert security["runAsNonRoot"] is True
    assert f"{security['runAsUser']}:{security['runAsGroup']}" == IMAGE.last("USER").text
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(overlay)["automountServiceAccountToken"] is False
    assert one(overlay, "ServiceAccount")["automountServiceAccountToken"] is False
    for container in containers(overlay):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert {"cpu", "memory"} <= set(container["resources"]["limits"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_is_asked_what_it_answers(overlay: str) -> None:
    [tiphys] = pod(overlay)["containers"]
    [port] = tiphys["ports"]
    probes = {kind: tiphys[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {kind: get["path"] for kind, get in probes.items()} == {
        "startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz",
    }  # fmt: skip
    assert {get["port"] for get in probes.values()} == {port["name"]}
    assert variables(tiphys)["TIPHYS_LISTEN"].rpartition(":")[2] == str(port["containerPort"])
    assert {service["spec"]["ports"][0]["targetPort"] for service in services(overlay).values()} == {port["name"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_webhooks_reach_also_a_pod_that_is_not_ready(overlay: str) -> None:
    """Which records them: `/readyz` says no while Slack is away, and an alert is not to be lost for that."""
    assert {name: "publishNotReadyAddresses" in service["spec"] for name, service in services(overlay).items()} == {
        "tiphys": False, "tiphys-webhooks": True,
    }  # fmt: skip


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_images_entry_stays_what_starts(overlay: str) -> None:
    """With its process 1: `command` would take the place of both."""
    assert not any("command" in container for container in containers(overlay))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_has_the_time_to_end(overlay: str) -> None:
    assert pod(overlay)["terminationGracePeriodSeconds"] > pause(overlay) + DEADLINE_SECONDS + 5


@pytest.mark.parametrize(("overlay", "is_waited"), [("development", False), ("staging", True), ("production", True)])
def test_a_pod_that_others_replace_is_gone_from_the_service_before_it_ends(overlay: str, is_waited: bool) -> None:
    """With `Recreate` there is no other that could be asked meanwhile."""
    assert (pause(overlay) > 0) is is_waited
    assert is_waited == ("rollingUpdate" in one(overlay, "Deployment")["spec"]["strategy"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_it_is_told_are_settings_and_secrets_come_by_file(overlay: str) -> None:
    for container in containers(overlay):
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        for name, value in variables(container).items():
            if name.endswith("_FILE"):
                assert name.removesuffix("_FILE").lower() in secret_names(Settings)
                assert Path(value).parent == Path(mounts["secrets"])
            else:
                assert name.lower() in Settings.model_fields
                assert name.lower() not in secret_names(Settings)
        assert variables(container)["TIPHYS_DATA"] == mounts["data"]
        assert "/tmp" in mounts.values()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_secret_is_referred_to_and_not_in_here(overlay: str) -> None:
    assert "Secret" not in {document["kind"] for document in built(overlay)}
    [secrets] = [volume["secret"] for volume in pod(overlay)["volumes"] if "secret" in volume]
    assert secrets["secretName"] == "tiphys"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_its_configuration_loads(overlay: str) -> None:
    [tiphys] = pod(overlay)["containers"]
    text = one(overlay, "ConfigMap")["data"][Path(variables(tiphys)["TIPHYS_CONFIG"]).name]
    environ = {name: value for name, value in variables(tiphys).items() if name.endswith("_FILE")}
    loaded = load(text, file="tiphys.yaml", environ=environ, read_file=lambda path: f"secret-of-{Path(path).name}")
    assert not isinstance(loaded, list), "\n".join(map(str, loaded))
    assert text == (ROOT / "deploy/examples/tiphys.yaml").read_text("utf-8"), "one example, not two"


def test_development_is_one_process_on_a_volume_of_its_own() -> None:
    spec = one("development", "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    [data] = [volume for volume in pod("development")["volumes"] if volume["name"] == "data"]
    assert data == {"name": "data", "persistentVolumeClaim": {"claimName": one_claim()["metadata"]["name"]}}
    assert one_claim()["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert not any("DATABASE_URL_FILE" in variables(container) for container in containers("development"))


@pytest.mark.parametrize(("overlay", "replicas"), [("staging", 1), ("production", 2)])
def test_the_others_are_on_postgresql_and_never_all_down(overlay: str, replicas: int) -> None:
    spec = one(overlay, "Deployment")["spec"]
    assert spec["replicas"] == replicas
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    upgrade, tiphys = containers(overlay)
    assert (upgrade["args"], tiphys["args"]) == (["db", "upgrade"], ["run"])
    assert upgrade["image"] == tiphys["image"]
    assert variables(upgrade)["DATABASE_URL_FILE"] == variables(tiphys)["DATABASE_URL_FILE"]


def test_production_is_spread_and_outlives_maintenance() -> None:
    budget = one("production", "PodDisruptionBudget")["spec"]
    selector = one("production", "Deployment")["spec"]["selector"]
    assert budget["minAvailable"] < one("production", "Deployment")["spec"]["replicas"]
    assert budget["selector"] == selector
    spread = pod("production")["topologySpreadConstraints"]
    assert {constraint["topologyKey"] for constraint in spread} == {
        "kubernetes.io/hostname", "topology.kubernetes.io/zone",
    }  # fmt: skip
    assert all(constraint["labelSelector"] == selector for constraint in spread)


def pause(overlay: str) -> int:
    """Seconds between the decision that a Pod goes and its SIGTERM."""
    [tiphys] = pod(overlay)["containers"]
    if "lifecycle" not in tiphys:
        return 0
    program, seconds = tiphys["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    return int(seconds)


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container["env"]}


def one_claim() -> dict[str, Any]:
    return one("development", "PersistentVolumeClaim")
