"""What a Kustomize directory reads, and what its content key holds."""

import re
from collections.abc import Mapping

import pytest

from bot.domain.identity import Revision
from bot.integrations.git.mirror import Mirror
from bot.strategies.kustomization import (
    AmbiguousKustomization,
    kustomization_file,
    paths_of_key,
    read_paths,
)
from tests.integrations.git.conftest import BY
from tests.strategies.conftest import Repository

ROOT = "deploy/overlays/production"


async def reads(
    repository: Repository, overlay: str, others: Mapping[str | bytes, bytes | str | None] | None = None, **modes: str
) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    files: dict[str | bytes, bytes | str | None] = {f"{ROOT}/kustomization.yaml": overlay, **(others or {})}
    tip = repository.commit(files, modes=dict(modes.items()))
    found = await read_paths(repository.git, tip, ROOT)
    return found.directories, found.files, found.widened


async def test_follows_directories_and_files(repository: Repository) -> None:
    directories, files, widened = await reads(
        repository,
        """
resources: [../../base, ingress.yaml, ../../shared/role.yaml]
components: [../../components/tls/]
patches:
- path: patch.yaml
- path: ../../shared/patch.yaml
  target: {kind: Deployment}
- patch: |-
    - op: remove
      path: /spec
  target: {kind: Service}
patchesStrategicMerge:
- ../../shared/merge.yaml
- |-
  kind: Deployment
configMapGenerator:
- name: a
  literals: [x=../../not-a-file]
  files: [../../shared/plain.txt, key.txt=../../shared/keyed.txt]
  envs: [../../shared/one.env]
secretGenerator:
- {name: b, env: ../../shared/two.env}
replacements:
- path: ../../shared/replacement.yaml
- source: {kind: ConfigMap}
  targets: []
openapi: {path: ../../shared/schema.json}
crds: [../../shared/crd.json]
configurations: [../../shared/names.yaml]
images: [{name: api, newTag: "1"}]
helmGlobals: {chartHome: charts}
""",
        {
            "deploy/base/kustomization.yml": "bases: [../more]\nresources: [a.yaml]\n",
            "deploy/base/a.yaml": "kind: A\n",
            "deploy/more/Kustomization": "namespace: x\n",
            "deploy/components/tls/kustomization.yaml": "kind: Component\nresources: [sub]\n",
            "deploy/components/tls/sub/kustomization.yaml": "resources: [../../../../elsewhere.yaml]\n",
            "deploy/shared/role.yaml": "kind: Role\n",
            "elsewhere.yaml": "kind: X\n",
        },
    )
    assert widened is None
    assert directories == ("deploy/base", "deploy/components/tls", "deploy/more", ROOT)
    assert files == (
        "deploy/shared/crd.json", "deploy/shared/keyed.txt", "deploy/shared/merge.yaml", "deploy/shared/names.yaml",
        "deploy/shared/one.env", "deploy/shared/patch.yaml", "deploy/shared/plain.txt",
        "deploy/shared/replacement.yaml", "deploy/shared/role.yaml", "deploy/shared/schema.json",
        "deploy/shared/two.env", "elsewhere.yaml",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("overlay", "reason"),
    [
        ("resources: ['https://github.com/example/apm//deploy?ref=v1']", "remote"),
        ("resources: ['github.com/example/apm?ref=v1']", "remote"),
        ("resources: ['git@github.com:example/apm.git']", "remote"),
        ("configMapGenerator: [{name: a, files: ['https://example.com/x']}]", "remote"),
        ("helmCharts: [{name: x}]", "Helm chart"),
        ("nextYearsField: {path: x}", "nextYearsField"),
        ("resources: [../../../../x]", "leads out of the repository"),
        ("resources: [/etc/passwd]", "absolute"),
        ("resources: ['']", "not a path|empty path"),
        ("resources: {a: b}", "not a list"),
        ("configMapGenerator: [{name: a, kvSources: []}]", "kvSources"),
        ("generators: [{a: b}]", "not a path"),
        ("transformers: [plugin.yaml]", "'Custom' in plugin.yaml may read more"),
        ('validators: ["kind: Custom\\nx: 1"]', "'Custom' in validators may read more"),
        ("transformers: [plugins]", "the plugins in plugins may read more"),
        ("resources: {{ .Values.x }}", "template"),
        ("resources: [a]\nresources: [b]", "twice"),
        ("<<: {resources: [a]}", "<<"),
        ("- a", "not a mapping"),
        ("resources: [empty]", "it has no kustomization"),
    ],
)
async def test_what_is_not_understood_widens_to_the_whole_tree(
    repository: Repository, overlay: str, reason: str
) -> None:
    plugin: dict[str | bytes, bytes | str | None] = {
        f"{ROOT}/plugin.yaml": "kind: Custom\n",
        f"{ROOT}/plugins/x": "",
        f"{ROOT}/empty/x": "",
    }
    _, _, widened = await reads(repository, overlay + "\n", plugin)
    assert widened is not None
    assert re.search(reason, widened), widened


async def test_harmless_plugins_do_not_widen(repository: Repository) -> None:
    inline = "kind: PatchTransformer\nmetadata: {name: x}\npatch: '[]'\n"
    overlay = f"transformers:\n- ../../shared/labels.yaml\n- |\n  {inline.replace(chr(10), chr(10) + '  ')}\n"
    found = await reads(repository, overlay, {"deploy/shared/labels.yaml": "kind: LabelTransformer\n"})
    assert found == ((ROOT,), ("deploy/shared/labels.yaml",), None)


