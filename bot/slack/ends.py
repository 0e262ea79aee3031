"""How an attempt to show something ended, as the outbox must know it."""

from dataclasses import dataclass

from bot.slack.calls import BAD_TOKEN, Limited, Refused, Unknown

_OPERATORS_TURN = BAD_TOKEN | {"missing_scope", "not_in_workspace", "team_access_not_granted"}
_OPERATORS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Sent:
    """It stands in Slack as it should."""


@dataclass(frozen=True, slots=True)
class Standing:
    """It stands in Slack, but not yet as it should: it stays due, for a turn of its own."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now. `seconds` is None where the usual back-off will do."""

    error: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """A definite no, and trying again as it is would not change it."""

    error: str


End = Sent | Standing | Later | Never


def end_of(result: Limited | Refused | Unknown) -> End:
    """What a failed call means for the row that asked for it. What an operator can mend is tried again, slowly."""
    match result:
        case Limited():
            return Later("rate limited", result.seconds)
        case Unknown():
            return Later(result.reason)
        case Refused():
            if result.error in _OPERATORS_TURN:
                return Later(str(result), _OPERATORS_SECONDS)
            return Never(str(result))
