"""Silences that there are: listed, extended, ended. `bot/services/alerts/silencing.py` makes them."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.alerts.silence import Silence, SilenceDraft, SilenceState
from bot.domain.identity import UserId
from bot.domain.request import Answer, Request
from bot.domain.text import Code, Moment, Strong, Text, counted, listed
from bot.ports import Clock, ConfigurationInForce, Directory, OutsideError, Refused
from bot.ports_alerts import Alertmanager, Alertmanagers
from bot.ports_store import Store
from bot.services.access import Access, AlertRight
from bot.services.alerts.silence_effects import Effect, SilenceEffects
from bot.services.alerts.silence_rights import SilenceRights
from bot.services.alerts.silence_words import Found, line, no_api, refused
from bot.services.names import Names
from bot.wake import Bells

PER_PAGE = 8
_PREFIX = re.compile(r"[0-9a-z][0-9a-z-]{3,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changed:
    """What became of a silence: the id that it has now, and until when it goes on."""

    silence: str
    verb: str
    until: Text


_Change = Callable[[Alertmanager, Silence], Awaitable[Answer | _Changed]]


class Silences:
    """One method per act; each answers what the asker is told, and has stored it already. `OutsideError` passes
    through where no answer could be had: the act is tried again, and finds what it did the first time."""

    def __init__(
        self, store: Store, access: Access, alertmanagers: Alertmanagers, directory: Directory,
        source: ConfigurationInForce, clock: Clock, bells: Bells,
    ) -> None:  # fmt: skip
        self._alertmanagers, self._source, self._clock = alertmanagers, source, clock
        self._rights = SilenceRights(access, source)
        self._effects = SilenceEffects(store, clock, bells)
        self._names = Names(directory)

    async def extend(self, request: Request, name: str, length: timedelta) -> Answer:
        """Let it end so long from now."""

        async def change(client: Alertmanager, found: Silence) -> Answer | _Changed:
            ends = self._clock.now() + length
            if ends <= found.ends_at:
                words = Text.of("It ends later than that already: ", Moment(found.ends_at), ".")
                return Answer.refusal("already", words)
            draft = SilenceDraft(
                matchers=found.matchers, starts_at=found.starts_at, ends_at=ends, created_by=found.created_by,
                comment=found.comment,
            )  # fmt: skip
            now_called = await client.update_silence(found.id, draft)
            return _Changed(silence=now_called, verb="extended", until=Text.of(" until ", Moment(ends)))

        return await self._change(request, "alert.extend", name, change)

    async def expire(self, request: Request, name: str) -> Answer:
        """End it now."""

        async def change(client: Alertmanager, found: Silence) -> Answer | _Changed:
            await client.expire_silence(found.id)
            return _Changed(silence=found.id, verb="ended", until=Text())

        return await self._change(request, "alert.expire", name, change)

    async def list_silences(self, user: UserId, page: int = 1) -> Text:
        """Those in force and to come that he may look at, the first to end first."""
        shown: list[Found] = []
        lines: list[Text] = []
        hidden = 0
        for source in self._sources():
            try:
                silences = await self._silences(source)
            except OutsideError as error:
                lines.append(Text.of(f"\n{source}: no answer ({error.reason})."))
                continue
            for silence in silences:
                if silence.state is SilenceState.EXPIRED:
                    continue
                if await self._rights.refusal(user, AlertRight.GET, [self._rights.tie(silence.matchers)]):
                    hidden += 1
                else:
                    shown.append(Found(source=source, silence=silence))
        shown.sort(key=lambda one: (one.silence.ends_at, one.silence.id))
        pages = max(-(-len(shown) // PER_PAGE), 1)
        page = min(max(page, 1), pages)
        names_source = len(self._sources()) > 1
        for one in shown[(page - 1) * PER_PAGE : page * PER_PAGE]:
            lines.append(line(one, names_source=names_source))
        if hidden:
            lines.append(Text.of(f"\n{hidden} more that you may not look at."))
        if pages > 1:
            lines.append(Text.of(f"\nPage {page} of {pages}: ", Code(f"/silence list --page {page % pages + 1}")))
        first = f"{counted(len(shown), 'silence')}:" if shown else "No silence is in force."
        return Text.of(first, *lines)

    async def _change(self, request: Request, asked: str, name: str, change: _Change) -> Answer:
        found = await self._find(name)
        if isinstance(found, Answer):
            return await self._effects.conclude(request, asked, found)
        silence = found.silence
        answer = await self._rights.refusal(request.user, AlertRight.SILENCE, [self._rights.tie(silence.matchers)])
        client = self._alertmanagers.get(found.source)
        if answer is None and silence.state is SilenceState.EXPIRED:
            answer = Answer.refusal("finished", Text.of("It is over since ", Moment(silence.ends_at), "."))
        if answer is not None or client is None:
            return await self._effects.conclude(request, asked, answer or no_api(found.source))
        try:
            changed = await change(client, silence)
        except Refused as error:
            changed = refused(error)
        if isinstance(changed, Answer):
            return await self._effects.conclude(request, asked, changed)
        who = await self._names.name_of(self._source.current, request.user)
        done = Text.of(f"The silence is {changed.verb}", changed.until, ": ", Code(changed.silence[:8]), ".")
        effect = Effect(
            source=found.source, means=lambda alert: silence.id in alert.silenced_by,
            says=Text.of("🔕 ", Strong(who), f" {changed.verb} the silence of "), until=changed.until,
            detail={"silence": changed.silence, "was": silence.id, "source": found.source},
        )  # fmt: skip
        return await self._effects.conclude(request, asked, Answer.done(done), None, effect)

    async def _find(self, name: str) -> Found | Answer:
        """By the beginning of its id, which must be the only one's."""
        wanted = name.strip().lower()
        if not _PREFIX.fullmatch(wanted):
            words = Text.of("A silence is named by the first characters of its id, at least four: ",
                            Code("/silence list"), " shows them.")  # fmt: skip
            return Answer.refusal("no-such-silence", words)
        alike: list[Found] = []
        for source in self._sources():
            silences = await self._silences(source)
            alike += [Found(source=source, silence=one) for one in silences if one.id.startswith(wanted)]
        live = [one for one in alike if one.silence.state is not SilenceState.EXPIRED] or alike
        if len(live) == 1:
            return live[0]
        if live:
            words = Text.of("Several begin like that: ", Code(listed(tuple(one.silence.id for one in live))), ".")
            return Answer.refusal("ambiguous", words)
        words = Text.of("There is no silence ", Code(wanted), ". ", Code("/silence list"), " shows those in force.")
        return Answer.refusal("no-such-silence", words)

    async def _silences(self, source: str) -> tuple[Silence, ...]:
        client = self._alertmanagers.get(source)
        return await client.list_silences() if client is not None else ()

    def _sources(self) -> tuple[str, ...]:
        return tuple(name for name in self._source.current.alerts.sources if self._alertmanagers.get(name) is not None)
