"""The App's own word to GitHub: a JSON Web Token that its private key signs, good for minutes."""

from datetime import datetime, timedelta

from bot.domain.pipeline import GithubApp
from bot.integrations.forges.github.app.clock import GithubClock

IN_THE_PAST = timedelta(seconds=60)
"""Clocks differ by a little, and GitHub refuses what was issued in its future."""
VALID_FOR = timedelta(minutes=9)
"""From now: with `IN_THE_PAST` it makes ten minutes, the most that GitHub takes."""


class AppWord:
    """The credential for what an App asks as itself. Signed anew for every request."""

    def __init__(self, app: GithubApp, clock: GithubClock) -> None:
        self._app, self._clock = app, clock

    async def token(self) -> str:
        return signed(self._app, self._clock.now())

    def refused(self, token: str, *, their_time: datetime | None = None) -> bool:
        """Signing again helps where GitHub's clock turned out to be another one."""
        return self._clock.hear(their_time)


def signed(app: GithubApp, now: datetime) -> str:
    import jwt  # takes as long to load as half of the rest, and whoever has no App needs none of it

    claims = {
        "iat": int((now - IN_THE_PAST).timestamp()),
        "exp": int((now + VALID_FOR).timestamp()),
        "iss": str(app.id),
    }
    return jwt.encode(claims, app.private_key, algorithm="RS256")
