"""When the database is silent: nothing was answered for long, and something was asked."""

import asyncio

import pytest

from bot.ports_store import StoreUnavailable
from bot.store.silence import LONG_SECONDS, Silence


class Watch:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def silence(watch: Watch) -> Silence:
    return Silence(watch)


def fallen(silence: Silence) -> bool:
    """Asked anew: a property would be taken for what it was."""
    return silence.has_fallen


def ends(silence: Silence, watch: Watch, error: BaseException, *, after: float) -> None:
    """A transaction that ends so."""
    with silence.listening():
        watch.now += after
        raise error


def test_whoever_was_not_asked_is_not_silent(silence: Silence, watch: Watch) -> None:
    watch.now = 100.0
    assert not fallen(silence)


def test_a_question_that_waits_for_long_and_its_answer(silence: Silence, watch: Watch) -> None:
    with silence.listening():
        assert not fallen(silence)
        watch.now += LONG_SECONDS
        assert fallen(silence)
        with silence.listening():
            watch.now += 0.1
        assert not fallen(silence), "another one was answered since"
    assert not fallen(silence)


@pytest.mark.parametrize("end", [StoreUnavailable("away"), asyncio.CancelledError()])
def test_what_was_given_up_after_long_counts_until_there_is_an_answer(
    silence: Silence, watch: Watch, end: BaseException
) -> None:
    with pytest.raises(type(end)):
        ends(silence, watch, end, after=LONG_SECONDS)
    watch.now += 100
    assert fallen(silence)
    with silence.listening():
        pass
    assert not fallen(silence)


def test_an_error_of_ours_or_a_quick_no_is_no_silence(silence: Silence, watch: Watch) -> None:
    with pytest.raises(StoreUnavailable):
        ends(silence, watch, StoreUnavailable("refused at once"), after=0)
    with pytest.raises(KeyError):
        ends(silence, watch, KeyError(), after=LONG_SECONDS)
    assert not fallen(silence)
