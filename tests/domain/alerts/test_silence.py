"""What a button says of a silence: it comes back as it left, and anything else is no silence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alerts.silence import Silence, SilenceRef, SilenceState, read_ref
from tests.examples import NOW

MOMENTS = st.floats(0, 9_999_999_999).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(st.text(max_size=60), st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True), MOMENTS)
def test_it_comes_back_to_the_second(source: str, name: str, ends: datetime) -> None:
    ref = SilenceRef(source=source, id=name, ends_at=ends)
    assert ref.can_travel
    assert read_ref(ref.written()) == SilenceRef(source=source, id=name, ends_at=ends.replace(microsecond=0))


@pytest.mark.parametrize(
    "value",
    ["", "x", "[]", "[" * 5_000, "null", "{}", '{"silence": "a"}', '{"silence": 1, "source": "a", "ends": "1"}',
     '{"silence": "a b", "source": "a", "ends": "1"}', '{"silence": "a", "source": "a", "ends": "x"}',
     '{"silence": "a", "source": "a", "ends": 1}', '{"silence": "a", "source": "a", "ends": "999999999999"}',
     '{"silence": "a", "source": null, "ends": "1"}', '{"silence": "", "source": "a", "ends": "1"}'],
)  # fmt: skip
def test_anything_else_is_none(value: str) -> None:
    assert read_ref(value) is None


def test_who_saw_another_end_saw_something_else() -> None:
    silence = Silence(
        id="a", state=SilenceState.ACTIVE, matchers=(), starts_at=NOW, ends_at=NOW, created_by="", comment=""
    )
    ref = SilenceRef.of("default", silence)
    assert ref.is_as_seen(silence)
    assert not SilenceRef(source="default", id="a", ends_at=NOW + timedelta(seconds=1)).is_as_seen(silence)
