"""The one GitHub App of the forge: its key, its word as GitHub judges it, and the tokens of its installation."""

import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.sandbox.github.people import APP_LOGIN, BadCredentials, login_of_token, token_of_header
from bot.sandbox.github.records import AppRecords
from bot.sandbox.github.refusals import Refusal
from bot.sandbox.seeded import GITHUB_APP_ID

LONGEST_WORD = timedelta(minutes=10)
TOKEN_START = "ghs_"
LEVELS = ("read", "write", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an installation's token is good for. `ends_at` is by the forge's own clock."""

    account: str
    repositories: frozenset[str]
    permissions: dict[str, str]
    ends_at: datetime

    def may(self, permission: str, level: str) -> bool:
        return reaches(self.permissions.get(permission), level)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks; `grant` where that is the App through its installation."""

    login: str
    grant: Grant | None = None


def reaches(given: str | None, wanted: str) -> bool:
    return given in LEVELS and LEVELS.index(given) >= LEVELS.index(wanted)


class Apps:
    """Verifies, issues and identifies. `records` is asked each time: its knobs may be turned at any moment."""

    def __init__(self, key_file: Path, records: Callable[[], AppRecords]) -> None:
        self._file, self._records = key_file, records
        self._public: Any = None
        self._grants: dict[str, Grant] = {}
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def records(self) -> AppRecords:
        return self._records()

    def now(self) -> datetime:
        """The forge's clock."""
        return self.clock() + timedelta(seconds=self.records.clock_skew)

    def key_file(self) -> Path:
        """Where the App's private key is; it is made at the first question."""
        from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        if not self._file.is_file():
            key = generate_private_key(public_exponent=65537, key_size=2048)
            self._file.touch(mode=0o600)
            self._file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
            self._public = key.public_key()
        return self._file

    def check_word(self, header: str | None) -> None:
        """Raises `Refusal` where this is not the App's own word, in GitHub's sentences."""
        import jwt

        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer":
            raise _no_word("A JSON web token could not be decoded")
        try:
            claims = jwt.decode(
                token.strip(), self._public_key(), algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )  # fmt: skip
        except jwt.PyJWTError:
            raise _no_word("A JSON web token could not be decoded") from None
        if str(claims.get("iss")) != str(GITHUB_APP_ID):
            raise Refusal(404, "unknown_app", "Integration not found")
        now, issued, ends = self.now().timestamp(), claims.get("iat"), claims.get("exp")
        if ends is None or issued is None:
            missing = "'Expiration time' claim ('exp')" if ends is None else "'Issued at' claim ('iat')"
            raise _no_word(f"Missing {missing} in assertion")
        if not isinstance(issued, int | float) or issued > now:
            said = "must be an Integer representing the time that the assertion was issued"
            raise _no_word(f"'Issued at' claim ('iat') {said}")
        if not isinstance(ends, int | float) or ends <= now:
            said = "must be a numeric value representing the future time at which the assertion expires"
            raise _no_word(f"'Expiration time' claim ('exp') {said}")
        if ends > now + LONGEST_WORD.total_seconds():
            raise _no_word("'Expiration time' claim ('exp') is too far in the future")

    def is_installed_on(self, repository: str) -> bool:
        listed = self.records.repositories
        return self.records.installed and (listed is None or repository in listed)

    def installation_id(self, account: str) -> int:
        return zlib.crc32(account.lower().encode()) % 90_000_000 + 1_000_000

    def issue(self, account: str, repositories: frozenset[str], permissions: dict[str, str]) -> tuple[str, Grant]:
        """A token that works until it ends, and is refused after that."""
        token = f"{TOKEN_START}{GITHUB_APP_ID}_{secrets.token_urlsafe(90)}"
        life = timedelta(seconds=self.records.token_seconds)
        ends = self.now() + life
        grant = Grant(account=account, repositories=repositories, permissions=permissions, ends_at=ends)
        self._grants[token] = grant
        return token, grant

    def end_tokens(self) -> None:
        """Every token is refused from now on."""
        self._grants.clear()

    def identify(self, header: str | None) -> Identity | None:
        """Who is behind an Authorization header; None without one. Raises `BadCredentials`, and `Refusal` for a
        suspended installation."""
        token = token_of_header(header)
        if token is None:
            return None
        grant = self._grants.get(token)
        if grant is None:
            return Identity(login_of_token(token))
        if self.now() >= grant.ends_at or not self.records.installed:
            raise BadCredentials
        if self.records.suspended:
            raise suspended()
        return Identity(APP_LOGIN, grant)

    def _public_key(self) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if self._public is None:
            self._public = load_pem_private_key(self.key_file().read_bytes(), password=None).public_key()
        return self._public


def suspended() -> Refusal:
    return Refusal(403, "suspended", "This installation has been suspended")


def _no_word(said: str) -> Refusal:
    return Refusal(401, "bad_word", said)
