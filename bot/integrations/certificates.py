"""Whose certificates are believed: the well-known ones, read once for all clients, or those of a file."""

import ssl
from functools import cache

import httpx


def trust(ca_file: str | None = None) -> ssl.SSLContext:
    """What a client verifies its server by. Without a file it is the same for all: each of its own would be 0.7 MiB.

    Raises `OSError` (`ssl.SSLError` is one) for a file that cannot be read. It is read anew at every call.
    """
    return _well_known() if ca_file is None else ssl.create_default_context(cafile=ca_file)


@cache
def _well_known() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
