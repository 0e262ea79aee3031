"""Gate `application`."""

from collections.abc import Callable

from bot.domain.gate import Gate
from bot.gates import application
from bot.gates.case import GateCase
from tests.examples import live

Case = Callable[..., GateCase]


def test_it_is_silent_when_the_application_is_the_one_that_is_meant(case: Case) -> None:
    assert application.evaluate(case()) is None


def test_a_mismatch_closes_it_with_both_values(case: Case) -> None:
    wrong = ("project is 'other', tiphys.yaml says 'apm'", "path is 'x', tiphys.yaml says 'y'")
    assert application.evaluate(case(mismatches=wrong)) == Gate.closed(
        "application", "the live Application differs from tiphys.yaml: project is 'other', tiphys.yaml says 'apm'"
    )


def test_an_unsupported_shape_closes_it_and_comes_before_a_mismatch(case: Case) -> None:
    odd = live(unsupported=(("multi-source", "it has several sources"),))
    gate = application.evaluate(case(live=odd, mismatches=("project is 'other'",)))
    assert gate == Gate.closed("application", "it has several sources")


def test_one_that_reads_beyond_its_folder_closes_it(case: Case) -> None:
    odd = live(beyond=(("outside-paths", "it has components"),))
    assert application.evaluate(case(live=odd)) == Gate.closed("application", "it has components")
