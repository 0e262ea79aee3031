"""`silence list|add|extend|expire`: how it is declared and read, and what it answers to what is not clear."""

from pathlib import Path

import pytest

from bot.chat import AlertRight
from commands.silence import COMMAND
from tests.alert_desk import ONCALL, open_alert_desk
from tests.commands.conftest import Typed


def test_declaration() -> None:
    assert COMMAND.usage == "silence [what] [which]"
    assert (COMMAND.action, COMMAND.slash) == (AlertRight.GET, True)


@pytest.mark.parametrize("example", COMMAND.examples)
def test_its_examples_are_understood(typed: Typed, example: str) -> None:
    assert typed.means(example, COMMAND)


async def test_what_is_not_clear_is_asked_back(tmp_path: Path) -> None:
    async with open_alert_desk(tmp_path) as alert_desk:
        for words, says in (
            ("silence lst", "Did you mean list"),
            ("silence list --pgae 2", "Did you mean --page"),
            ("silence list --page x", "is no page"),
            ("silence add 2h", "matchers: It is empty"),
            ("silence add 2h x=1", "--comment: Say why"),
            ("silence add soon x=1 --comment y", "duration: It is not a duration"),
            ("silence add 400d x=1 --comment y", "duration: It is not a duration"),
            ("silence add 40d x=1 --comment y", "duration: It is too long: at most 30d"),
            ("silence add 10s x=1 --comment y", "duration: It is too short"),
            ('silence add 2h x=~".*" --comment y', "matchers: This matches every alert"),
            ('silence add 2h x=~"(" --comment y', "is not a regular expression"),
            ("silence add 2h x=1 --comment y --why z", "I do not know --why"),
            ("silence add soon", "/gitops silence add alone asks in a dialog"),
            ("silence extend 1a2b3c4d", "duration: Say for how long"),
            ("silence extend 1a2b3c4d 2h --why x", "I do not know --why"),
        ):
            assert says in await alert_desk.desk.tell(alert_desk.desk.command(ONCALL, words)), words
        assert await alert_desk.silences() == []
