"""What a promotion by `kustomize-images` carries, and which bytes it leaves alone."""

from collections.abc import Mapping
from textwrap import dedent

import pytest

from bot.domain.change import ValueChange
from bot.domain.pipeline import KustomizeImages
from bot.strategies import CannotPlan, NothingToPromote, Plan, Side, strategy_for
from bot.strategies.kustomize_images import KustomizeImagesStrategy
from tests.strategies.conftest import Repository

CONFIG = KustomizeImages(branch="main", path="overlays/{environment}")
STAGING, PRODUCTION = "overlays/staging/kustomization.yaml", "overlays/production/kustomization.yaml"
DIGEST = "sha256:" + "0a" * 32


async def planned(
    repository: Repository, staging: str, production: str, *, fields: tuple[str, ...] = ()
) -> Plan | NothingToPromote | CannotPlan:
    tip = repository.commit({STAGING: dedent(staging), PRODUCTION: dedent(production)})
    strategy = KustomizeImagesStrategy(KustomizeImages(branch="main", path="overlays/{environment}", fields=fields))
    return await strategy.plan(
        repository.git,
        source=Side(environment="staging", treeish=tip),
        target=Side(environment="production", treeish=tip),
    )


def text_of(files: Mapping[str, bytes]) -> str:
    assert list(files) == [PRODUCTION]
    return files[PRODUCTION].decode()


async def test_carries_tags_and_leaves_everything_else(repository: Repository) -> None:
    result = await planned(
        repository,
        """\
        images:
          - name: api
            newTag: 2.15.1
          - name: collector
            newTag: "0.109.0"
        """,
        """\
        # production
        resources: [../../base]   # keep
        images:
        - name: collector # first
          newTag: '0.108.0'   # pinned, see runbook
        - name:   api
          newName: registry.example.com/api
          newTag: 2.14.0
        replicas:
          - {name: api, count: 6}
        """,
    )
    assert isinstance(result, Plan)
    assert result.values == (
        ValueChange(name="api", old="2.14.0", new="2.15.1", file=PRODUCTION),
        ValueChange(name="collector", old="0.108.0", new="0.109.0", file=PRODUCTION),
    )
    assert result.notes == ()
    assert text_of(result.files) == dedent(
        """\
        # production
        resources: [../../base]   # keep
        images:
        - name: collector # first
          newTag: '0.109.0'   # pinned, see runbook
        - name:   api
          newName: registry.example.com/api
          newTag: 2.15.1
        replicas:
          - {name: api, count: 6}
        """
    )


async def test_nothing_to_promote_is_an_answer(repository: Repository) -> None:
    same = "images: [{name: api, newTag: '1.0'}]\n"
    assert await planned(repository, same, "images:\n- name: api\n  newTag: 1.0\n") == NothingToPromote()


@pytest.mark.parametrize(
    ("source", "target", "result"),
    [
        (f"  digest: {DIGEST}", "  newTag: '1.0' # why", f"  digest: '{DIGEST}' # why"),
        ("  newTag: '2.0'", f"  digest: {DIGEST} # why", '  newTag: "2.0" # why'),
        (f"  newTag: v2\n  digest: {DIGEST}", "  newTag: v1", f'  newTag: v2\n  digest: "{DIGEST}"'),
        ("  newTag: v2", f"  newTag: v1\n  digest: {DIGEST}\n  newName: x", "  newTag: v2\n  newName: x"),
        ("  newTag: '1.10'", "  newTag: v1", '  newTag: "1.10"'),
        ("  newTag: v2", "  newName: other", "  newName: other\n  newTag: v2"),
        ("  newTag: 1e5", "  newTag: 1.10", '  newTag: "1e5"'),
    ],
)
async def test_tag_and_digest_move_together(repository: Repository, source: str, target: str, result: str) -> None:
    def overlay(middle: str) -> str:
        return f"images:\n- name: api\n{middle}\n- name: z\n  newTag: same\n"

    done = await planned(repository, overlay(source), overlay(target))
    assert isinstance(done, Plan)
    assert text_of(done.files) == overlay(result)


async def test_an_image_that_only_the_source_names_is_added_and_said(repository: Repository) -> None:
    target = "images:\n  -   name: api\n      newTag: 'v1'\nreplicas: []\n"
    result = await planned(
        repository,
        f"images:\n- {{name: api, newTag: v1}}\n- {{name: worker, newTag: v3}}\n- {{name: db, digest: '{DIGEST}'}}\n",
        target,
    )
    assert isinstance(result, Plan)
    added = f"  -   name: worker\n      newTag: 'v3'\n  -   name: db\n      digest: \"{DIGEST}\"\n"
    assert text_of(result.files) == target.replace("replicas", added + "replicas")
    assert result.values == (
        ValueChange(name="worker", old="", new="v3", file=PRODUCTION),
        ValueChange(name="db", old="", new=DIGEST, file=PRODUCTION),
    )
    assert result.notes == (f"worker is new in {PRODUCTION}", f"db is new in {PRODUCTION}")


