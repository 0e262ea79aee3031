"""The protocol of strategies, and its roster."""

import pytest

from bot.domain.pipeline import KustomizeImages
from bot.strategies import Strategy, strategy_for
from bot.strategies.plan import Plan


def test_every_configured_strategy_has_its_implementation() -> None:
    made: Strategy = strategy_for(KustomizeImages(branch="main", path="o/{environment}", fields=("a.b",)))
    assert made is not None


def test_a_field_path_that_cannot_be_read_is_told_when_the_strategy_is_made() -> None:
    with pytest.raises(ValueError, match="must start with a key"):
        strategy_for(KustomizeImages(branch="main", path="o/{environment}", fields=("[0]",)))


def test_a_plan_does_not_print_the_files() -> None:
    assert "secret" not in repr(Plan(values=(), files={"a": b"secret"}))
