"""Argo CD instances and repositories: their addresses and tokens, and the environment variables that win."""

import re
import ssl
from collections.abc import Collection
from dataclasses import dataclass

from bot.config.document_base import SecretDocument
from bot.config.documents import ArgocdDocument, RepositoryDocument, TiphysDocument
from bot.config.private_keys import checked_private_key
from bot.config.problems import Path, Problems
from bot.config.secrets import Surroundings
from bot.config.words import server_url
from bot.domain.pipeline import ArgocdInstance, GithubApp, Repository

GITHUB_API = "https://api.github.com"
ARGOCD_TOKEN = "ARGOCD_AUTH_TOKEN"  # noqa: S105  the name of a variable
GITHUB_TOKEN = "GITHUB_TOKEN"  # noqa: S105


_CERTIFICATE = re.compile(
    r"-----BEGIN (?P<kind>|TRUSTED )CERTIFICATE-----.*?(?P<end>-----END (?P=kind)CERTIFICATE-----|(?=-----BEGIN )|\Z)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Overrides:
    """Addresses from the environment that win over the file."""

    argocd_server: str | None
    github_api_url: str | None
    alertmanager_url: str | None


def overrides(surroundings: Surroundings, problems: Problems) -> Overrides:
    return Overrides(
        _address("ARGOCD_SERVER", surroundings, problems),
        _address("GITHUB_API_URL", surroundings, problems),
        _address("ALERTMANAGER_URL", surroundings, problems),
    )


def main_instance(names: Collection[str]) -> str | None:
    """The instance that is meant where none is named: `main`, or the only one."""
    if "main" in names:
        return "main"
    return next(iter(names)) if len(names) == 1 else None


def instances(document: TiphysDocument, surroundings: Surroundings, problems: Problems) -> dict[str, ArgocdInstance]:
    written = document.argocd or {}
    main, address = main_instance(written), overrides(surroundings, problems).argocd_server
    if address and written and main is None:
        problems.about_variable(
            "ARGOCD_SERVER",
            "it is set, but there are several instances in `argocd:` and none is called `main`",
            "Call the instance that it is for `main`, or unset it",
        )
    found = {}
    for name, instance in written.items():
        path: Path = ("argocd", name)
        token = _argocd_token(instance, path, surroundings, problems, is_main=name == main)
        ca_file = surroundings.located(instance.ca_file) if instance.ca_file else None
        if ca_file:
            look_at_certificates(ca_file, (*path, "ca_file"), surroundings, problems)
        server = address if address and name == main else instance.server
        if token:
            found[name] = ArgocdInstance(name=name, server=server, token=token, ca_file=ca_file)
        else:
            problems.damaged.add(path)
    return found


def repositories(document: TiphysDocument, surroundings: Surroundings, problems: Problems) -> dict[str, Repository]:
    address = overrides(surroundings, problems).github_api_url
    found = {}
    for name, repository in (document.repositories or {}).items():
        path: Path = ("repositories", name)
        app = _github_app(repository, path, surroundings, problems)
        token = "" if repository.app else _github_token(repository, path, surroundings, problems)
        if repository.github.endswith(".git"):
            short = repository.github.removesuffix(".git")
            problems.add((*path, "github"), f"`{repository.github}` ends with `.git`", f"Write `{short}`")
        if token or app:
            api_url = address or repository.api_url or GITHUB_API
            found[name] = Repository(
                name=name, github=repository.github, api_url=api_url, token=token or "", app=app
            )  # fmt: skip
        else:
            problems.damaged.add(path)
    return found


def _address(variable: str, surroundings: Surroundings, problems: Problems) -> str | None:
    value = surroundings.variable(variable)
    if value is None:
        return None
    try:
        return server_url(value)
    except ValueError as error:
        problems.about_variable(variable, f"the address cannot be used: {error}", "Correct it, or unset it")
        return None


def _argocd_token(
    instance: ArgocdDocument, path: Path, surroundings: Surroundings, problems: Problems, *, is_main: bool
) -> str | None:
    if instance.token is None and not is_main:
        if not problems.is_damaged((*path, "token")):
            problems.add(path, "`token` is missing", "Add `token: {env: NAME}` or `token: {file: PATH}`")
        return None
    if instance.token is None and problems.is_damaged((*path, "token")):
        return None
    return surroundings.secret(instance.token or SecretDocument(env=ARGOCD_TOKEN), (*path, "token"), problems)


def _github_token(
    repository: RepositoryDocument, path: Path, surroundings: Surroundings, problems: Problems
) -> str | None:
    if repository.token is None and problems.is_damaged((*path, "token"), (*path, "app")):
        return None
    return surroundings.secret(repository.token or SecretDocument(env=GITHUB_TOKEN), (*path, "token"), problems)


def _github_app(
    repository: RepositoryDocument, path: Path, surroundings: Surroundings, problems: Problems
) -> GithubApp | None:
    written = repository.app
    if written is None:
        return None
    if repository.token is not None:
        problems.add((*path, "token"), "`token` and `app` are both set", "Keep one of them")
    key = surroundings.secret(written.private_key, (*path, "app", "private_key"), problems, checked_private_key)
    return GithubApp(id=written.id, private_key=key) if key else None


def look_at_certificates(file: str, path: Path, surroundings: Surroundings, problems: Problems) -> None:
    """Adds a problem for a file that cannot be read, holds no certificate, or one that is damaged."""
    try:
        text = surroundings.read_file(file)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
        problems.add(path, f"the file `{file}` cannot be read: {reason}", "Look at its path and its owner")
        return
    found = list(_CERTIFICATE.finditer(text))
    if not found:
        problems.add(path, f"the file `{file}` holds no certificate", "Point it to a file in PEM form")
    for number, certificate in enumerate(found, 1):
        if not _is_whole(certificate):
            which = f"a certificate, number {number} of {len(found)}, that" if len(found) > 1 else "a certificate that"
            fix = "Put it in whole, from its `BEGIN` to its `END` line"
            problems.add(path, f"the file `{file}` holds {which} is damaged or cut off", fix)
            return


def _is_whole(certificate: re.Match[str]) -> bool:
    """OpenSSL's own form (`TRUSTED`) is read from files alone: of it only the lines around it are looked at."""
    if not certificate["end"] or certificate["kind"]:
        return bool(certificate["end"])
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate[0])
    except (ssl.SSLError, TypeError):  # a TypeError: it is not ASCII
        return False
    return True
