"""Process settings: tokens, addresses and places, from the environment and from `.env`.

Every variable is its field's name in capitals; an empty one counts as not set, and the environment wins over `.env`.
A secret may come from a file instead: `<NAME>_FILE` holds its path. What an application is and what holds for it
stands in `tiphys.yaml` (see `bot.config`).
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.config.explain import BUILT_IN, Explained, show
from bot.config.problems import ENVIRONMENT, INVALID, NOT_SET, ConfigurationError, Problem, choose
from bot.config.words import server_url, wrong

ENV_FILE = Path(".env")
LEVELS = ("all", "debug", "info", "warning", "error")
FORMATS = ("auto", "json", "console")


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


class _Both(str):
    """Stands for a secret that is set twice, until its validation says so."""


class _Unreadable(str):
    """Stands for a secret whose file cannot be read: the reason."""


def _secret(value: Any) -> Any:
    if isinstance(value, _Both):
        raise wrong(f"both it and `{value}` are set", "Unset one of them")
    if isinstance(value, _Unreadable):
        raise wrong(str(value), "Look at the file's path and its owner")
    text = (value.get_secret_value() if isinstance(value, SecretStr) else str(value)).strip()
    if not text:
        raise wrong("it is empty", "Put the secret in")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise wrong("it holds more than one word", "Put the secret in, and nothing else")
    return text


def _token(prefix: str, name: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        text = _secret(value)
        if not text.startswith(prefix):
            raise wrong(f"this is no {name}: those start with `{prefix}`", "Copy it again from the Slack app's page")
        return text

    return BeforeValidator(check)


def _url(value: Any) -> Any:
    try:
        return server_url(str(value))
    except ValueError as error:
        raise wrong(f"the address cannot be used: {error}", "Write it like `https://host.example.com/path`") from None


def _listen(value: Any) -> Any:
    found = re.fullmatch(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):(?P<port>\d{1,5})", str(value))
    if found is None or int(found["port"]) > 65535:
        raise wrong(f"`{value}` is not a host and a port", "Write it like `127.0.0.1:8080` or `[::1]:8080`")
    return str(value)


def _log(value: Any) -> Any:
    words = str(value).lower().split("/")
    for word in words:
        if word not in (*LEVELS, *FORMATS):
            raise wrong(f"`{word}` is no level and no format", choose(word, (*LEVELS, *FORMATS)))
    if sum(word in LEVELS for word in words) > 1 or sum(word in FORMATS for word in words) > 1:
        raise wrong(f"`{value}` says the same thing twice", "Write a level, a format, or both: `info/json`")
    return "/".join(words)


def _database(value: Any) -> Any:
    text = _secret(value)
    try:
        url = make_url(text)
    except ArgumentError:
        raise wrong("it is not a database address", "Write it like `sqlite:///tiphys.db`, or unset it") from None
    kind = url.get_backend_name()
    if kind in ("postgresql", "postgres"):
        if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
            raise wrong(
                f"`{url.drivername}` is no driver that Tiphys has", "Write it like `postgresql://user@host/name`"
            )
        if not url.database:
            raise wrong("it names no database", "Write it like `postgresql://user@host/name`")
        return text
    if kind != "sqlite" or url.drivername not in ("sqlite", "sqlite+aiosqlite"):
        raise wrong(
            f"`{url.drivername}` is no database that Tiphys knows", "Use `postgresql://…` or `sqlite:///<path>`"
        )
    if not url.database or url.database == ":memory:" or url.query:
        raise wrong("it names no file: changes must outlive the process", "Write it like `sqlite:///tiphys.db`")
    return text


def _needed_over_http(value: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
    """Without an app token Slack comes over HTTP, where the signing secret is all that tells it from anybody else."""
    if value is None and others.data.get("slack_app_token", ...) is None:
        raise wrong(
            "neither it nor `SLACK_APP_TOKEN` is set",
            "Set it to the Slack app's signing secret: Slack then comes over HTTP, to `/slack/events`. Or set "
            "`SLACK_APP_TOKEN` to its app-level token (`xapp-…`, scope `connections:write`): Tiphys then uses Socket "
            "Mode. Both may be set by file: `SLACK_SIGNING_SECRET_FILE`, `SLACK_APP_TOKEN_FILE`",
            slug=NOT_SET,
        )
    return value


Secret = Annotated[SecretStr, BeforeValidator(_secret)]
BotToken = Annotated[SecretStr, _token("xoxb-", "bot token")]
AppToken = Annotated[SecretStr, _token("xapp-", "app-level token")]
Url = Annotated[str, BeforeValidator(_url)]


class StorageSettings(BaseSettings):
    """Where Tiphys keeps its data: all that `tiphys db` needs."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    tiphys_data: Path = Field(Path(".tiphys"), description="Folder of the Git mirrors and of the default database.")
    database_url: Annotated[SecretStr, BeforeValidator(_database)] | None = Field(
        None,
        description="The database: `sqlite:///<path>` or `postgresql://…`. Default: `tiphys.db` in `TIPHYS_DATA`.",
    )

    @property
    def database(self) -> str:
        """The database's address as SQLAlchemy takes it."""
        if self.database_url is None:
            file = str(self.tiphys_data.absolute() / "tiphys.db")
            return URL.create("sqlite+aiosqlite", database=file).render_as_string()
        url = make_url(self.database_url.get_secret_value())
        driver = "sqlite+aiosqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
        return url.set(drivername=driver).render_as_string(hide_password=False)

    @property
    def database_shown(self) -> str:
        """The same for people: without the password."""
        return make_url(self.database).render_as_string()

    @property
    def mirrors(self) -> Path:
        """Folder of the Git mirrors."""
        return self.tiphys_data.absolute() / "mirrors"

    def secrets(self) -> list[str]:
        """Every secret value, to be kept out of logs and messages. Of a database's address that is the password."""
        values = (getattr(self, name) for name in secret_names(type(self)) - {"database_url"})
        found = [value.get_secret_value() for value in values if value is not None]
        password = make_url(self.database).password
        return [*found, str(password)] if password else found

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        env_file = dotenv_settings.env_file if isinstance(dotenv_settings, DotEnvSettingsSource) else None
        files = _SecretFiles(settings_cls, environment(env_file if isinstance(env_file, Path) else None))
        return init_settings, files, env_settings, dotenv_settings


