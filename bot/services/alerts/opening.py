"""What is decided for a group when it opens: its id, its channel, its application, and the change before it."""

from collections.abc import Callable
from dataclasses import replace

from ulid import ULID

from bot.domain.alerts.group import AlertGroup, AlertGroupId
from bot.ports import ConfigurationInForce
from bot.ports_store import Transaction
from bot.services.alerts.routing import route
from bot.services.alerts.tying import NamespaceOf, change_before, tie


def fresh_id() -> AlertGroupId:
    return AlertGroupId(str(ULID()))


class Opening:
    """`complete` asks nobody outside: it is called inside of transactions. `new_id`: for the next group that opens, if
    one does; never the id of another."""

    def __init__(
        self, source: ConfigurationInForce, namespace_of: NamespaceOf = lambda stage: None, *,
        new_id: Callable[[], AlertGroupId] = fresh_id,
    ) -> None:  # fmt: skip
        self._source, self._namespace_of, self.new_id = source, namespace_of, new_id

    async def complete(self, tx: Transaction, group: AlertGroup) -> AlertGroup:
        """The group as it is to be inserted: the channel stays as long as it lasts."""
        configuration = self._source.current
        found = tie(group, configuration, self._namespace_of)
        return replace(
            group, channel=route(group, configuration.alerts).channel, tie=found,
            change=await change_before(tx, group, found),
        )  # fmt: skip

    async def again(self, tx: Transaction, stored: AlertGroup, group: AlertGroup) -> AlertGroup:
        """A group whose alerts are no longer those of its row, tied anew: by what they have in common now, and by what
        has shipped until it began to fire. What a guess went by may not be known this moment: then it stands."""
        found = tie(group, self._source.current, self._namespace_of)
        is_guessed = found is None and stored.tie is not None and stored.tie.is_guess
        if is_guessed and stored.common_labels == group.common_labels:
            found = stored.tie
        fires_again = stored.is_over and not group.is_over
        if found == group.tie and not fires_again:
            return group
        return replace(group, tie=found, change=await change_before(tx, group, found))