@pytest.mark.parametrize(
    ("target", "result"),
    [
        ("images: []\n", 'images: [{name: "worker", newTag: "v3"}]\n'),
        ("images: [{name: a, newTag: v1},]\n", "images: [{name: a, newTag: v1}, {name: worker, newTag: v3},]\n"),
        (
            "images:\n- {name: a, newTag: 'v1'} # x",
            "images:\n- {name: a, newTag: 'v1'} # x\n- {name: worker, newTag: 'v3'}",
        ),
        (
            "images:\r\n- name: a\r\n  newTag: v1",
            "images:\r\n- name: a\r\n  newTag: v1\r\n- name: worker\r\n  newTag: v3",
        ),
    ],
)
async def test_an_added_image_looks_like_its_neighbours(repository: Repository, target: str, result: str) -> None:
    done = await planned(repository, "images: [{name: worker, newTag: v3}]\n", target)
    assert isinstance(done, Plan)
    assert done.files[PRODUCTION].decode() == result


async def test_what_the_source_takes_from_its_own_registry_is_not_added(repository: Repository) -> None:
    result = await planned(
        repository,
        "images: [{name: api, newTag: v2}, {name: x, newName: staging.example.com/x, newTag: v1}]\n",
        "images: [{name: api, newTag: v1}, {name: only-here, newTag: v1}]\n",
    )
    assert isinstance(result, Plan)
    assert result.notes == (
        "x is not included: production does not name it, and staging takes it from a registry of its own",
        "only production names only-here; left as it is",
    )


async def test_an_image_named_twice(repository: Repository) -> None:
    twice = "images:\n- {name: api, newTag: v1}\n- {name: api, newTag: v2}\n"
    refused = await planned(repository, twice, "images: [{name: api, newTag: v0}]\n")
    assert isinstance(refused, CannotPlan)
    assert refused.slug == "image-duplicate"
    result = await planned(repository, "images: [{name: api, newTag: v3}]\n", twice)
    assert isinstance(result, Plan)
    assert text_of(result.files) == twice.replace("v1", "v3").replace("v2", "v3")
    assert result.notes == (f"api stands 2 times in {PRODUCTION}; all were set",)


async def test_chosen_fields_travel_with_their_kind(repository: Repository) -> None:
    fields = ("replicas[name=api].count", "labels[0].pairs.app\\.version", "namePrefix", "nameSuffix", "namespace")
    result = await planned(
        repository,
        """\
        images: []
        replicas: [{name: api, count: 3}]
        labels: [{pairs: {app.version: "1.10"}}]
        namePrefix: a-
        nameSuffix: -b
        """,
        """\
        images: []
        replicas:
        - {name: worker, count: 1}
        - {name: api, count: 2} # two
        labels:
        - pairs:
            app.version: 1.9
        nameSuffix: "-c"
        namespace: prod
        """,
        fields=fields,
    )
    assert isinstance(result, Plan)
    assert text_of(result.files) == dedent(
        """\
        images: []
        replicas:
        - {name: worker, count: 1}
        - {name: api, count: 3} # two
        labels:
        - pairs:
            app.version: "1.10"
        nameSuffix: "-b"
        namespace: prod
        namePrefix: a-
        """
    )
    assert [value.name for value in result.values] == [*fields[:4]]
    assert result.notes == ("namespace is in only production; left as it is",)


