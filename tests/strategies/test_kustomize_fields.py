"""Which fields of a kustomization name files."""

import pytest

from bot.strategies.kustomize_fields import NotUnderstood, check_plugin, named_by
from bot.strategies.yaml_nodes import read_document


def test_a_patch_may_be_a_path_or_written_in_place() -> None:
    named = named_by(
        read_document(
            b"patches: [old-style.yaml, {path: a.yaml}, {patch: '- op: add'}, {path: }]\n"
            b"patchesStrategicMerge: [b.yaml, 'kind: X', '{kind: X}', \"\\n- op: add\\n- x\"]\n"
        ).root
    )
    assert (named.either, named.files, named.plugins) == ([], ["old-style.yaml", "a.yaml", "b.yaml"], [])


def test_generator_files_may_have_keys() -> None:
    named = named_by(read_document(b"configMapGenerator: [{files: [a, k=b, =c], envs: [d], env: e}]\n").root)
    assert named.files == ["a", "b", "c", "d", "e"]


def test_an_empty_field_names_nothing() -> None:
    named = named_by(read_document(b"resources:\ncrds: []\nhelmCharts: []\nunheardOf:\n").root)
    assert (named.either, named.files) == ([], [])


@pytest.mark.parametrize("text", ["a", "patches: [{path: [x]}]", "patches: {path: x}", "configMapGenerator: [x]"])
def test_an_unknown_shape_is_not_understood(text: str) -> None:
    with pytest.raises(NotUnderstood):
        named_by(read_document(text.encode()).root)


def test_only_plugins_that_read_nothing_are_harmless() -> None:
    check_plugin(b"kind: LabelTransformer\n", "x")
    check_plugin(b"kind: PatchTransformer\npatch: '[]'\n", "x")
    for config in (b"kind: PatchTransformer\npath: y\n", b"kind: Other\n", b"a: b\n", b"[", b"kind: [a]\n"):
        with pytest.raises(NotUnderstood):
            check_plugin(config, "x")
