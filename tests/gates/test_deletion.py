"""Gate `deletion`."""

from collections.abc import Callable

from bot.domain.gate import Gate
from bot.gates import deletion
from bot.gates.case import GateCase
from tests.examples import live

Case = Callable[..., GateCase]


def test_an_application_that_is_being_deleted_closes_it(case: Case) -> None:
    assert deletion.evaluate(case(live=live(is_deleting=True))) == Gate.closed(
        "deletion", "the Application is being deleted in Argo CD"
    )


def test_it_is_silent_otherwise(case: Case) -> None:
    assert deletion.evaluate(case()) is None
