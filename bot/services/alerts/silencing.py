"""Silences are made here: real ones, in the Alertmanager that the alerts came from.

Alertmanager asks nobody who he is, so that who may is decided here: by the labels that everything a silence hides has,
and by what it hides now.
"""

import asyncio
from dataclasses import replace

from bot.domain.alerts.group import AlertGroup, AlertGroupId
from bot.domain.alerts.matcher import Matcher
from bot.domain.alerts.silence import SilenceDraft
from bot.domain.alerts.wish import SilenceWish, mark_of
from bot.domain.identity import UserId
from bot.domain.request import Answer, Request
from bot.domain.text import Code, Moment, Plain, Strong, Text, listed
from bot.ports import Clock, ConfigurationInForce, Directory, OutsideError, Refused
from bot.ports_alerts import Alertmanager, Alertmanagers
from bot.ports_store import Store
from bot.services.access import Access, AlertRight
from bot.services.alerts.acting import AlertActs
from bot.services.alerts.silence_effects import Effect, SilenceEffects, id_of
from bot.services.alerts.silence_rights import SilenceRights
from bot.services.alerts.silence_words import fire_now, no_api, refused, told
from bot.services.names import Names
from bot.wake import Bells

COUNT_SECONDS = 0.8


class Silencing:
    """One method per act; each answers what the asker is told, and has stored it already. `OutsideError` passes
    through where no answer could be had: the act is tried again, and finds what it did the first time."""

    def __init__(
        self, store: Store, access: Access, acts: AlertActs, alertmanagers: Alertmanagers, directory: Directory,
        source: ConfigurationInForce, clock: Clock, bells: Bells,
    ) -> None:  # fmt: skip
        self._acts, self._alertmanagers, self._source, self._clock = acts, alertmanagers, source, clock
        self._rights = SilenceRights(access, source)
        self._effects = SilenceEffects(store, clock, bells)
        self._names = Names(directory)

    async def refusal(self, request: Request, found: AlertGroup | None) -> Answer | None:
        """Why this person cannot silence this group now; None where he can."""
        answer = await self._acts.refusal(request, found, AlertRight.SILENCE)
        if answer is None and found is not None and self._alertmanagers.get(found.source) is None:
            return no_api(found.source)
        return answer

    async def refusal_to_add(self, request: Request) -> Answer | None:
        """Why this person cannot silence anything, wherever it is; None where he can."""
        answer = await self._rights.refusal_anywhere(request.user)
        return answer if answer is not None or self.sources() else no_api("")

    async def count(self, source: str, matchers: tuple[Matcher, ...], *, asker: UserId | None = None) -> Text:
        """What these match now, in words; quickly, or why it could not be told. Who asks for himself, from no group's
        card, learns that only where he may silence it, and else what it takes."""
        if (client := self._alertmanagers.get(source)) is None:
            return no_api(source).text
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                if asker is None:
                    return told(await client.list_alerts(matchers))
                matched = await self._rights.refusal_to_hide(asker, matchers, client)
                return matched.text if isinstance(matched, Answer) else told(matched)
        except TimeoutError:
            return Text.of("Alertmanager is slow: what this matches could not be counted.")
        except OutsideError as error:
            return Text.of(f"What this matches could not be counted. Alertmanager: {error.reason}.")

    async def silence(self, request: Request, group: AlertGroupId, wish: SilenceWish) -> Answer:
        """From the card of a group: in its Alertmanager."""
        found = await self._acts.find(group)
        answer = await self.refusal(request, found)
        if answer is not None or found is None:
            return await self._effects.conclude(request, "alert.silence", answer or no_api(""), found)
        return await self._create(request, found.source, wish, found)

    async def add(self, request: Request, wish: SilenceWish, source: str | None = None) -> Answer:
        """As typed. `source` may be left out where there is only one that has an API."""
        names = self.sources()
        if source is None and len(names) == 1:
            source = names[0]
        if source not in names:
            why = f"There are several Alertmanagers: say --source {listed(names)}." if source is None else (
                f"There is no Alertmanager {source}; there are {listed(names)}.")  # fmt: skip
            answer = Answer.refusal("no-such-source", Text.of(why)) if names else no_api("")
            return await self._effects.conclude(request, "alert.silence", answer)
        return await self._create(request, source, wish, None)

    async def _create(self, request: Request, source: str, wish: SilenceWish, asked_of: AlertGroup | None) -> Answer:
        client = self._alertmanagers.get(source)
        if client is None:
            return await self._effects.conclude(request, "alert.silence", no_api(source), asked_of)
        by = await self._names.named(self._source.current, request.user)
        draft = wish.draft(mark_of(id_of(request)), by=by, now=self._clock.now())
        try:
            matched = await self._rights.refusal_to_hide(request.user, wish.matchers, client)
            if not isinstance(matched, Answer):
                made, draft = await _ensure(client, draft, id_of(request))
        except Refused as error:
            matched = refused(error)
        if isinstance(matched, Answer):
            return await self._effects.conclude(request, "alert.silence", matched, asked_of)
        fires = {one.alert.fingerprint for one in matched}
        name = await self._names.name_of(self._source.current, request.user)
        until = Text.of(" until ", Moment(draft.ends_at))
        way_back = Code(f"/gitops silence expire {made[:8]}")
        done = Text.of("Silenced", until, f". It hides {fire_now(matched)}. ", way_back, " ends it.")
        effect = Effect(
            source=source, means=lambda alert: alert.fingerprint in fires, is_new=True,
            says=Text.of("🔕 ", Strong(name), " silenced "), until=Text.of(until, ": ", Plain(wish.comment)),
            detail={"silence": made, "source": source, "matchers": [str(matcher) for matcher in wish.matchers]},
        )  # fmt: skip
        return await self._effects.conclude(request, "alert.silence", Answer.done(done), asked_of, effect)

    def sources(self) -> tuple[str, ...]:
        """Those that have an API, by name."""
        return tuple(name for name in self._source.current.alerts.sources if self._alertmanagers.get(name) is not None)


async def _ensure(client: Alertmanager, draft: SilenceDraft, act: str) -> tuple[str, SilenceDraft]:
    """The id of the silence that carries the act's id, made if there is none yet, and what it is."""
    for known in await client.list_silences():
        if act in known.comment:
            return known.id, replace(draft, ends_at=known.ends_at)
    return await client.create_silence(draft), draft
