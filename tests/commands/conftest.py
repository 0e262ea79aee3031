"""Commands as they are typed, and the help that is printed of them."""

from dataclasses import dataclass, field

import pytest

from bot.chat.command import Args, Command
from bot.chat.parsing import Misread, Understood, read
from bot.domain.pipeline import Configuration
from tests.desk import COMMANDS, configuration


@dataclass(frozen=True)
class Typed:
    """Reads lines as people type them."""

    configuration: Configuration = field(default_factory=configuration)

    def args(self, words: str) -> Args:
        """The arguments of a line that is understood."""
        found = read(words, COMMANDS, self.configuration)
        assert isinstance(found, Understood), found.text.plain
        return found.args

    def refusal(self, words: str) -> tuple[str, str]:
        """Slug and words of the answer to a line that is not."""
        found = read(words, COMMANDS, self.configuration)
        assert isinstance(found, Misread), found
        return found.slug, found.text.plain

    def means(self, words: str, command: Command) -> bool:
        found = read(words, COMMANDS, self.configuration)
        return isinstance(found, Understood) and found.command is command


@pytest.fixture(scope="session")
def typed() -> Typed:
    return Typed()
