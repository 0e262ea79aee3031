"""What is said of silences: what one hides, how a list tells of it, and why nothing was done."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.alerts.alert import AlertState, ReportedAlert
from bot.domain.alerts.silence import Silence, SilenceState
from bot.domain.alerts.wish import without_mark
from bot.domain.request import Answer
from bot.domain.text import Code, Moment, Plain, Text, counted, listed
from bot.ports import Refused

MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A silence, and whose it is."""

    source: str
    silence: Silence


def no_api(source: str) -> Answer:
    which = f" of {source}" if source else ""
    words = f"The Alertmanager{which} has no url in tiphys.yaml, so nothing can be silenced there."
    return Answer.refusal("no-api", Text.of(words))


def refused(error: Refused) -> Answer:
    """Its own words; they are untrusted like everything else that comes from outside."""
    way_out = f" {error.way_out}" if error.way_out else ""
    return Answer.refusal("refused", Text.of(f"Alertmanager refused: {error.reason}.{way_out} Nothing was changed."))


def told(matched: Sequence[ReportedAlert]) -> Text:
    names = tuple(dict.fromkeys(one.alert.name for one in matched if one.alert.name))
    which = Text.of(" (", Code(listed(names, most=MOST_NAMED)), ")") if names else Text()
    return Text.of(f"Matches {fire_now(matched)}", which, ".")


def fire_now(matched: Sequence[ReportedAlert]) -> str:
    if not matched:
        return "nothing that fires now"
    silenced = sum(one.alert.state is AlertState.SILENCED for one in matched)
    already = f", {silenced} of them silenced already" if silenced else ""
    return f"{counted(len(matched), 'alert')} that {'fires' if len(matched) == 1 else 'fire'} now{already}"


def line(one: Found, *, names_source: bool) -> Text:
    silence = one.silence
    where = f" in {one.source}" if names_source else ""
    begins = Text.of(" from ", Moment(silence.starts_at)) if silence.state is SilenceState.PENDING else Text()
    return Text.of(
        "\n", Code(silence.id[:8]), f"{where}", begins, " until ", Moment(silence.ends_at), ": ",
        Code(short(", ".join(map(str, silence.matchers)), 200)), " by ", Plain(short(silence.created_by, 60) or "–"),
        ", ", Plain(short(without_mark(silence.comment), 160) or "no comment"),
    )  # fmt: skip


def short(text: str, most: int) -> str:
    said = " ".join(text.split())
    return said if len(said) <= most else f"{said[: most - 1]}…"
