"""Whether a card can be posted where it belongs."""

from bot.domain.identity import ChannelId
from bot.domain.request import Answer
from bot.domain.text import Code, InChannel, Text
from bot.ports import Directory


class Channels:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def refusal(self, channel: ChannelId) -> Answer | None:
        """None when we can post there, or when that cannot be told now (the outbox will keep trying)."""
        if await self._directory.is_in_channel(channel) is not False:
            return None
        words = Text.of("I am not in ", InChannel(channel), ": type ", Code("/invite @tiphys"), " there and ask again.")
        return Answer.refusal("not-in-channel", words)
