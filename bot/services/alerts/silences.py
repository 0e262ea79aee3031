"""Silences that there are: listed, extended, ended. `bot/services/alerts/silencing.py` makes them."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.alerts.silence import Silence, SilenceDraft, SilenceRef, SilenceState
from bot.domain.alerts.wish import Extension, extended_comment
from bot.domain.identity import UserId
from bot.domain.request import Answer, Request
from bot.domain.text import Code, Moment, Plain, SilenceButtons, Strong, Text, counted, listed
from bot.ports import Clock, ConfigurationInForce, Directory, OutsideError, Refused
from bot.ports_alerts import Alertmanager, Alertmanagers
from bot.ports_store import Store
from bot.services.access import Access, AlertRight
from bot.services.alerts.silence_effects import Effect, SilenceEffects, id_of
from bot.services.alerts.silence_rights import SilenceRights
from bot.services.alerts.silence_words import Found, line, no_api, refused
from bot.services.names import Names
from bot.wake import Bells

PER_PAGE = 8
LOOK_SECONDS = 0.8
CLOCKS_APART = timedelta(seconds=5)
"""How far Alertmanager's clock may be from ours."""
STALE = frozenset({"finished", "changed"})
_PREFIX = re.compile(r"[0-9a-z][0-9a-z-]{3,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changed:
    """What became of a silence: the id that it has now, and until when it goes on."""

    silence: str
    verb: str
    until: Text


_Change = Callable[[Alertmanager, Silence], Awaitable[Answer | _Changed]]
_DoneBefore = Callable[[Request, Silence], Awaitable[_Changed | None]]
"""By an earlier try of the same act, whose answer was lost."""


class Silences:
    """One method per act; each answers what the asker is told, and has stored it already. `OutsideError` passes
    through where no answer could be had: the act is tried again, and finds what it did the first time."""

    def __init__(
        self, store: Store, access: Access, alertmanagers: Alertmanagers, directory: Directory,
        source: ConfigurationInForce, clock: Clock, bells: Bells,
    ) -> None:  # fmt: skip
        self._store, self._alertmanagers, self._source, self._clock = store, alertmanagers, source, clock
        self._rights = SilenceRights(access, source)
        self._effects = SilenceEffects(store, clock, bells)
        self._names = Names(directory)

    async def look(self, user: UserId, ref: SilenceRef) -> Silence | Answer:
        """What a button is about, as it is now, for who may change it; quickly, or why not. Writes nothing."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                found = await self._find(ref)
        except TimeoutError:
            return _no_answer(ref, "it is slow")
        except OutsideError as error:
            return _no_answer(ref, error.reason)
        if isinstance(found, Answer):
            return found
        answer = await self._rights.refusal(user, AlertRight.SILENCE, [self._rights.tie(found.silence.matchers)])
        return answer or _over(found.silence) or found.silence

    async def extend(self, request: Request, which: str | SilenceRef, extension: Extension) -> Answer:
        """Let it end so long from now. `which` is the beginning of its id as typed, or what a button carried."""

        async def change(client: Alertmanager, found: Silence) -> Answer | _Changed:
            ends = self._clock.now() + extension.length
            if ends <= found.ends_at:
                words = Text.of("It ends later than that already: ", Moment(found.ends_at), ".")
                return Answer.refusal("already", words)
            said = ""
            if extension.comment:
                by = await self._names.named(self._source.current, request.user)
                said = f"extended by {by}: {extension.comment}"
            draft = SilenceDraft(
                matchers=found.matchers, starts_at=found.starts_at, ends_at=ends, created_by=found.created_by,
                comment=extended_comment(found.comment, said, id_of(request)),
            )  # fmt: skip
            now_called = await client.update_silence(found.id, draft)
            return _extended(now_called, ends)

        return await self._change(request, "alert.extend", which, change, self._extended_before)

    async def expire(self, request: Request, which: str | SilenceRef) -> Answer:
        """End it now."""

        async def change(client: Alertmanager, found: Silence) -> Answer | _Changed:
            async with self._store.writing() as tx:
                await tx.inbound.begin(request.id)
            await client.expire_silence(found.id)
            return _ended(found)

        return await self._change(request, "alert.expire", which, change, self._ended_before)

    async def list_silences(self, user: UserId, page: int = 1) -> Text:
        """Those in force and to come that he may look at, the first to end first; with buttons where he may end it."""
        if not (sources := self._sources()):
            return no_api("").text
        shown: list[Found] = []
        lines: list[Text] = []
        hidden, answered = 0, True
        for source in sources:
            try:
                silences = await self._silences(source)
            except OutsideError as error:
                answered = False
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
        names_source = len(sources) > 1
        for one in shown[(page - 1) * PER_PAGE : page * PER_PAGE]:
            lines.append(line(one, names_source=names_source))
            if not await self._rights.refusal(user, AlertRight.SILENCE, [self._rights.tie(one.silence.matchers)]):
                lines.append(Text.of(SilenceButtons(SilenceRef.of(one.source, one.silence))))
        if hidden:
            lines.append(Text.of(f"\n{hidden} more that you may not look at."))
        if pages > 1:
            lines.append(
                Text.of(f"\nPage {page} of {pages}: ", Code(f"/gitops silence list --page {page % pages + 1}"))
            )
        none = "No silence is in force." if answered else "Whether any silence is in force is not known."
        return Text.of(f"{counted(len(shown), 'silence')}:" if shown else none, *lines)

    async def _change(
        self, request: Request, asked: str, which: str | SilenceRef, change: _Change, done_before: _DoneBefore
    ) -> Answer:
        found = await self._find(which, act=id_of(request))
        if isinstance(found, Answer):
            return await self._effects.conclude(request, asked, found)
        source, silence = found.source, found.silence
        client = self._alertmanagers.get(source)
        if client is None:  # the configuration was reloaded meanwhile
            return await self._effects.conclude(request, asked, no_api(source))
        changed = await self._changed(request, which, silence, client, change, done_before)
        detail = {"silence": silence.id, "source": source}
        effect = Effect(source=source, means=lambda alert: silence.id in alert.silenced_by, detail=detail)
        if isinstance(changed, Answer):
            is_stale = changed.refused in STALE  # whoever pressed saw something else: let that be looked at
            return await self._effects.conclude(request, asked, changed, None, effect if is_stale else None)
        who = await self._names.name_of(self._source.current, request.user)
        done = Text.of(f"The silence is {changed.verb}", changed.until, ": ", Code(changed.silence[:8]), ".")
        effect = replace(
            effect, says=Text.of("🔕 ", Strong(who), f" {changed.verb} the silence of "), until=changed.until,
            detail={**detail, "silence": changed.silence, "was": silence.id},
        )  # fmt: skip
        return await self._effects.conclude(request, asked, Answer.done(done), None, effect)

    async def _changed(
        self, request: Request, which: str | SilenceRef, silence: Silence, client: Alertmanager, change: _Change,
        done_before: _DoneBefore,
    ) -> Answer | _Changed:  # fmt: skip
        try:
            hides = await self._rights.refusal_to_hide(request.user, silence.matchers, client)
            if isinstance(hides, Answer):
                return hides
            if (done := await done_before(request, silence)) is not None:
                return done
            return _over(silence) or _moved(which, silence) or await change(client, silence)
        except Refused as error:
            return refused(error)

    async def _extended_before(self, request: Request, silence: Silence) -> _Changed | None:
        if silence.state is not SilenceState.EXPIRED and id_of(request) in silence.comment:
            return _extended(silence.id, silence.ends_at)
        return None

    async def _ended_before(self, request: Request, silence: Silence) -> _Changed | None:
        """Alertmanager tells when it ended, and not by whom: if that was since the act arrived, and the act had been
        tried, it was the act."""
        if silence.state is not SilenceState.EXPIRED:
            return None
        async with self._store.reading() as tx:
            since = await tx.inbound.begun(request.id)
        return _ended(silence) if since is not None and silence.ends_at >= since - CLOCKS_APART else None

    async def _find(self, which: str | SilenceRef, *, act: str | None = None) -> Found | Answer:
        """The one that carries the act's id, from an earlier try; else the one that is meant."""
        if isinstance(which, str):
            return await self._find_typed(which, act)
        if self._alertmanagers.get(which.source) is None:
            return no_api(which.source)
        silences = await self._silences(which.source)
        silence = _carrying(act, silences) or next((one for one in silences if one.id == which.id), None)
        if silence is None:
            words = Text.of("This silence is no longer known: it ended days ago. ", Code("/gitops silence list"),
                            " shows those in force.")  # fmt: skip
            return Answer.refusal("no-such-silence", words)
        return Found(source=which.source, silence=silence)

    async def _find_typed(self, name: str, act: str | None) -> Found | Answer:
        """By the beginning of its id, which must be the only one's."""
        wanted = name.strip().lower()
        if not _PREFIX.fullmatch(wanted):
            words = Text.of("A silence is named by the first characters of its id, at least four: ",
                            Code("/gitops silence list"), " shows them.")  # fmt: skip
            return Answer.refusal("no-such-silence", words)
        alike: list[Found] = []
        for source in self._sources():
            silences = await self._silences(source)
            if (mine := _carrying(act, silences)) is not None:
                return Found(source=source, silence=mine)
            alike += [Found(source=source, silence=one) for one in silences if one.id.startswith(wanted)]
        live = [one for one in alike if one.silence.state is not SilenceState.EXPIRED] or alike
        if len(live) == 1:
            return live[0]
        if live:
            words = Text.of("Several begin like that: ", Code(listed(tuple(one.silence.id for one in live))), ".")
            return Answer.refusal("ambiguous", words)
        words = Text.of(
            "There is no silence ", Code(wanted), ". ", Code("/gitops silence list"), " shows those in force."
        )
        return Answer.refusal("no-such-silence", words)

    async def _silences(self, source: str) -> tuple[Silence, ...]:
        client = self._alertmanagers.get(source)
        return await client.list_silences() if client is not None else ()

    def _sources(self) -> tuple[str, ...]:
        return tuple(name for name in self._source.current.alerts.sources if self._alertmanagers.get(name) is not None)


def _carrying(act: str | None, silences: tuple[Silence, ...]) -> Silence | None:
    live = (one for one in silences if one.state is not SilenceState.EXPIRED)
    return next((one for one in live if act is not None and act in one.comment), None)


def _extended(silence: str, ends: datetime) -> _Changed:
    return _Changed(silence=silence, verb="extended", until=Text.of(" until ", Moment(ends)))


def _ended(silence: Silence) -> _Changed:
    return _Changed(silence=silence.id, verb="ended", until=Text())


def _over(silence: Silence) -> Answer | None:
    if silence.state is not SilenceState.EXPIRED:
        return None
    return Answer.refusal("finished", Text.of("It is over since ", Moment(silence.ends_at), "."))


def _moved(which: str | SilenceRef, silence: Silence) -> Answer | None:
    """A button says what its presser saw. Whoever types an id has seen nothing that could have changed."""
    if isinstance(which, str) or which.is_as_seen(silence):
        return None
    words = Text.of("Somebody has changed it since you looked: it ends ", Moment(silence.ends_at),
                    " now. Nothing was changed by you; look again, and decide.")  # fmt: skip
    return Answer.refusal("changed", words)


def _no_answer(ref: SilenceRef, reason: str) -> Answer:
    words = Text.of("Alertmanager gives no answer now (", Plain(reason), "). Press again in a moment, or type ",
                    Code(f"/gitops silence extend {ref.id[:8]} 4h"), ": that waits for it.")  # fmt: skip
    return Answer.refusal("no-answer", words)
