"""Silences: made, extended, expired, listed. Real ones, in the Alertmanager that the alerts came from.

Alertmanager asks nobody who he is, so that who may is decided here: by the labels that everything a silence hides has,
and by what it hides now.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ulid import ULID

from bot.domain.alerts.alert import Alert, AlertState, ReportedAlert
from bot.domain.alerts.group import AlertGroup, AlertGroupId, Tie
from bot.domain.alerts.matcher import Matcher
from bot.domain.alerts.silence import Silence, SilenceDraft, SilenceState
from bot.domain.alerts.standing import soonest
from bot.domain.alerts.wish import SilenceWish, fixed, mark_of, without_mark
from bot.domain.identity import UserId
from bot.domain.request import Answer, Request
from bot.domain.text import Code, Moment, Plain, Strong, Text, counted, listed
from bot.ports import Clock, ConfigurationInForce, Directory, OutsideError, Refused
from bot.ports_alerts import Alertmanager, Alertmanagers, GroupConflict
from bot.ports_store import Store, Transaction
from bot.services.access import Access, AlertRight, Forbidden
from bot.services.alerts.acting import AlertActs, about
from bot.services.alerts.showing import show
from bot.services.alerts.tying import tie_of
from bot.services.concluding import conclude
from bot.services.names import Names
from bot.wake import Bells

COUNT_SECONDS = 0.8
MOST_TOLD, MOST_NAMED, PER_PAGE = 20, 3, 8
_PREFIX = re.compile(r"[0-9a-z][0-9a-z-]{3,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A silence, and whose it is."""

    source: str
    silence: Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changed:
    """What became of a silence: the id that it has now, and until when it goes on."""

    silence: str
    verb: str
    until: Text


_Change = Callable[[Alertmanager, Silence], Awaitable[Answer | _Changed]]


