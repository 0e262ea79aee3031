"""How promotions are written to Git: one file per strategy, and the roster of them."""

from typing import assert_never

from bot.domain import pipeline
from bot.strategies.branch import BranchStrategy
from bot.strategies.kustomize_images import KustomizeImagesStrategy
from bot.strategies.plan import CannotPlan, NothingToPromote, Plan, Side, Strategy

__all__ = ["CannotPlan", "NothingToPromote", "Plan", "Side", "Strategy", "strategy_for"]


def strategy_for(config: pipeline.Strategy) -> Strategy:
    """The strategy that an application's configuration names. Raises `ValueError` for a field path it cannot read."""
    match config:
        case pipeline.KustomizeImages():
            return KustomizeImagesStrategy(config)
        case pipeline.EnvironmentBranches():
            return BranchStrategy(config)
        case _:
            assert_never(config)