class Settings(StorageSettings):
    """All that a running Tiphys needs of its surroundings."""

    slack_bot_token: BotToken = Field(description="The Slack app's bot token, `xoxb-…`.")
    slack_app_token: AppToken | None = Field(
        None,
        description="The Slack app's app-level token, `xapp-…`, with `connections:write`: Socket Mode. Without it "
        "Slack comes over HTTP.",
    )
    slack_signing_secret: Annotated[Secret | None, AfterValidator(_needed_over_http)] = Field(
        None, validate_default=True, description="The Slack app's signing secret; required without `SLACK_APP_TOKEN`."
    )
    slack_api_url: Url = Field("https://slack.com/api", description="Slack's Web API.")
    argocd_server: Url | None = Field(
        None, description="Argo CD's address; wins over the file for the instance `main` or the only one."
    )
    argocd_auth_token: Secret | None = Field(
        None, description="Argo CD's API token, where the file refers to it (the default)."
    )
    argocd_webhook_token: Secret | None = Field(
        None,
        description="What Argo CD's notifications carry as bearer token; without it `/webhooks/argocd` is not served.",
    )
    github_token: Secret | None = Field(None, description="GitHub's token, where the file refers to it (the default).")
    alertmanager_url: Url | None = Field(
        None, description="Alertmanager's API; wins over the file for the source `default` or the only one."
    )
    alertmanager_webhook_token: Secret | None = Field(
        None, description="What Alertmanager's webhooks carry, where the file refers to it (the default)."
    )
    github_api_url: Url | None = Field(
        None, description="GitHub's API; wins over the file for every repository on GitHub."
    )
    github_webhook_secret: Secret | None = Field(
        None, description="Secret of GitHub's webhooks; without it `/webhooks/github` is not served."
    )
    tiphys_config: Path = Field(Path("tiphys.yaml"), description="The configuration file.")
    tiphys_listen: Annotated[str, BeforeValidator(_listen)] = Field(
        "127.0.0.1:8080",
        description="Where `/healthz`, `/readyz`, `/metrics`, `/webhooks/alertmanager` and, where they are set up, "
        "`/slack/events`, `/webhooks/github` and `/webhooks/argocd` are served: `host:port`; port 0: any free one.",
    )
    tiphys_log: Annotated[str, BeforeValidator(_log)] = Field(
        "info/auto",
        description="Level (`debug`, `info`, `warning`, `error`; `all`: libraries too), format (`auto`, `json`, "
        "`console`), or both: `info/json`.",
    )

    @property
    def listen(self) -> Address:
        host, _, port = self.tiphys_listen.rpartition(":")
        return Address(host.strip("[]"), int(port))

    @property
    def log_level(self) -> str:
        return next((word for word in self.tiphys_log.split("/") if word in LEVELS), "info")

    @property
    def log_format(self) -> str:
        return next((word for word in self.tiphys_log.split("/") if word in FORMATS), "auto")


