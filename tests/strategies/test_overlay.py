"""An overlay's images and fields, as its kustomization writes them."""

import pytest

from bot.strategies.field_paths import FieldPath
from bot.strategies.overlay import Cannot, as_written, find_overlay, get_overlay
from bot.strategies.plan import Side
from tests.strategies.conftest import Repository


async def test_values_are_source_text(repository: Repository) -> None:
    text = """images:
- {name: api, newTag: 1.10}
- {name: db, newTag: 0123, digest: "sha256:aa"}
- {name: bare}
- {name: empty, newTag: , digest: ''}
replicas: [{name: api, count: 3}]
"""
    tip = repository.commit({"o/kustomization.yaml": text})
    overlay = await get_overlay(repository.git, Side(environment="staging", treeish=tip), "o")
    assert overlay.values([FieldPath.parse("replicas[name=api].count")]) == {
        "api": "1.10", "db": "0123@sha256:aa", "bare": "", "empty": "", "replicas[name=api].count": "3",
    }  # fmt: skip
    with pytest.raises(Cannot) as raised:
        overlay.values([FieldPath.parse("replicas")])
    assert raised.value.answer.slug == "field-not-a-scalar"


async def test_an_absent_overlay(repository: Repository) -> None:
    side = Side(environment="staging", treeish=repository.commit({"x": "1"}))
    assert await find_overlay(repository.git, side, "o") is None
    with pytest.raises(Cannot, match="o of staging has no kustomization file at"):
        await get_overlay(repository.git, side, "o")


def test_a_version_as_people_write_it() -> None:
    assert [as_written("v1", ""), as_written("", "sha256:a"), as_written("v1", "sha256:a"), as_written("", "")] == [
        "v1", "sha256:a", "v1@sha256:a", "",
    ]  # fmt: skip