@pytest.mark.parametrize(
    ("source", "target", "slug"),
    [
        ("images: [{name: api, newTag: v2}]", "resources: []", "no-images-list"),
        ("images: [{name: api, newTag: v2}]", "images:", "no-images-list"),
        ("images: [{name: api, newTag: v2}]", "images: {{ .Values.images }}", "yaml-template"),
        ("images: [{name: api, newTag: v2}]", "images: [{name: api, newTag: '{{ tag }}'}]", "yaml-template"),
        ("images: [{name: api, newTag: v2}]", "images: [{name: api, newTag: &t v1}]", "yaml-anchored"),
        ("images: [{name: api, newTag: v2}]", "x: &t v1\nimages: [{name: api, newTag: *t}]", "yaml-alias"),
        ("images: [{name: api, newTag: v2}]", "images: &i [{name: api, newTag: v1}]\nx: *i", "yaml-alias"),
        ("images: [{name: api, newTag: v2}]", "images:\n- name: api\n  newTag: |\n    v1", "yaml-multi-line"),
        ("images: [{name: api, newTag: v2}]", "images:\n- name: api\n  newTag: 'v1\n    x'", "yaml-multi-line"),
        ("images: [{name: api, newTag: v2}]", "images:\n- name: api\n\tnewTag: v1", "yaml-invalid"),
        ("images: [{name: api, newTag: v2}]", "images: []\n---\nimages: []", "yaml-multi-document"),
        ("images: [{name: api, newTag: v2}]", "images: []\nimages: []", "yaml-duplicate-key"),
        ("images: [{name: api, newTag: v2}]", "# " + "x" * 300_000, "yaml-too-big"),
        ("images: [{name: api, newTag: v2}]", "images: " + "[" * 500 + "]" * 500, "yaml-too-deep"),
        ("images: [{name: api, newTag: v2}]", "images: {api: v1}", "images-not-a-list"),
        ("images: [{name: api, newTag: v2}]", "x: &x {newTag: v1}\nimages: [{name: api, <<: *x}]", "image-not-plain"),
        ("images: [{name: api, newTag: 'v 2'}]", "images: [{name: api, newTag: v1}]", "image-bad-version"),
        ("images: [{name: api, newTag: [v2]}]", "images: [{name: api, newTag: v1}]", "image-not-plain"),
        ("images: [{newTag: v2}]", "images: [{name: api, newTag: v1}]", "image-not-plain"),
    ],
)
async def test_what_cannot_be_written_safely_is_refused(
    repository: Repository, source: str, target: str, slug: str
) -> None:
    result = await planned(repository, source + "\n", target + "\n")
    assert isinstance(result, CannotPlan), result
    assert result.slug == slug
    assert result.reason


async def test_missing_and_ambiguous_overlays_are_refused(repository: Repository) -> None:
    tip = repository.commit({STAGING: "images: []\n"})
    strategy = strategy_for(CONFIG)
    sides = Side(environment="staging", treeish=tip), Side(environment="production", treeish=tip)
    result = await strategy.plan(repository.git, source=sides[0], target=sides[1])
    assert isinstance(result, CannotPlan)
    assert (result.slug, result.way_out) == ("no-kustomization", "check the strategy's path")
    tip = repository.commit({"overlays/staging/Kustomization": "images: []\n"})
    side = Side(environment="staging", treeish=tip)
    result = await strategy.plan(repository.git, source=side, target=side)
    assert isinstance(result, CannotPlan)
    assert result.slug == "kustomization-ambiguous"


async def test_the_source_is_read_where_it_was_deployed(repository: Repository) -> None:
    deployed = repository.commit(
        {STAGING: "images: [{name: api, newTag: v2}]\n", PRODUCTION: "images: [{name: api, newTag: v1}]\n"}
    )
    ahead = repository.commit({STAGING: "images: [{name: api, newTag: v3}]\n"})
    result = await strategy_for(CONFIG).plan(
        repository.git,
        source=Side(environment="staging", treeish=deployed),
        target=Side(environment="production", treeish=ahead),
    )
    assert isinstance(result, Plan)
    assert result.values == (ValueChange(name="api", old="v1", new="v2", file=PRODUCTION),)


async def test_tells_what_runs_against_what_would_ship(repository: Repository) -> None:
    strategy = strategy_for(CONFIG)
    nothing = repository.commit({"README.md": "x"})
    active = repository.commit(
        {PRODUCTION: "images: [{name: api, newTag: v1}, {name: gone, newTag: v1}, {name: same}]\n"}
    )
    result = repository.commit(
        {PRODUCTION: f"images: [{{name: api, newTag: v2, digest: '{DIGEST}'}}, {{name: same}}]\n"}
    )

    async def differences(old: str, new: str) -> object:
        return await strategy.active_differences(
            repository.git,
            active=Side(environment="production", treeish=old),
            result=Side(environment="production", treeish=new),
        )

    assert await differences(active, result) == (
        ValueChange(name="api", old="v1", new=f"v2@{DIGEST}", file=PRODUCTION),
        ValueChange(name="gone", old="v1", new="", file=PRODUCTION),
    )
    assert await differences(nothing, active) == (
        ValueChange(name="api", old="", new="v1", file=PRODUCTION),
        ValueChange(name="gone", old="", new="v1", file=PRODUCTION),
    )
    assert isinstance(await differences(active, nothing), CannotPlan)


async def test_both_overlays_come_over_one_connection(repository: Repository) -> None:
    tip = repository.commit(
        {STAGING: "images: [{name: api, newTag: v2}]\n", PRODUCTION: "images: [{name: api, newTag: v1}]\n"}
    )
    await repository.git.fetch()
    before = repository.server.count("POST")
    side = Side(environment="staging", treeish=tip), Side(environment="production", treeish=tip)
    await strategy_for(CONFIG).plan(repository.git, source=side[0], target=side[1])
    assert repository.server.count("POST") == before + 1
