"""What one webhook says: the alerts of one group that nothing suppresses, as its Alertmanager saw them once."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.alerts.alert import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Whole, not a difference; may be repeated, late, or older than one before it: it carries no time of its own.

    `receiver` is the receiver's name as its configuration has it. `truncated`: how many alerts were left out
    that may fire; then nothing can be told from an alert's absence.
    """

    source: str
    receiver: str
    group_key: str
    group_labels: Mapping[str, str]
    alerts: tuple[Alert, ...]
    truncated: int = 0
    external_url: str = ""
