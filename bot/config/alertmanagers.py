"""Where alerts come from: the sources with their credentials, and what cannot be meant of them."""

from collections.abc import Collection

from bot.config.alert_documents import AlertmanagerDocument, BasicAuthDocument
from bot.config.document_base import SecretDocument
from bot.config.documents import TiphysDocument
from bot.config.outside import look_at_certificates, overrides
from bot.config.problems import Path, Problems
from bot.config.secrets import NotThatSecret, Surroundings
from bot.domain.alerts.policy import AlertSource, BasicAuth

WEBHOOK_TOKEN = "ALERTMANAGER_WEBHOOK_TOKEN"  # noqa: S105  the name of a variable
_WEBHOOK_FIX = "Add `webhook: {token: {env: NAME}}`, or `webhook: {basic: {username: …, password: {env: NAME}}}`"


def main_source(names: Collection[str]) -> str | None:
    """The source whose webhook token need not be named: `default`, or the only one."""
    if "default" in names:
        return "default"
    return next(iter(names)) if len(names) == 1 else None


def sources(
    document: TiphysDocument, names: Collection[str], surroundings: Surroundings, problems: Problems
) -> dict[str, AlertSource]:
    """As far as they can be meant. `names`: all that stand in the file, also where their body is wrong."""
    found: dict[str, AlertSource] = {}
    addresses: dict[tuple[str, str | None], str] = {}
    main, address = main_source(names), overrides(surroundings, problems).alertmanager_url
    if address and names and main is None:
        problems.about_variable(
            "ALERTMANAGER_URL",
            "it is set, but there are several sources in `alertmanagers:` and none is called `default`",
            "Call the source that it is for `default`, or unset it",
        )
    for name, body in (document.alertmanagers or {}).items():
        path: Path = ("alertmanagers", name)
        written = body or AlertmanagerDocument()
        is_main = name == main
        url = address if address and is_main else written.url
        _look_at_api(written, url, path, problems)
        if url:
            first = addresses.setdefault((url, written.tenant), name)
            if first != name:
                problems.add((*path, "url"), f"`{first}` has the same", "Keep one source: every alert would come twice")
        tokens, basic = _webhook(written, path, surroundings, problems, is_main=is_main)
        if written.ca_file:
            look_at_certificates(surroundings.located(written.ca_file), (*path, "ca_file"), surroundings, problems)
        found[name] = AlertSource(
            name=name,
            webhook_tokens=tokens,
            webhook_basic=basic,
            url=url,
            tenant=written.tenant,
            token=surroundings.secret(written.token, (*path, "token"), problems) if written.token else None,
            basic=_basic(written.basic, (*path, "basic"), surroundings, problems) if written.basic else None,
            ca_file=surroundings.located(written.ca_file) if written.ca_file else None,
            receivers=tuple(written.receivers or ()),
            **({"poll": written.poll} if written.poll else {}),
        )
    return found


def _look_at_api(written: AlertmanagerDocument, url: str | None, path: Path, problems: Problems) -> None:
    if written.token is not None and written.basic is not None:
        problems.add((*path, "basic"), "`token` and `basic` are both set", "Keep one of them")
    if url is not None or problems.is_damaged((*path, "url")):
        return
    for key in ("tenant", "token", "basic", "ca_file", "poll"):
        if getattr(written, key) is not None:
            problems.add(
                (*path, key), f"`{key}` is for the API, and there is no `url`", f"Add `url:`, or remove `{key}`"
            )


def _webhook(
    written: AlertmanagerDocument, source: Path, surroundings: Surroundings, problems: Problems, *, is_main: bool
) -> tuple[tuple[str, ...], BasicAuth | None]:
    """What webhooks are known by; nothing at all with a problem."""
    path: Path = (*source, "webhook")
    if problems.is_damaged(path):
        return (), None
    webhook = written.webhook
    if webhook is None and is_main:
        token = surroundings.secret(SecretDocument(env=WEBHOOK_TOKEN), (*path, "token"), problems)
        return ((token,) if token else ()), None
    given = [key for key in ("token", "tokens", "basic") if webhook and getattr(webhook, key) is not None]
    if webhook is None or not given:
        problems.add(path, "nothing says by what webhooks of this source are known", _WEBHOOK_FIX)
        return (), None
    if len(given) > 1:
        both = " and ".join(f"`{key}`" for key in given)
        problems.add((*path, given[-1]), f"{both} are set: one is enough", "Keep one; `tokens` may hold several")
        return (), None
    if webhook.basic is not None:
        return (), _basic(webhook.basic, (*path, "basic"), surroundings, problems)
    references: list[tuple[SecretDocument, Path]] = (
        [(webhook.token, (*path, "token"))]
        if webhook.token is not None
        else [(token, (*path, "tokens", position)) for position, token in enumerate(webhook.tokens or ())]
    )
    tokens = [surroundings.secret(reference, place, problems) for reference, place in references]
    return tuple(token for token in tokens if token), None


def _basic(written: BasicAuthDocument, path: Path, surroundings: Surroundings, problems: Problems) -> BasicAuth | None:
    password = surroundings.secret(written.password, (*path, "password"), problems, _one_line)
    return BasicAuth(username=written.username, password=password) if password else None


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise NotThatSecret("holds more than one line", "Put the password in, and nothing else")
    return value
