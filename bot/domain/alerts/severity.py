"""How grave an alert is: four grades, whatever words a rule uses for them."""

from enum import StrEnum


class Severity(StrEnum):
    """From the gravest to the least; `NONE` is what nobody has graded."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    NONE = "none"

    @property
    def rank(self) -> int:
        """0 is the gravest: sorts the gravest first."""
        return _RANKS[self]

    def is_at_least(self, other: "Severity") -> bool:
        return self.rank <= other.rank


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def gravest(severities: "tuple[Severity, ...]") -> Severity:
    """`NONE` of nothing."""
    return min(severities, key=lambda severity: severity.rank, default=Severity.NONE)
