from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.domain.durations import LONGEST, duration, write_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("1h30m", timedelta(minutes=90)),
        ("90m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("500ms", timedelta(milliseconds=500)),
        ("1m500ms", timedelta(minutes=1, milliseconds=500)),
        ("0s", timedelta(0)),
    ],
)
def test_read(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "30m1h", "10 m", "10M", "1h 30m", "٣m", "10m\n"])
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


@pytest.mark.parametrize("text", ["367d", "9999999999999999999d"])
def test_longer_than_a_year_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="longer than a year"):
        duration(text)


@given(some.integers(0, LONGEST // timedelta(milliseconds=1)))
def test_what_is_written_is_read_again(milliseconds: int) -> None:
    length = timedelta(milliseconds=milliseconds)
    assert duration(write_duration(length)) == length