def read_settings(env_file: Path = ENV_FILE) -> Settings:
    """From the environment and the file. Raises `ConfigurationError` with every problem."""
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        raise ConfigurationError(_problems(error)) from None


def read_storage_settings(env_file: Path = ENV_FILE) -> StorageSettings:
    """The part that the database needs. Raises `ConfigurationError`."""
    try:
        return StorageSettings(_env_file=env_file)
    except ValidationError as error:
        raise ConfigurationError(_problems(error)) from None


def environment(env_file: Path | None = ENV_FILE) -> dict[str, str]:
    """Every variable that is set, as the settings see them: the process's own win over the file's."""
    written = dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}
    return {name: value for name, value in {**written, **_set(os.environ)}.items() if value}


def configuration_file(env_file: Path = ENV_FILE) -> Path:
    """Where `tiphys.yaml` is, also while other settings are wrong."""
    return Path(environment(env_file).get("TIPHYS_CONFIG") or Settings.model_fields["tiphys_config"].default)


def explain_settings(settings: Settings, env_file: Path = ENV_FILE) -> list[Explained]:
    """Every setting with its value and where that comes from; of secrets only whether they are set."""
    written = environment(env_file)
    secret, found = secret_names(Settings), []
    for field in Settings.model_fields:
        name, value = field.upper(), getattr(settings, field)
        variable = f"{name}_FILE" if field in secret and written.get(f"{name}_FILE") else name
        origin = BUILT_IN
        if written.get(variable):
            origin = f"environment variable {variable}" if os.environ.get(variable) else f"{env_file} ({variable})"
        if field == "database_url":
            value = settings.database_shown
        elif field in secret:
            value = "set, not shown" if value is not None else "not set"
        found.append(Explained(name, show(value), origin))
    return found


def _set(variables: os._Environ[str]) -> dict[str, str]:
    """An empty variable does not hide one in the file."""
    return {name: value for name, value in variables.items() if value}


class _SecretFiles(PydanticBaseSettingsSource):
    """Secrets from the files that `<NAME>_FILE` names."""

    def __init__(self, settings_cls: type[BaseSettings], environ: dict[str, str]) -> None:
        super().__init__(settings_cls)
        self._environ = environ

    def __call__(self) -> dict[str, Any]:
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                found[key] = value
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{field_name.upper()}_FILE"
        file = self._environ.get(variable)
        if not file or field_name not in secret_names(self.settings_cls):
            return None, field_name, False
        if self._environ.get(field_name.upper()):
            return _Both(variable), field_name, False
        try:
            return Path(file).read_text(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            return _Unreadable(f"the file `{file}` (from `{variable}`) cannot be read: {why}"), field_name, False


def secret_names(settings: type[BaseSettings]) -> frozenset[str]:
    """The fields that hold a secret, and so may come from a file."""
    return frozenset(name for name, field in settings.model_fields.items() if _holds_secret(field.annotation))


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_holds_secret(inner) for inner in get_args(annotation))


_WHEN_MISSING = {
    "slack_bot_token": ("it is not set", "Set it to the Slack app's bot token (`xoxb-…`)", NOT_SET),
}


def _problems(error: ValidationError) -> list[Problem]:
    found = []
    for details in error.errors(include_url=False, include_input=False):
        name = str(details["loc"][0])
        context = details.get("ctx", {})
        if details["type"] == "missing":
            reason, fix, slug = _WHEN_MISSING.get(name, ("it is not set", "Set it", NOT_SET))
            fix = f"{fix}, or `{name.upper()}_FILE` to the path of a file that holds it"
        else:
            reason, fix = context.get("reason", details["msg"]), context.get("fix", "Correct it, or unset it")
            slug = context.get("slug", INVALID)
        found.append(Problem(file=ENVIRONMENT, path=name.upper(), line=None, reason=reason, fix=fix, slug=slug))
    return found
