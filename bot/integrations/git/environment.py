"""The environment of every git process: nothing inherited that could steer git, credentials never in argv or a URL."""

import base64
import os
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_INHERITED = (
    "PATH", "TMPDIR", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY",
    "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
)  # fmt: skip

_ALWAYS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.quotePath": "false",
    "credential.helper": "",
    "protocol.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "transfer.credentialsInUrl": "die",
    "advice.detachedHead": "false",
}

# Lives here and not in the mirror's file: without it local commands report an object that is missing, with it they
# would fetch it silently, one connection each.
_PROMISOR = {"remote.origin.promisor": "true", "remote.origin.partialclonefilter": "blob:none"}

_NETWORK = {
    **_PROMISOR,
    # Deltas would be made against old files, which git would first fetch.
    "pack.window": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "fetch.fsckObjects": "true",
    # Old and harmless defects of real histories, which every forge serves.
    "fetch.fsck.zeroPaddedFilemode": "ignore",
    "fetch.fsck.badTimezone": "ignore",
    "fetch.fsck.missingSpaceBeforeDate": "ignore",
    "fetch.fsck.missingSpaceBeforeEmail": "ignore",
    "fetch.fsck.missingNameBeforeEmail": "ignore",
}


MOST_SECRETS = 8
"""How many of our credentials are remembered for redaction: what a command that still runs may say is among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitTimeouts:
    """How long git may take, in seconds. `silent`: how long a connection may carry (nearly) nothing."""

    local: float = 60
    network: float = 120
    first_fetch: float = 900
    lock: float = 150
    silent: int = 20


class GitEnvironment:
    """The environments of one mirror's commands, and the redaction that fits them.

    `local`: no network; a missing object is an error. `promised`: the same, but git knows that it is a partial mirror
    and names the object that it misses. `network`: with the credentials of the moment.
    """

    def __init__(self, folder: Path, url: str, timeouts: GitTimeouts) -> None:
        self._secrets: deque[str] = deque(maxlen=MOST_SECRETS)
        self._url = url
        scheme = checked_url(url)
        base = {name: os.environ[name] for name in _INHERITED if name in os.environ} | {
            "GIT_DIR": str(folder),
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_PAGER": "cat",
            # What is missing is fetched by us: a fetch that git starts by itself starts another one of itself, without
            # end, where the remote answers with a sign-in page.
            "GIT_NO_LAZY_FETCH": "1",
        }
        allowed = {f"protocol.{name}.allow": "always" for name in {"https", scheme}}
        self._network = _ALWAYS | _NETWORK | allowed | {"http.lowSpeedTime": str(timeouts.silent)}
        self._base = base | {"GIT_ALLOW_PROTOCOL": ":".join(sorted({"https", scheme}))}
        self.local = base | _as_variables(_ALWAYS) | {"GIT_ALLOW_PROTOCOL": "none"}
        self.promised: Mapping[str, str] = self.local | _as_variables(_ALWAYS | _PROMISOR)

    def network(self, token: str) -> dict[str, str]:
        """For one command: a token may be another one by the next."""
        if not token:
            return self._base | _as_variables(self._network)
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        if token not in self._secrets:
            self._secrets.extend((token, basic))
        header = {f"http.{self._url}.extraHeader": f"Authorization: Basic {basic}"}
        return self._base | _as_variables(self._network | header)

    def redact(self, text: str) -> str:
        """`text` without our credentials, in any form that we pass them in."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = re.sub(r"(?i)(authorization:\s*)\S+(\s+\S+)?", r"\1***", text)
        return re.sub(r"(://)[^/@\s']+@", r"\1***@", text)


def checked_url(url: str) -> str:
    """The scheme of a remote address that we accept. Raises `ValueError` for any other."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("a Git remote must be an http or https address")
    if "@" in parts.netloc:
        raise ValueError("a Git remote must not carry credentials in its address")
    if re.search(r"[\x00-\x20\"\\\x7f]", url):
        raise ValueError("a Git remote must not contain spaces, quotes or control characters")
    return parts.scheme


def _as_variables(configuration: Mapping[str, str]) -> dict[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(configuration))}
    for number, (key, value) in enumerate(configuration.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables
