"""The Alertmanager client: what `bot.ports_alerts.Alertmanager` promises, over one source's API v2 (0.25 and newer).

Mimir, Cortex and Grafana speak the same under a path of their own, the first two with a tenant's header.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote

from bot.domain.alerts.alert import Alert, AlertState, ReportedAlert
from bot.domain.alerts.matcher import Matcher, Operator
from bot.domain.alerts.policy import AlertSource
from bot.domain.alerts.silence import Silence, SilenceDraft, SilenceState
from bot.integrations.alertmanager import wire
from bot.integrations.alertmanager.transport import Patience, Transport
from bot.meter import SILENT, Meter
from bot.ports import Clock, NotFound, OutsideError
from bot.ports_alerts import AlertmanagerStatus

SETTLED_AFTER = timedelta(minutes=2)
"""Alerts are not kept over a restart: until Prometheus has sent them again, their absence says nothing."""

T = TypeVar("T")

_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


class AlertmanagerClient:
    """One source that has a `url`. Implements `bot.ports_alerts.Alertmanager`; raises the errors of `bot.ports` alone.

    Close it when done, or use it as a context manager.
    """

    def __init__(
        self, source: AlertSource, *, clock: Clock, patience: Patience | None = None, meter: Meter = SILENT
    ) -> None:
        self._clock, self._patience = clock, patience or Patience()
        self._transport = Transport(source, self._patience, meter=meter)
        self._page = f"{(source.url or '').rstrip('/')}/#/alerts"
        self._answers_since: datetime | None = None

    async def __aenter__(self) -> "AlertmanagerClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.close()

    async def list_alerts(
        self, matchers: tuple[Matcher, ...] = (), *, receiver: str | None = None
    ) -> tuple[ReportedAlert, ...]:
        """All that fire, with those that are silenced or inhibited; `receiver` is a name, matched whole."""
        query = [("filter", str(matcher)) for matcher in matchers]
        if receiver is not None:
            query.append(
                ("receiver", _SPECIAL.sub(r"\\\g<0>", receiver))
            )  # an expression there, anchored by the server
        return tuple(_reported(alert) for alert in await self._transport.get("/alerts", wire.ALERTS, query))

    async def status(self) -> AlertmanagerStatus:
        """Who does not tell since when it is up (Grafana) counts as up since it answered us."""
        try:
            answer = await self._transport.get("/status", wire.STATUS)
        except OutsideError:
            self._answers_since = None
            raise
        now = self._clock.now()
        self._answers_since = self._answers_since or now
        started_at = answer.uptime or self._answers_since
        return AlertmanagerStatus(
            version=answer.version_info.version or "unknown",
            started_at=started_at,
            settled=now - started_at >= SETTLED_AFTER and answer.cluster.status != "settling",
            cluster=answer.cluster.status,
        )

    async def list_silences(self) -> tuple[Silence, ...]:
        """All that are kept, expired ones too: active, pending, expired."""
        found = await self._transport.get("/silences", wire.SILENCES)
        return tuple(self._silence(silence) for silence in found)

    async def get_silence(self, silence: str) -> Silence:
        """Raises `NotFound` only after peers had the time to tell each other; so do the next three."""
        path = _path_of(silence)
        return self._silence(await self._once_gossiped(lambda: self._transport.get(path, wire.SILENCE)))

    async def create_silence(self, draft: SilenceDraft) -> str:
        """One POST, never repeated here: look for the comment before asking again. A start in the past becomes now."""
        return (await self._transport.post("/silences", wire.SILENCE_ID, _body(draft))).silence_id

    async def update_silence(self, silence: str, draft: SilenceDraft) -> str:
        """The id that it has now. It stays where it is active, and matchers and start (to the second) are the same;
        else the old one is expired, and another made."""
        body = {**_body(draft), "id": silence}
        answer = await self._once_gossiped(lambda: self._transport.post("/silences", wire.SILENCE_ID, body))
        return answer.silence_id

    async def expire_silence(self, silence: str) -> None:
        """End it now; one that has ended is a success."""
        await self._once_gossiped(lambda: self._transport.delete(_path_of(silence)))

    def page_of(self, matchers: tuple[Matcher, ...]) -> str:
        """Alertmanager's own page, with what is silenced and inhibited."""
        asked = quote("{" + ",".join(str(matcher) for matcher in matchers) + "}", safe="")
        return f"{self._page}?silenced=true&inhibited=true&active=true&filter={asked}"

    async def _once_gossiped(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again while there is no such silence: behind one address may be a peer that has not heard of it yet.

        Nothing was done then, so that repeating is safe.
        """
        give_up_at = asyncio.get_running_loop().time() + self._patience.gossip
        while True:
            try:
                return await ask()
            except NotFound:
                if asyncio.get_running_loop().time() >= give_up_at:
                    raise
            await asyncio.sleep(self._patience.gossip_pause)

    def _silence(self, silence: wire.ApiSilence) -> Silence:
        try:
            state = SilenceState(silence.status.state)
        except ValueError:
            now = self._clock.now()
            state = SilenceState.ACTIVE if silence.starts_at <= now else SilenceState.PENDING
            state = SilenceState.EXPIRED if silence.ends_at <= now else state
        return Silence(
            id=silence.id,
            state=state,
            matchers=tuple(_matcher(matcher) for matcher in silence.matchers),
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            created_by=silence.created_by,
            comment=silence.comment,
        )


def _reported(alert: wire.ApiAlert) -> ReportedAlert:
    """A state that we do not know is never taken for a silence: the alert fires."""
    state = AlertState.FIRING
    if alert.status.silenced_by:
        state = AlertState.SILENCED
    elif alert.status.inhibited_by or alert.status.state == "suppressed":
        state = AlertState.INHIBITED
    return ReportedAlert(
        alert=Alert(
            fingerprint=alert.fingerprint,
            labels=alert.labels,
            annotations=alert.annotations,
            state=state,
            starts_at=alert.starts_at,
            generator_url=alert.generator_url,
            silenced_by=alert.status.silenced_by,
            inhibited_by=alert.status.inhibited_by,
        ),
        receivers=tuple(receiver.name for receiver in alert.receivers),
    )


def _matcher(matcher: wire.ApiMatcher) -> Matcher:
    if matcher.is_regex:
        operator = Operator.MATCHES if matcher.is_equal else Operator.MATCHES_NOT
    else:
        operator = Operator.EQUAL if matcher.is_equal else Operator.NOT_EQUAL
    return Matcher(matcher.name, operator, matcher.value)


def _path_of(silence: str) -> str:
    return f"/silence/{quote(silence, safe='')}"


def _body(draft: SilenceDraft) -> dict[str, object]:
    return {
        "matchers": [
            {"name": each.name, "value": each.value, "isRegex": each.is_regex, "isEqual": each.is_equal}
            for each in draft.matchers
        ],
        "startsAt": _stamp(draft.starts_at),
        "endsAt": _stamp(draft.ends_at),
        "createdBy": draft.created_by,
        "comment": draft.comment,
    }


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
