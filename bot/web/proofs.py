"""Who sends, by a secret in the `Authorization` header: compared in constant time, whatever is given."""

import hashlib
import hmac
from collections.abc import Iterable


def given(headers: list[str]) -> tuple[str, str]:
    """The scheme, in lower case, and what follows it; empty where the header is missing, or comes twice."""
    scheme, _, value = (headers[0] if len(headers) == 1 else "").partition(" ")
    return scheme.lower(), value.strip()


def is_one_of(value: bytes, secrets: Iterable[bytes]) -> bool:
    """Whether it is one of these, none of which is empty: all are compared, and how long they are does not show."""
    return sum(hmac.compare_digest(_digest(value), _digest(secret)) for secret in secrets if secret) > 0


def bears(headers: list[str], tokens: Iterable[str]) -> bool:
    """Whether the `Authorization` headers are one bearer token, and that is one of these. Without any: nobody's is."""
    scheme, value = given(headers)
    sent = value.encode("utf-8", "surrogateescape")
    return scheme == "bearer" and is_one_of(sent, [token.encode() for token in tokens])


def _digest(secret: bytes) -> bytes:
    """Of the same length whatever the secret's is."""
    return hashlib.sha256(secret).digest()
