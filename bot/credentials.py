"""What proves to a Git host who we are: a token that stays, or one that is renewed. For adapters, which know nothing
of each other: the forge and the mirror of one repository use the same one.
"""

from datetime import datetime
from typing import Protocol


class Credential(Protocol):
    """One repository's way in. To be asked before every request: what it gave may have been replaced since."""

    async def token(self) -> str:
        """The token to use now. Raises an `OutsideError` where none can be had."""
        ...

    def refused(self, token: str, *, their_time: datetime | None = None) -> bool:
        """The host did not accept this token; `their_time` is what its clock says. Answers whether asking again for
        one may help: then the request may be repeated, once."""
        ...


class FixedToken:
    """A token that stays what it is."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    def refused(self, token: str, *, their_time: datetime | None = None) -> bool:
        return False


def as_credential(given: str | Credential) -> Credential:
    return FixedToken(given) if isinstance(given, str) else given
