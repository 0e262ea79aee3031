"""Digests in words: as a person reads them, bounded, and inert whatever the alerts are called."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.alerts.digest import Digest, Episode, HeldSilence
from bot.domain.alerts.digest_text import digest_text
from bot.domain.alerts.severity import Severity
from bot.domain.text import Code, Moment, Plain, Strong
from tests.domain.alerts.test_digest import digest, episode, silence
from tests.examples import HOUR, NOW

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LONGEST = 9_500
HOSTILE = "<!channel> *x* `y` <https://evil.example.com|here>\n• critical Faked\u202e @here"


def whole() -> Digest:
    """A day with something in every section."""
    many = [episode(f"Name{n}", 20 + n, place=f"app{n % 9}", flips=2 * n + 1) for n in range(10)]
    return digest(
        episode("HighErrorRate", 1, severity=Severity.CRITICAL, place="apm-stack · production", acted_at=NOW + MINUTE,
                resolved_at=NOW + HOUR), *many, episode("Unrated", 40, severity=Severity.NONE),
        still_open=(episode("Unrated", 40, severity=Severity.NONE),
                    episode("DiskFills", 3, severity=Severity.CRITICAL, opened_at=NOW - DAY, is_taken=True),
                    *(episode("More", 50 + n) for n in range(6))),
        silences=(HeldSilence(source="default", silence=silence("s-1"), hides=0),
                  HeldSilence(source="eu", silence=silence("s-2", ends_at=NOW + DAY + HOUR, comment=""), hides=3)),
        unasked=("mimir",),
    )  # fmt: skip


def huge(text: str = "x" * 5_000) -> Digest:
    """More of everything than anybody reads, each longer than anybody wants."""
    many = tuple(episode(f"{n}{text}"[:200], n, place=f"{n}{text}"[:200], flips=49) for n in range(400))
    held = tuple(
        HeldSilence(source=text, silence=silence(f"s-{n}", created_by=text, comment=text), hides=n % 2)
        for n in range(80)
    )
    return digest(*many, still_open=many, silences=held, unasked=tuple(f"{n}{text}" for n in range(50)))


def test_a_quiet_day_is_two_lines() -> None:
    assert digest_text(digest()).plain == (
        "📊 Alerts from 2026-03-04 14:05 UTC until 2026-03-05 14:05 UTC\nNothing began to fire."
    )


def test_every_section_is_told_with_its_rest_counted() -> None:
    lines = digest_text(whole()).plain.split("\n")
    assert lines[1:3] == [
        "12 groups began to fire: 1 critical, 10 warning, 1 without severity",
        "Where: app0 2, no application 1, apm-stack · production 1, app1 1, app2 1, app3 1, 5 more with 5",
    ]
    start = lines.index("Noisiest")
    assert lines[start + 1 : start + 3] == ["• ██████████ 10× Name9 · app0", "• █████████░ 9× Name8 · app8"]
    assert lines[start + 8] == "• … and 5 more names, 8×"
    assert lines[start + 9 : start + 11] == [
        f"Never acted on: 11 of 12: {', '.join(f'Name{n} (warning, 1)' for n in range(9, 2, -1))}, 4 more names with 4",
        "Took: 1 min until somebody acted (mean of 1), 1 h until it was over (mean of 1)",
    ]
    assert lines[start + 11].startswith("Flapping: Name9 · app0 (19 flips), Name8 · app8 (17 flips)")
    assert lines[start + 11].endswith(", 1 more")
    assert lines[start + 12 :] == [
        "Still open: 8",
        "• critical DiskFills since 2026-03-03 14:05 UTC",
        *["• warning More since 2026-03-04 14:05 UTC, nobody has it"] * 4,
        "• … and 3 more: /gitops alerts",
        "Silences that hide nothing",
        ('• alertname="SlowQueries" until 2026-03-13 14:05 UTC by U0DEV1: disk is on order (default); '
         "ends by /gitops silence expire s-1"),
        "Silences that end soon, and what they hide still fires",
        ('• alertname="SlowQueries" hides 3 alerts, until 2026-03-05 15:05 UTC by U0DEV1 (eu); '
         "goes on by /gitops silence extend s-2 1d"),
        "Silences are not known: no answer from mimir.",
    ]  # fmt: skip


def test_however_much_there_is_it_fits_a_message_whole() -> None:
    assert len(digest_text(huge()).plain) < LONGEST
    assert "… and 72 more" not in digest_text(huge()).plain
    assert "… and 32 more" in digest_text(huge()).plain


@settings(deadline=None)
@given(st.text(max_size=400))
def test_whatever_alerts_and_silences_are_called_it_stays_words_on_their_line(text: str) -> None:
    told = digest_text(digest(
        episode(text[:200], 1, place=text[:200], flips=9), still_open=(episode(text[:200], 2, place=text[:200]),),
        silences=(HeldSilence(source=text, silence=silence(text, created_by=text, comment=text), hides=0),),
        unasked=(text,),
    ))  # fmt: skip
    assert {type(part) for part in told.parts} <= {Plain, Strong, Code, Moment}
    titles = ("📊", "1 group", "Where", "Noisiest", "Never", "Flapping", "Still", "Silences", "• ")
    assert all(line.startswith(titles) for line in told.plain.split("\n"))
    assert len(told.plain) < LONGEST


def test_nobody_is_pinged_by_a_name() -> None:
    told = digest_text(
        digest(Episode(number=1, name=HOSTILE, place="", severity=Severity.INFO, opened_at=NOW, began_at=NOW))
    )
    assert "• critical Faked" not in told.plain.split("\n")
    assert not [part for part in told.parts if part.type == "mention"]
