"""Who may do what on the forge: tokens to logins, and which of the sandbox's people have write access."""

import base64
import binascii

from bot.sandbox.github.records import RepositoryRecords
from bot.sandbox.seeded import BOT_USER_ID, TOKENS, USERS

BOT_LOGIN = "tiphys"
APP_SLUG = "tiphys"
APP_LOGIN = f"{APP_SLUG}[bot]"
LOGIN_OF_TOKEN = {TOKENS.github_tiphys: BOT_LOGIN, TOKENS.github_developer: "developer"}


class BadCredentials(Exception):
    """An Authorization header that names nobody."""


def token_of_header(header: str | None) -> str | None:
    """The token in `Bearer <token>`, `token <token>` or `Basic <any name:token>`; None without a header.

    Raises `BadCredentials`.
    """
    if not header:
        return None
    scheme, _, value = header.partition(" ")
    token = value.strip()
    if scheme.lower() == "basic":
        try:
            token = base64.b64decode(token, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise BadCredentials from None
    elif scheme.lower() not in {"bearer", "token"}:
        raise BadCredentials
    return token


def login_of_token(token: str) -> str:
    """Whose token it is. Raises `BadCredentials`."""
    if token not in LOGIN_OF_TOKEN:
        raise BadCredentials
    return LOGIN_OF_TOKEN[token]


def find_login(user: str) -> str | None:
    """The login of a person named by user id or name, or None. The bot's own is `tiphys`."""
    if user in {BOT_LOGIN, BOT_USER_ID}:
        return BOT_LOGIN
    return next((known.name for known in USERS if user in {known.id, known.name}), None)


def may_write(login: str) -> bool:
    """Every member of the workspace, and the bot; no guests, strangers, robots or people who have left."""
    return login in {BOT_LOGIN, APP_LOGIN} or any(user.name == login and user.kind == "member" for user in USERS)


def may_administer(login: str, records: RepositoryRecords) -> bool:
    """The administrator, and whoever may bypass the rules of a branch."""
    return login == "admin" or any(login in protection.bypass for protection in records.protections.values())


def known_logins() -> frozenset[str]:
    return frozenset({BOT_LOGIN, APP_LOGIN, *(user.name for user in USERS)})
