"""What happens on the forge, as it is told to whoever wants to know: by values, at the moment that it happens."""

from dataclasses import dataclass

from bot.sandbox.github.records import Pull, Review, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A branch moved; None where it was not there before, or is gone now."""

    repository: str
    branch: str
    before: str | None
    after: str | None
    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullActed:
    """`action` in GitHub's words: opened, synchronize, edited, reopened, closed."""

    pull: Pull
    action: str
    login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    pull: Pull
    review: Review


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSet:
    repository: str
    sha: str
    status: Status


ForgeEvent = Pushed | PullActed | Reviewed | StatusSet
