"""Who may do something about a silence: asked of what its matchers mean, since they are anybody's to edit."""

from collections.abc import Sequence

from bot.domain.alerts.alert import Alert, ReportedAlert
from bot.domain.alerts.group import Tie
from bot.domain.alerts.matcher import Matcher
from bot.domain.alerts.wish import fixed
from bot.domain.identity import UserId
from bot.domain.request import Answer
from bot.ports import ConfigurationInForce
from bot.ports_alerts import Alertmanager
from bot.services.access import Access, AlertRight, Forbidden
from bot.services.alerts.tying import tie_of


class SilenceRights:
    """Read-only."""

    def __init__(self, access: Access, source: ConfigurationInForce) -> None:
        self._access, self._source = access, source

    def tie(self, matchers: tuple[Matcher, ...]) -> Tie | None:
        """To what everything belongs that these can ever match, as far as that is sure."""
        return tie_of(fixed(matchers), {}, self._source.current)

    def tie_of_alert(self, alert: Alert) -> Tie | None:
        return tie_of(alert.labels, alert.annotations, self._source.current)

    async def refusal_anywhere(self, user: UserId) -> Answer | None:
        """Why he may silence nothing at all; None where he may something."""
        permit = await self._access.permit(user, AlertRight.SILENCE, None)
        return Answer.refusal(permit.slug, permit.text) if isinstance(permit, Forbidden) else None

    async def refusal_to_hide(
        self, user: UserId, matchers: tuple[Matcher, ...], client: Alertmanager
    ) -> Answer | tuple[ReportedAlert, ...]:
        """Why he may not silence all that these can match, and all that they match now; what that is where he may."""
        if (answer := await self.refusal(user, AlertRight.SILENCE, [self.tie(matchers)])) is not None:
            return answer
        matched = await client.list_alerts(matchers)
        ties = [self.tie_of_alert(one.alert) for one in matched]
        return await self.refusal(user, AlertRight.SILENCE, ties) or matched

    async def refusal(self, user: UserId, right: AlertRight, ties: Sequence[Tie | None]) -> Answer | None:
        """The first no for one of these; None where he may with all of them."""
        for tie in dict.fromkeys(ties):
            permit = await self._access.permit_alerts(user, right, tie)
            if isinstance(permit, Forbidden):
                return Answer.refusal(permit.slug, permit.text)
        return None