@pytest.mark.parametrize("place", ["deploy", "deploy/overlays", ROOT, "shared"])
async def test_a_symbolic_link_on_the_way_widens(repository: Repository, place: str) -> None:
    tip = repository.commit(
        {
            "real/kustomization.yaml": "resources: []\n",
            **({f"{ROOT}/kustomization.yaml": "resources: [../../../shared]\n"} if place == "shared" else {}),
            place: "real",
        },
        modes={place: "120000"},
    )
    found, widened = await paths_of_key(repository.git, tip, ROOT)
    assert widened is not None
    assert f"{place} is a symbolic link" in widened
    root = await repository.git.find_entry(tip, "")
    assert root is not None
    assert found == {"": root.id}


async def test_a_submodule_and_a_linked_kustomization_widen(repository: Repository) -> None:
    first = repository.commit({"x": "1"})
    tip = repository.commit(
        {f"{ROOT}/kustomization.yaml": "resources: [../../sub]\n", "deploy/sub": first}, modes={"deploy/sub": "160000"}
    )
    assert "submodule" in str((await read_paths(repository.git, tip, ROOT)).widened)
    tip = repository.commit({"a/kustomization.yaml": "../x"}, modes={"a/kustomization.yaml": "120000"})
    assert "symbolic link" in str((await read_paths(repository.git, tip, "a")).widened)


@pytest.mark.parametrize("name", [".argocd-source.yaml", ".argocd-source-apm-stack-production.yaml"])
async def test_settings_for_argocd_beside_the_kustomization_widen(repository: Repository, name: str) -> None:
    """They may name components and plugins; in another folder nothing reads them."""
    settings = "kustomize:\n  components: [../../components/prod]\n"
    base: dict[str | bytes, bytes | str | None] = {
        "deploy/base/kustomization.yaml": "namespace: a\n", f"deploy/base/{name}": settings,
    }  # fmt: skip
    assert (await reads(repository, "resources: [../../base]\n", base))[2] is None
    widened = (await reads(repository, "namespace: b\n", {f"{ROOT}/{name}": settings}))[2]
    assert widened == f"{ROOT}: its {name} may make Argo CD read more"


async def test_two_kustomizations_in_a_directory_are_an_error(repository: Repository) -> None:
    tip = repository.commit({"a/kustomization.yaml": "", "a/Kustomization": ""})
    with pytest.raises(AmbiguousKustomization):
        await kustomization_file(repository.git, tip, "a")
    assert "takes only one" in str((await read_paths(repository.git, tip, "a")).widened)
    tip = repository.commit({"a/kustomization.yaml": None})
    assert await kustomization_file(repository.git, tip, "a") == "a/Kustomization"
    assert await kustomization_file(repository.git, tip, "nowhere") is None


async def test_directories_that_name_each_other_end(repository: Repository) -> None:
    found = await reads(
        repository,
        "resources: [../../base]\n",
        {"deploy/base/kustomization.yaml": "resources: [../overlays/production]\n"},
    )
    assert found == (("deploy/base", ROOT), (), None)


async def test_the_root_of_the_repository_may_be_the_directory(repository: Repository) -> None:
    tip = repository.commit(
        {"kustomization.yaml": "resources: [a.yaml, sub]\n", "sub/kustomization.yaml": "namespace: x\n"}
    )
    root = await repository.git.find_entry(tip, "")
    assert root is not None
    assert await paths_of_key(repository.git, tip, "") == ({"": root.id}, None)


async def test_the_key_tells_what_matters_from_what_does_not(repository: Repository) -> None:
    base: dict[str | bytes, bytes | str | None] = {
        f"{ROOT}/kustomization.yaml": "resources: [../../base, ../../missing.yaml]\n",
        "deploy/base/kustomization.yaml": "resources: [a.yaml]\n",
        "deploy/base/a.yaml": "kind: A\n",
    }
    tip = repository.commit({**base, "README.md": "x"})
    key, widened = await paths_of_key(repository.git, tip, ROOT)
    assert widened is None
    assert set(key) == {ROOT, "deploy/base", "deploy/missing.yaml"}
    assert key["deploy/missing.yaml"] == "-"
    assert await same_key(repository, key, repository.commit({"README.md": "y", "deploy/overlays/staging/x": "y"}))
    assert not await same_key(repository, key, repository.commit({"deploy/base/a.yaml": "kind: B\n"}))
    repository.commit({"deploy/base/a.yaml": "kind: A\n"})
    assert not await same_key(repository, key, repository.commit({"deploy/missing.yaml": "kind: B\n"}))


async def same_key(repository: Repository, key: Mapping[str, str], tip: Revision) -> bool:
    return (await paths_of_key(repository.git, tip, ROOT))[0] == key


async def test_a_merged_tree_has_a_key_too(repository: Repository) -> None:
    git: Mirror = repository.git
    base = repository.commit({f"{ROOT}/kustomization.yaml": "namespace: a\n", "x": "1"})
    ours = await git.make_commit(base, {f"{ROOT}/kustomization.yaml": b"namespace: b\n"}, "m", BY)
    theirs = repository.commit({"x": "2"})
    tree = await git.merge_trees(theirs, ours)
    assert isinstance(tree, str)
    assert await paths_of_key(git, tree, ROOT) == await paths_of_key(git, ours, ROOT)
