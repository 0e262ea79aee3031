"""What the database says when it gives no answer, and what no waiting will mend."""

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.ports_store import StoreUnavailable
from bot.store.unavailable import DatabaseRefused, raise_if_definite, unavailable_when_lost


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OperationalError(None, None, Exception("connection\n refused")), "connection refused"),
        (PoolTimeout(), "every connection is in use"),
        (TimeoutError(), "it does not answer in time"),
    ],
)
def test_no_answer_is_one_word_with_its_reason(error: Exception, reason: str) -> None:
    with pytest.raises(StoreUnavailable) as raised, unavailable_when_lost():
        raise error
    assert raised.value.reason == reason


def test_an_answer_stays_what_it_is() -> None:
    with pytest.raises(IntegrityError), unavailable_when_lost():
        raise IntegrityError(None, None, Exception("duplicate key"))


@pytest.mark.parametrize(
    "reason",
    [
        'connection failed: FATAL: password authentication failed for user "tiphys"',
        'FATAL: database "tiphys" does not exist',
        'FATAL: role "tiphys" does not exist',
        'FATAL: no pg_hba.conf entry for host "10.0.0.7"',
    ],
)
def test_a_refusal_is_not_waited_for(reason: str) -> None:
    with pytest.raises(DatabaseRefused, match="Correct DATABASE_URL"):
        raise_if_definite(StoreUnavailable(reason))


@pytest.mark.parametrize(
    "reason",
    ["FATAL: the database system is starting up", "FATAL: sorry, too many clients already", "connection refused"],
)
def test_an_absence_is(reason: str) -> None:
    raise_if_definite(StoreUnavailable(reason))
