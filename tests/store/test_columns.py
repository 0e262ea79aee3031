"""Moments as numbers: nothing of them is lost, and they sort."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from bot.store.columns import Moment
from tests.examples import NOW

DIALECT = sqlite.dialect()
moments = st.datetimes(min_value=datetime(1600, 1, 1), max_value=datetime(3000, 1, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC)
)


def stored(moment: datetime | None) -> int | None:
    return Moment().process_bind_param(moment, DIALECT)


def back(moment: datetime | None) -> datetime | None:
    return Moment().process_result_value(stored(moment), DIALECT)


def test_nothing_stays_nothing() -> None:
    assert back(None) is None


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        stored(NOW.replace(tzinfo=None))


def test_another_zone_is_the_same_moment() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert stored(elsewhere) == stored(NOW)
    assert back(elsewhere) == NOW


@given(moments, moments)
def test_moments_come_back_and_sort_as_they_are(one: datetime, other: datetime) -> None:
    assert back(one) == one
    assert (stored(one) or 0) < (stored(other) or 0) if one < other else (stored(one) or 0) >= (stored(other) or 0)
