"""A digest in words: for its channel, and for whoever asks. Bounded, and whatever comes from outside stays words."""

from collections.abc import Sequence

from bot.domain.alerts.digest import Digest, Episode, HeldSilence, Tally, bar
from bot.domain.alerts.severity import Severity
from bot.domain.alerts.wish import without_mark
from bot.domain.text import Code, Moment, Part, Strong, Text, counted, shortened, spoken

MOST_NAMES, MOST_PLACES, MOST_OPEN, MOST_SILENCES = 7, 6, 5, 8
LONGEST = 80
LONGEST_MATCHERS = 120
_NOWHERE = "no application"
_ALERTS = "/gitops alerts"
_SILENCE = "/gitops silence"


def digest_text(digest: Digest) -> Text:
    """A few lines and lists, each with the rest counted; a time in which nothing happened is one line."""
    sections = [
        _counts(digest), _noisiest(digest), _never_acted_on(digest), _times(digest), _flapping(digest), _open(digest),
        _idle(digest), _ending(digest), _unasked(digest),
    ]  # fmt: skip
    told = [section for section in sections if section.parts]
    return Text.of(_title(digest), *(part for section in told for part in ("\n", *section.parts)))


def _title(digest: Digest) -> Text:
    return Text.of("📊 ", Strong("Alerts"), " from ", Moment(digest.since), " until ", Moment(digest.until))


def _counts(digest: Digest) -> Text:
    if not digest.opened:
        return Text.of("Nothing began to fire.")
    first = Text.of(
        Strong(f"{counted(len(digest.opened), 'group')} began to fire"), ": ",
        ", ".join(f"{number} {_grade(severity)}" for severity, number in digest.by_severity),
    )  # fmt: skip
    shown = [f"{_short(place) or _NOWHERE} {number}" for place, number in digest.by_place[:MOST_PLACES]]
    if rest := digest.by_place[MOST_PLACES:]:
        shown.append(f"{len(rest)} more with {sum(number for _, number in rest)}")
    return Text.of(first, "\n", "Where: ", ", ".join(shown))


def _noisiest(digest: Digest) -> Text:
    tallies = digest.noisiest
    if not tallies:
        return Text()
    most = tallies[0].fired
    rows = [
        Text.of(Code(bar(tally.fired, most)), f" {tally.fired}× ", Strong(_short(tally.name)), *_place(tally.place))
        for tally in tallies[:MOST_NAMES]
    ]
    if rest := tallies[MOST_NAMES:]:
        rows.append(Text.of(f"… and {counted(len(rest), 'more name')}, {sum(one.fired for one in rest)}×"))
    return _list("Noisiest", rows)


def _never_acted_on(digest: Digest) -> Text:
    tallies = digest.never_acted_on
    if not tallies:
        return Text()
    number = sum(tally.groups for tally in tallies)
    shown = [f"{_short(tally.name)} ({_tally(tally)})" for tally in tallies[:MOST_NAMES]]
    if rest := tallies[MOST_NAMES:]:
        shown.append(f"{counted(len(rest), 'more name')} with {sum(one.groups for one in rest)}")
    return Text.of(Strong("Never acted on"), f": {number} of {len(digest.opened)}: ", ", ".join(shown))


def _tally(tally: Tally) -> str:
    return f"{_grade(tally.severity)}, {tally.groups}"


def _times(digest: Digest) -> Text:
    told = [
        f"{spoken(mean.length)} until {what} (mean of {mean.of})"
        for mean, what in ((digest.to_act, "somebody acted"), (digest.to_resolve, "it was over"))
        if mean is not None
    ]
    return Text.of(Strong("Took"), ": ", ", ".join(told)) if told else Text()


def _flapping(digest: Digest) -> Text:
    found = digest.flapping
    if not found:
        return Text()
    shown = [f"{_named(episode)} ({counted(episode.flips, 'flip')})" for episode in found[:MOST_NAMES]]
    return Text.of(Strong("Flapping"), ": ", ", ".join((*shown, *_more(found, MOST_NAMES))))


def _open(digest: Digest) -> Text:
    found = sorted(digest.still_open, key=lambda episode: (episode.severity.rank, episode.began_at, episode.number))
    if not found:
        return Text()
    rows = [
        Text.of(
            f"{_grade(episode.severity)} ", Strong(_short(episode.name)), *_place(episode.place), " since ",
            Moment(episode.began_at), "" if episode.is_taken else ", nobody has it",
        )
        for episode in found[:MOST_OPEN]
    ]  # fmt: skip
    if len(found) > MOST_OPEN:
        rows.append(Text.of(f"… and {len(found) - MOST_OPEN} more: ", Code(_ALERTS)))
    return _list(f"Still open: {len(found)}", rows)


def _idle(digest: Digest) -> Text:
    return _silences("Silences that hide nothing", digest.idle_silences)


def _ending(digest: Digest) -> Text:
    return _silences("Silences that end soon, and what they hide still fires", digest.ending_silences)


def _silences(title: str, found: Sequence[HeldSilence]) -> Text:
    rows = [Text.of(*_silence(one)) for one in found[:MOST_SILENCES]]
    rows += [Text.of(f"… and {word}") for word in _more(found, MOST_SILENCES)]
    return _list(title, rows) if rows else Text()


def _silence(one: HeldSilence) -> list[str | Part]:
    silence = one.silence
    matchers = _short(", ".join(map(str, silence.matchers)), LONGEST_MATCHERS)
    hides = [f"hides {counted(one.hides, 'alert')}, "] if one.hides else []
    comment = _short(without_mark(silence.comment))
    return [
        Code(matchers), " ", *hides, "until ", Moment(silence.ends_at), f" by {_short(silence.created_by) or '–'}",
        f": {comment}" if comment else "", f" ({_short(one.source, 40)}); ", *_way_out(one),
    ]  # fmt: skip


def _way_out(one: HeldSilence) -> list[str | Part]:
    """What ends one that hides nothing, and what lets one go on that hides something; by the beginning of its id."""
    known = _short(one.silence.id, 36)[:8]
    if one.hides:
        return ["goes on by ", Code(f"{_SILENCE} extend {known} 1d")]
    return ["ends by ", Code(f"{_SILENCE} expire {known}")]


def _unasked(digest: Digest) -> Text:
    if not digest.unasked:
        return Text()
    return Text.of(f"Silences are not known: no answer from {', '.join(map(_short, digest.unasked[:MOST_NAMES]))}.")


def _list(title: str, rows: Sequence[Text]) -> Text:
    return Text.of(Strong(title), *(part for row in rows for part in ("\n• ", *row.parts)))


def _more(found: Sequence[object], most: int) -> list[str]:
    return [f"{len(found) - most} more"] if len(found) > most else []


def _named(episode: Episode) -> str:
    return f"{_short(episode.name)}{f' · {_short(episode.place)}' if episode.place else ''}"


def _place(place: str) -> list[str]:
    return [f" · {_short(place)}"] if place else []


def _grade(severity: Severity) -> str:
    return "without severity" if severity is Severity.NONE else severity.value


def _short(text: str, most: int = LONGEST) -> str:
    """On one line, cut."""
    return shortened(text, most)
