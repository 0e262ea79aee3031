"""What is read out of objects, and what Secrets show of themselves."""

import pytest

from bot.sandbox.argocd.objects import Json, Key, SecretMask, constant_mask, images_of, key_of, tag_of, wave_of


def secret(**values: str) -> Json:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": values}


def test_keys_and_how_they_are_named() -> None:
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    assert key_of(deployment, "apm") == Key("apps", "Deployment", "apm", "web")
    assert key_of(deployment, "apm").applied_as == "deployment.apps/web"
    assert key_of(secret(), "apm").label == "/Secret/s"
    assert key_of({"kind": "Namespace", "metadata": {"name": "apm"}}, "apm").namespace == ""


def test_a_wave_that_is_no_number_is_zero() -> None:
    waves = [{"metadata": {"annotations": {"argocd.argoproj.io/sync-wave": text}}} for text in ("-5", "x", "")]
    assert [wave_of(obj) for obj in waves] == [-5, 0, 0]


@pytest.mark.parametrize(
    ("image", "tag"),
    [("a:1-bad", "1-bad"), ("host:5000/a", ""), ("host:5000/a:2", "2"), ("a:1@sha256:ff", "1"), ("a@sha256:ff", "")],
)
def test_tags(image: str, tag: str) -> None:
    assert tag_of(image) == tag


def test_images_of_init_containers_count() -> None:
    pod = {"initContainers": [{"image": "i:1"}], "containers": [{"image": "c:1"}, {"image": "c:1"}]}
    assert images_of({"kind": "Job", "spec": {"template": {"spec": pod}}}) == ["i:1", "c:1"]


def test_every_value_of_a_secret_is_the_same_constant() -> None:
    assert constant_mask(secret(a="x", b="yy"))["data"] == {"a": "++++++++", "b": "++++++++"}
    texts = {**secret(a="x"), "stringData": {"c": "plain"}}
    masked = constant_mask(texts)
    assert masked["data"] == {"a": "++++++++", "c": "++++++++"}
    assert "stringData" not in masked


def test_within_one_answer_different_values_differ_in_length() -> None:
    mask = SecretMask()
    assert [mask(secret(a=value))["data"]["a"] for value in ("x", "y", "x")] == ["+" * 8, "+" * 9, "+" * 8]
