"""Whose certificates are believed: the system's, read once for all clients, or those of a file."""

import ssl
from functools import cache

import httpx


def trust(ca_file: str | None = None) -> ssl.SSLContext:
    """What a client verifies its server by. Without a file it is the same for all: each of its own would be 0.7 MiB.

    The system's are those that OpenSSL finds, as Slack's SDK does, also by `SSL_CERT_FILE` and `SSL_CERT_DIR`. A system
    that has none gets the well-known ones that come with httpx.

    Raises `OSError` (`ssl.SSLError` is one) for a file that cannot be read. It is read anew at every call.
    """
    return _the_systems() if ca_file is None else ssl.create_default_context(cafile=ca_file)


@cache
def _the_systems() -> ssl.SSLContext:
    found = ssl.create_default_context()
    if found.cert_store_stats()["x509"]:
        return found
    return httpx.create_ssl_context(trust_env=False)
