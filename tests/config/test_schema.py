from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from bot.config.schema import schema
from tests.config.conftest import WHOLE, WITH_ALERTS, changed

ROOT = Path(__file__).parents[2]


def errors(text: str) -> list[str]:
    return [error.json_path for error in Draft202012Validator(schema()).iter_errors(yaml.safe_load(text))]


def definitions() -> Iterator[dict[str, Any]]:
    whole = schema()
    yield whole
    yield from whole["$defs"].values()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_valid_files_are_valid_by_it() -> None:
    assert errors(WHOLE) == []
    assert errors(WITH_ALERTS) == []
    assert errors((ROOT / "deploy/examples/tiphys.yaml").read_text()) == []
    assert errors((ROOT / "tests/samples/config/contract.yaml").read_text()) == []


def test_mistakes_of_shape_are_found_by_it() -> None:
    assert errors(changed(("sync: automated", "sync: auto"))) == ["$.environments"]
    assert errors(changed(("version: 1\n", "version: 1\nzzz: 1\n"))) == ["$"]
    assert errors(changed(("needed: 1", "needed: one")))
    assert errors(changed(("{github: example/shop}", "{github: example/shop, token: {}}")))
    assert errors(changed(("sync: automated", "soak: 10")))
    assert errors(changed(("severity: any", "severity: none"), text=WITH_ALERTS)) == ["$.alerts"]
    assert errors(changed(("who: U0ONE", "who: one"), text=WITH_ALERTS))
    assert errors(changed(("fail_after: 20m", "during_soak: wait"), text=WITH_ALERTS)) == ["$.defaults"]
    assert errors(changed(("tenant: edge", "tenant: a/b"), text=WITH_ALERTS))


def test_every_key_is_described() -> None:
    shapes = schema()["$defs"]
    for definition in definitions():
        for name, key in definition.get("properties", {}).items():
            shape = shapes[key["$ref"].rpartition("/")[2]] if "$ref" in key else {}
            assert key.get("description") or shape.get("description"), f"{definition['title']}.{name}"
