"""Keeping secrets out of whatever is written for people: by value, by name, and by how secrets look."""

import base64
import re
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

GONE = "[redacted]"
SHORTEST = 6
"""A shorter value would take harmless text with it; a real secret is longer."""
DEEPEST = 12
MOST_PASSING = 12
"""Every line that is written is searched for all that is known."""

_SECRET_KEY = re.compile(
    r"token|secret|passw(or)?d|authorization|cookie|credential|signature|api_?key|private_?key|response_url|respond_to",
    re.IGNORECASE,
)
_LOOKS = re.compile(
    r"""
      xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{6,} | xapp-[A-Za-z0-9-]{6,}      # Slack
    | \bgh[opusr]_[A-Za-z0-9_.-]{6,} | \bgithub_pat_[A-Za-z0-9_]{6,}         # GitHub
    | \beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*                                      # a JSON Web Token
    | (?<=Bearer\ )[^\s"',;]{6,} | (?<=Basic\ )[A-Za-z0-9+/=_-]{6,}          # a header
    | (?<=://)[^\s/@:"']*:[^\s/@"']+(?=@)                                    # an address with a password
    | (?<=hooks\.slack\.com/)[^\s"'<>|]+ | (?<=wss://)[^\s"'<>|]+            # addresses that are secrets themselves
    | (?<=[?&])(?:token|access_token|secret|ticket|signature)=[^&\s"'<>]+
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


class Redaction:
    """Knows the secrets of this process. More may be added at any time; of those that pass the newest are known."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._passing: deque[str] = deque(maxlen=MOST_PASSING)
        self._known: re.Pattern[str] | None = None
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Secrets that must not be seen, as they are, percent-encoded, or inside Base64."""
        fresh = {secret.strip() for secret in secrets if len(secret.strip()) >= SHORTEST} - self._secrets
        if fresh:
            self._secrets |= fresh
            self._learn()

    def add_passing(self, secret: str) -> None:
        """A secret that works for an hour or so: there is always a next one, so the oldest make room."""
        if len(secret) >= SHORTEST and secret not in self._passing:
            self._passing.append(secret)
            self._learn()

    def _learn(self) -> None:
        known = (*self._secrets, *self._passing)
        plain = {form for secret in known for form in _plain_forms(secret)}
        cores = {re.escape(core) for secret in known for core in _base64_cores(secret.encode())}
        # one alternative for all that Base64 may hide: each would be tried at every character
        in_base64 = rf"{_RUN}(?:{'|'.join(_longest_first(cores))}){_RUN}={{0,2}}"
        self._known = re.compile("|".join([in_base64, *_longest_first(plain)]))

    def text(self, text: str) -> str:
        """The text without what is secret in it."""
        if self._known is not None:
            text = self._known.sub(GONE, text)
        return _LOOKS.sub(GONE, text)

    def field(self, name: object, value: Any, *, depth: int = 0) -> Any:
        """A named value: nothing of it when the name says that it is secret."""
        return GONE if value and is_secret_key(name) else self.value(value, depth=depth)

    def value(self, value: Any, *, depth: int = 0) -> Any:
        """Plain data without what is secret in it; what is not plain data becomes text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth >= DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.field(key, item, depth=depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, depth=depth + 1) for item in value]
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        return self.text(str(value) if isinstance(value, BaseException) else repr(value))


def is_secret_key(key: object) -> bool:
    """Whether a field of this name holds a secret."""
    return _SECRET_KEY.search(str(key).replace("-", "_")) is not None


def _longest_first(forms: Iterable[str]) -> list[str]:
    return sorted(forms, key=len, reverse=True)


def _plain_forms(secret: str) -> Iterable[str]:
    """Regular expressions of a secret as it is, and percent-encoded."""
    yield re.escape(secret)
    if quote(secret, safe="") != secret:
        yield re.escape(quote(secret, safe=""))


def _base64_cores(secret: bytes) -> Iterable[str]:
    """What Base64 of any text that contains the secret must contain: it may begin at any of three positions."""
    for offset in range(3):
        padded = b"\0" * offset + secret
        whole = len(padded) // 3 * 3
        encoded = base64.b64encode(padded[:whole]).decode()
        core = encoded[-(-offset * 8 // 6) :] if offset else encoded
        yield core
        if core.translate(_URL_SAFE) != core:
            yield core.translate(_URL_SAFE)


_RUN = r"[A-Za-z0-9+/_-]*"
_URL_SAFE = str.maketrans("+/", "-_")