class Silencing:
    """One method per act; each answers what the asker is told, and has stored it already. `OutsideError` passes
    through where no answer could be had: the act is tried again, and finds what it did the first time."""

    def __init__(
        self, store: Store, access: Access, acts: AlertActs, alertmanagers: Alertmanagers, directory: Directory,
        source: ConfigurationInForce, clock: Clock, bells: Bells,
    ) -> None:  # fmt: skip
        self._store, self._access, self._acts, self._alertmanagers = store, access, acts, alertmanagers
        self._source, self._clock, self._bells = source, clock, bells
        self._names = Names(directory)

    async def refusal(self, request: Request, found: AlertGroup | None) -> Answer | None:
        """Why this person cannot silence this group now; None where he can."""
        answer = await self._acts.refusal(request, found, AlertRight.SILENCE)
        if answer is None and found is not None and self._alertmanagers.get(found.source) is None:
            return _no_api(found.source)
        return answer

    async def count(self, source: str, matchers: tuple[Matcher, ...]) -> Text:
        """What these match now, in words; quickly, or why it could not be told."""
        if (client := self._alertmanagers.get(source)) is None:
            return _no_api(source).text
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                matched = await client.list_alerts(matchers)
        except TimeoutError:
            return Text.of("Alertmanager is slow: what this matches could not be counted.")
        except OutsideError as error:
            return Text.of(f"What this matches could not be counted. Alertmanager: {error.reason}.")
        return _told(matched)

    async def silence(self, request: Request, group: AlertGroupId, wish: SilenceWish) -> Answer:
        """From the card of a group: in its Alertmanager."""
        found = await self._acts.find(group)
        answer = await self.refusal(request, found)
        if answer is not None or found is None:
            return await self._conclude(request, "alert.silence", answer or _no_api(""), found)
        return await self._create(request, found.source, wish, found)

    async def add(self, request: Request, wish: SilenceWish, source: str | None = None) -> Answer:
        """As typed. `source` may be left out where there is only one that has an API."""
        names = self._sources()
        if source is None and len(names) == 1:
            source = names[0]
        if source not in names:
            why = f"There are several Alertmanagers: say --source {listed(names)}." if source is None else (
                f"There is no Alertmanager {source}; there are {listed(names)}.")  # fmt: skip
            answer = Answer.refusal("no-such-source", Text.of(why)) if names else _no_api("")
            return await self._conclude(request, "alert.silence", answer)
        return await self._create(request, source, wish, None)

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
                if await self._forbidden(user, AlertRight.GET, [self._tie(silence.matchers)]):
                    hidden += 1
                else:
                    shown.append(Found(source=source, silence=silence))
        shown.sort(key=lambda one: (one.silence.ends_at, one.silence.id))
        pages = max(-(-len(shown) // PER_PAGE), 1)
        page = min(max(page, 1), pages)
        names_source = len(self._sources()) > 1
        for one in shown[(page - 1) * PER_PAGE : page * PER_PAGE]:
            lines.append(_line(one, names_source=names_source))
        if hidden:
            lines.append(Text.of(f"\n{hidden} more that you may not look at."))
        if pages > 1:
            lines.append(Text.of(f"\nPage {page} of {pages}: ", Code(f"/silence list --page {page % pages + 1}")))
        first = f"{counted(len(shown), 'silence')}:" if shown else "No silence is in force."
        return Text.of(first, *lines)

    async def _create(self, request: Request, source: str, wish: SilenceWish, asked_of: AlertGroup | None) -> Answer:
        client = self._alertmanagers.get(source)
        if client is None:
            return await self._conclude(request, "alert.silence", _no_api(source), asked_of)
        answer = await self._forbidden(request.user, AlertRight.SILENCE, [self._tie(wish.matchers)])
        if answer is not None:
            return await self._conclude(request, "alert.silence", answer, asked_of)
        matched: Sequence[ReportedAlert] = ()
        made = ""
        now = self._clock.now()
        by = await self._names.named(self._source.current, request.user)
        draft = wish.draft(mark_of(_id_of(request)), by=by, now=now)
        try:
            matched = await client.list_alerts(wish.matchers)
            ties = [self._tie_of_alert(one.alert) for one in matched]
            answer = await self._forbidden(request.user, AlertRight.SILENCE, ties)
            if answer is None:
                made, draft = await _ensure(client, draft, mark_of(_id_of(request)))
        except Refused as refused:
            answer = _refused(refused)
        if answer is not None:
            return await self._conclude(request, "alert.silence", answer, asked_of)
        fires = {one.alert.fingerprint for one in matched}
        name = await self._names.name_of(self._source.current, request.user)
        until = Text.of(" until ", Moment(draft.ends_at))
        done = Text.of("Silenced", until, f". It hides {_fire_now(matched)}. ", Code(f"/silence expire {made[:8]}"),
                       " ends it.")  # fmt: skip
        effect = _Effect(
            source=source, means=lambda alert: alert.fingerprint in fires, is_new=True,
            says=Text.of("🔕 ", Strong(name), " silenced "), until=Text.of(until, ": ", Plain(wish.comment)),
            detail={"silence": made, "source": source, "matchers": [str(matcher) for matcher in wish.matchers]},
        )  # fmt: skip
        return await self._conclude(request, "alert.silence", Answer.done(done), asked_of, effect)

    async def _change(self, request: Request, asked: str, name: str, change: _Change) -> Answer:
        found = await self._find(name)
        if isinstance(found, Answer):
            return await self._conclude(request, asked, found)
        silence = found.silence
        answer = await self._forbidden(request.user, AlertRight.SILENCE, [self._tie(silence.matchers)])
        client = self._alertmanagers.get(found.source)
        if answer is None and silence.state is SilenceState.EXPIRED:
            answer = Answer.refusal("finished", Text.of("It is over since ", Moment(silence.ends_at), "."))
        if answer is not None or client is None:
            return await self._conclude(request, asked, answer or _no_api(found.source))
        try:
            changed = await change(client, silence)
        except Refused as refused:
            changed = _refused(refused)
        if isinstance(changed, Answer):
            return await self._conclude(request, asked, changed)
        who = await self._names.name_of(self._source.current, request.user)
        done = Text.of(f"The silence is {changed.verb}", changed.until, ": ", Code(changed.silence[:8]), ".")
        effect = _Effect(
            source=found.source, means=lambda alert: silence.id in alert.silenced_by,
            says=Text.of("🔕 ", Strong(who), f" {changed.verb} the silence of "), until=changed.until,
            detail={"silence": changed.silence, "was": silence.id, "source": found.source},
        )  # fmt: skip
        return await self._conclude(request, asked, Answer.done(done), None, effect)

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

    def _tie(self, matchers: tuple[Matcher, ...]) -> Tie | None:
        """To what everything belongs that these can ever match, as far as that is sure."""
        return tie_of(fixed(matchers), {}, self._source.current)

    def _tie_of_alert(self, alert: Alert) -> Tie | None:
        return tie_of(alert.labels, alert.annotations, self._source.current)

    async def _forbidden(self, user: UserId, right: AlertRight, ties: Sequence[Tie | None]) -> Answer | None:
        for tie in dict.fromkeys(ties):
            permit = await self._access.permit_alerts(user, right, tie)
            if isinstance(permit, Forbidden):
                return Answer.refusal(permit.slug, permit.text)
        return None

    async def _conclude(
        self, request: Request, asked: str, answer: Answer, group: AlertGroup | None = None,
        effect: "_Effect | None" = None,
    ) -> Answer:  # fmt: skip
        """Write it all, and have the groups that it touches looked at right away."""
        facts = about(group)
        if effect is not None:
            facts = replace(facts, detail={**facts.detail, **effect.detail})
        while True:
            try:
                async with self._store.writing() as tx:
                    if effect is not None:
                        await self._touch(tx, effect, group)
                    await conclude(tx, request, asked, answer, facts, now=self._clock.now())
                break
            except GroupConflict:
                continue
        self._bells.alerts.ring()
        self._bells.checks.ring()
        self._bells.outbox.ring()
        return answer

    async def _touch(self, tx: Transaction, effect: "_Effect", asked_of: AlertGroup | None) -> None:
        """Asking about one group asks about all of its source, so that the others need no mark."""
        now, told = self._clock.now(), 0
        for group in await tx.alerts.list_open(source=effect.source):
            number = sum(map(effect.means, group.alerts))
            if told >= MOST_TOLD or not (number or (asked_of is not None and group.id == asked_of.id)):
                continue
            first = group.first_acted_at or (now if effect.is_new else None)
            written = await tx.alerts.swap(replace(group, check_at=soonest(group.check_at, now), first_acted_at=first))
            await show(tx, written, [effect.note(number, len(group.alerts))], at=None, now=now)
            told += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    """What an act does to the groups of a source: those with alerts that it `means` are told."""

    source: str
    means: Callable[[Alert], bool]
    says: Text
    until: Text
    detail: Mapping[str, Any]
    is_new: bool = False

    def note(self, number: int, of: int) -> Text:
        which = "its alerts" if number in (0, of) else f"{number} of its {of} alerts"
        return Text.of(self.says, which, self.until)


async def _ensure(client: Alertmanager, draft: SilenceDraft, mark: str) -> tuple[str, SilenceDraft]:
    """The id of the silence that carries the mark, made if there is none yet, and what it is."""
    for known in await client.list_silences():
        if mark in known.comment:
            return known.id, replace(draft, ends_at=known.ends_at)
    return await client.create_silence(draft), draft


def _id_of(request: Request) -> str:
    """The same for every try of the same act."""
    return str(ULID(hashlib.sha256(request.id.encode()).digest()[:16]))


def _no_api(source: str) -> Answer:
    which = f" of {source}" if source else ""
    words = f"The Alertmanager{which} has no url in tiphys.yaml, so nothing can be silenced there."
    return Answer.refusal("no-api", Text.of(words))


def _refused(error: Refused) -> Answer:
    """Its own words; they are untrusted like everything else that comes from outside."""
    way_out = f" {error.way_out}" if error.way_out else ""
    return Answer.refusal("refused", Text.of(f"Alertmanager refused: {error.reason}.{way_out} Nothing was changed."))


def _told(matched: Sequence[ReportedAlert]) -> Text:
    names = tuple(dict.fromkeys(one.alert.name for one in matched if one.alert.name))
    which = Text.of(" (", Code(listed(names, most=MOST_NAMED)), ")") if names else Text()
    return Text.of(f"Matches {_fire_now(matched)}", which, ".")


def _fire_now(matched: Sequence[ReportedAlert]) -> str:
    if not matched:
        return "nothing that fires now"
    silenced = sum(one.alert.state is AlertState.SILENCED for one in matched)
    already = f", {silenced} of them silenced already" if silenced else ""
    return f"{counted(len(matched), 'alert')} that {'fires' if len(matched) == 1 else 'fire'} now{already}"


def _line(one: Found, *, names_source: bool) -> Text:
    silence = one.silence
    where = f" in {one.source}" if names_source else ""
    begins = Text.of(" from ", Moment(silence.starts_at)) if silence.state is SilenceState.PENDING else Text()
    return Text.of(
        "\n", Code(silence.id[:8]), f"{where}", begins, " until ", Moment(silence.ends_at), ": ",
        Code(_short(", ".join(map(str, silence.matchers)), 200)), " by ", Plain(_short(silence.created_by, 60) or "–"),
        ", ", Plain(_short(without_mark(silence.comment), 160) or "no comment"),
    )  # fmt: skip


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
