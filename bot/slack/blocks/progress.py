"""A running sync: a bar, the waves, and what it waits for."""

from bot.domain.live import SyncProgress, WaveProgress
from bot.domain.text import Code, Plain, Text
from bot.slack.blocks.elements import Json, lines
from bot.slack.escape import one_line

BAR, MOST_WAVES, MOST_WAITING = 20, 10, 4


def progress(seen: SyncProgress | None, *, said: str = "") -> list[Json | None]:
    """Blocks; `said` is what the card says already and is not said again."""
    if seen is None or not (seen.total or seen.message or seen.hooks):
        return []
    hidden = len(seen.waiting_for) - MOST_WAITING
    hooks = [hook for hook in seen.hooks if not hook.endswith("(Succeeded)")]
    return [
        lines(
            _bar(seen) if seen.total else Text(),
            _waves(seen.waves),
            *[Text.of("waiting for: ", Plain(one_line(what, 240))) for what in seen.waiting_for[:MOST_WAITING]],
            Text.of(f"… and {hidden} more") if hidden > 0 else Text(),
            *[Text.of("hook: ", Plain(one_line(hook, 160))) for hook in hooks[:MOST_WAITING]],
            Text.of(Plain(one_line(seen.message, 300))) if seen.message and seen.message not in said else Text(),
            most=400,
        )
    ]


def current_wave(seen: SyncProgress | None) -> str:
    """`wave 0 (3 of 4)`, empty where there are no waves or all are done."""
    if seen is None:
        return ""
    for number, wave in enumerate(seen.waves, start=1):
        if wave.done < wave.total:
            return f"wave {_signed(wave.wave)} ({number} of {len(seen.waves)})"
    return ""


def _bar(seen: SyncProgress) -> Text:
    full = BAR * seen.done // seen.total
    return Text.of(Code("▓" * full + "░" * (BAR - full)), f"  {seen.done}/{seen.total}")


def _waves(waves: tuple[WaveProgress, ...]) -> Text:
    """Where there are too many, those around the current one are shown and the rest is counted."""
    if not waves:
        return Text()
    current = next((n for n, wave in enumerate(waves) if wave.done < wave.total), len(waves) - 1)
    start = max(0, min(current - MOST_WAVES // 2, len(waves) - MOST_WAVES))
    shown = waves[start : start + MOST_WAVES]
    before = f"{start} earlier ✅   " if start else ""
    after = len(waves) - start - len(shown)
    return Text.of("waves: ", before, "   ".join(_wave(wave) for wave in shown), f"   {after} later ·" if after else "")


def _wave(wave: WaveProgress) -> str:
    mark = "❌" if wave.failed else "✅" if wave.done >= wave.total else "⏳" if wave.done else "·"
    count = "" if wave.done >= wave.total else f" {wave.done}/{wave.total}"
    return f"{_signed(wave.wave)} {mark}{count}"


def _signed(wave: int) -> str:
    return f"−{-wave}" if wave < 0 else str(wave)
