"""Gate `window`."""

from collections.abc import Callable

from bot.domain.gate import Gate
from bot.domain.live import SyncWindows
from bot.gates import window
from bot.gates.case import GateCase
from tests.examples import HOUR, NOW

Case = Callable[..., GateCase]


def test_argocds_yes_opens_it(case: Case) -> None:
    assert window.evaluate(case()) == Gate.open("window", "no sync window in the way")


def test_argocds_no_closes_it_with_its_words_and_the_time_it_opens(case: Case) -> None:
    shut = SyncWindows(can_sync=False, description="deny from 14:00 for 2 h", opens_at=NOW + HOUR)
    assert window.evaluate(case(windows=shut)) == Gate.closed("window", "deny from 14:00 for 2 h", opens_at=NOW + HOUR)


def test_a_no_without_words_still_gives_a_reason(case: Case) -> None:
    assert window.evaluate(case(windows=SyncWindows(can_sync=False))) == Gate.closed(
        "window", "an Argo CD sync window blocks syncs now"
    )
