"""Whatever stands in the file, reading it ends with a configuration or with problems that each have a fix."""

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.config.loading import load
from tests.config.conftest import ALERT_SECRETS, TOKENS, WHOLE, WITH_ALERTS, Reading

ODD: some.SearchStrategy[Any] = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(-1, 2),
    some.sampled_from(
        ["", "x", "production", "role:release", "U0ONE", "S0X", "10m", "{environment}", "../x", "branch", "a=b", "any"]
    ),
    some.lists(some.sampled_from(["dev", "U0ONE", 1, None, {}]), max_size=2),
    some.dictionaries(
        some.sampled_from(["env", "type", "from", "needed", "dev"]), some.none() | some.just("x"), max_size=2
    ),
)


READ_FILE = Reading().with_alerts().read_file


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


@settings(max_examples=200, deadline=None)
@given(some.data())
def test_a_file_with_odd_values_anywhere(data: some.DataObject) -> None:
    whole = yaml.safe_load(data.draw(some.sampled_from([WHOLE, WITH_ALERTS])))
    for _ in range(data.draw(some.integers(1, 4))):
        place = data.draw(some.sampled_from(places(whole)[1:]))
        holder = whole
        for step in place[:-1]:
            holder = holder[step]
        if isinstance(holder, dict) and data.draw(some.booleans()):
            holder[data.draw(some.sampled_from(["fro", "zzz", "Production", "dev"]))] = data.draw(ODD)
        else:
            holder[place[-1]] = data.draw(ODD)
    found = load(yaml.safe_dump(whole), file="f", environ=TOKENS | ALERT_SECRETS, read_file=READ_FILE)
    if isinstance(found, list):
        assert found
        assert all(
            problem.reason and problem.fix and (problem.line or problem.file == "environment") for problem in found
        )
        assert len(set(found)) == len(found)


@settings(max_examples=200, deadline=None)
@given(some.text(alphabet="ab:- {}[]&*!|>'\"#\n\t%@`?,<~1\x00\ufeff\u2028", max_size=60))
def test_any_text(text: str) -> None:
    found = load(text, file="f", environ={}, read_file=Reading().read_file)
    assert isinstance(found, list)
    assert found
