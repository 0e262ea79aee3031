import re
from pathlib import Path

import pytest

from bot.config.problems import ENVIRONMENT, NOT_SET, ConfigurationError, Problem
from bot.settings import (
    Address,
    Settings,
    configuration_file,
    environment,
    explain_settings,
    read_settings,
    read_storage_settings,
    secret_names,
)

ROOT = Path(__file__).parents[1]
SLACK = {"SLACK_BOT_TOKEN": "xoxb-secret-1", "SLACK_APP_TOKEN": "xapp-secret-2"}


class World:
    """The environment of a process, and its current folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def file(self, name: str, content: str) -> str:
        (self.folder / name).write_text(content)
        return str(self.folder / name)

    def problems(self) -> list[Problem]:
        with pytest.raises(ConfigurationError) as caught:
            read_settings()
        return caught.value.problems

    def problem(self) -> Problem:
        found = self.problems()
        assert len(found) == 1, found
        assert found[0].file == ENVIRONMENT
        return found[0]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    return World(tmp_path, monkeypatch)


@pytest.fixture
def world(bare: World) -> World:
    """With what is required."""
    bare.set(**SLACK)
    return bare


def test_defaults(world: World) -> None:
    settings = read_settings()
    assert settings.slack_api_url == "https://slack.com/api"
    assert settings.listen == Address("127.0.0.1", 8080)
    assert settings.tiphys_config == Path("tiphys.yaml")
    assert (settings.argocd_server, settings.github_api_url) == (None, None)
    assert (settings.log_level, settings.log_format) == ("info", "auto")
    assert settings.database == f"sqlite+aiosqlite:///{world.folder}/.tiphys/tiphys.db"
    assert settings.mirrors == world.folder / ".tiphys/mirrors"


def test_what_is_required_is_told_together(bare: World) -> None:
    bot, secret = bare.problems()
    assert (bot.path, bot.slug) == ("SLACK_BOT_TOKEN", NOT_SET)
    assert (secret.path, secret.slug) == ("SLACK_SIGNING_SECRET", NOT_SET)
    assert "SLACK_APP_TOKEN_FILE" in secret.fix


@pytest.mark.parametrize("secret", ["", "   ", None])
def test_over_http_the_signing_secret_must_not_be_empty(bare: World, secret: str | None) -> None:
    bare.set(SLACK_BOT_TOKEN="xoxb-1")
    if secret is None:
        bare.set(SLACK_SIGNING_SECRET_FILE=bare.file("secret", "\n"))
    else:
        bare.set(SLACK_SIGNING_SECRET=secret)
    assert bare.problem().path == "SLACK_SIGNING_SECRET"


def test_without_an_app_token_slack_comes_over_http(bare: World) -> None:
    bare.set(SLACK_BOT_TOKEN="xoxb-1", SLACK_SIGNING_SECRET="signs-1")
    settings = read_settings()
    assert settings.slack_app_token is None
    assert "signs-1" in settings.secrets()
    bare.set(SLACK_APP_TOKEN="xoxb-2")
    assert bare.problem().path == "SLACK_APP_TOKEN"


def test_the_database_needs_no_slack(bare: World) -> None:
    bare.set(TIPHYS_DATA="data")
    assert read_storage_settings().database.endswith("/data/tiphys.db")


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("SLACK_BOT_TOKEN", "xapp-hidden", "no bot token"),
        ("SLACK_APP_TOKEN", "xoxb-hidden", "no app-level token"),
        ("GITHUB_TOKEN", "two hidden words", "more than one word"),
        ("ARGOCD_SERVER", "https://u:hidden@argocd", "user name or password"),
        ("GITHUB_API_URL", "ftp://hub", "not an http or https address"),
        ("SLACK_API_URL", "https://[", "not an address"),
        ("TIPHYS_LISTEN", "8080", "not a host and a port"),
        ("TIPHYS_LISTEN", "127.0.0.1:99999", "not a host and a port"),
        ("TIPHYS_LOG", "loud", "no level and no format"),
        ("TIPHYS_LOG", "info/debug", "same thing twice"),
        ("DATABASE_URL", "hidden words", "more than one word"),
        ("DATABASE_URL", "tiphys.db", "not a database address"),
        ("DATABASE_URL", "mysql://u:hidden@h/d", "`mysql` is no database"),
        ("DATABASE_URL", "postgresql+asyncpg://u:hidden@h/d", "`postgresql+asyncpg` is no driver"),
        ("DATABASE_URL", "postgresql://u:hidden@h", "names no database"),
        ("DATABASE_URL", "sqlite://", "names no file"),
        ("DATABASE_URL", "sqlite:///:memory:", "names no file"),
    ],
)
def test_a_wrong_value_is_told_by_name_without_what_is_secret(
    world: World, variable: str, value: str, reason: str
) -> None:
    world.set(**{variable: value})
    problem = world.problem()
    assert problem.path == variable
    assert reason in problem.reason
    assert problem.fix
    assert "hidden" not in str(problem)


@pytest.mark.parametrize(
    "url", ["postgresql://u:hidden@h/d", "postgres://u:hidden@h/d", "postgresql+psycopg://u:hidden@h/d"]
)
def test_a_postgresql_database(world: World, url: str) -> None:
    world.set(DATABASE_URL=url)
    settings = read_settings()
    assert settings.database == "postgresql+psycopg://u:hidden@h/d"
    assert settings.database_shown == "postgresql+psycopg://u:***@h/d"
    assert "hidden" in settings.secrets()
    shown = {line.path: line.value for line in explain_settings(settings)}
    assert shown["DATABASE_URL"] == "postgresql+psycopg://u:***@h/d"


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("sqlite+aiosqlite:////data/x.db", "sqlite+aiosqlite:////data/x.db"),
    ],
)
def test_a_sqlite_file(world: World, url: str, database: str) -> None:
    world.set(DATABASE_URL=url)
    assert read_settings().database == database


def test_addresses_lose_their_last_slash(world: World) -> None:
    world.set(
        GITHUB_API_URL="http://127.0.0.1:1234/api/v3/", ARGOCD_SERVER="argocd.example.com", TIPHYS_LISTEN="[::1]:0"
    )
    settings = read_settings()
    assert settings.github_api_url == "http://127.0.0.1:1234/api/v3"
    assert settings.argocd_server == "https://argocd.example.com"
    assert settings.listen == Address("::1", 0)


def test_every_secret_may_come_from_a_file(bare: World) -> None:
    for name in secret_names(Settings):
        content = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "database_url": "sqlite:///f.db"}.get(
            name, "s-1"
        )
        bare.set(**{f"{name.upper()}_FILE": bare.file(name, f"{content}\n")})
    settings = read_settings()
    for name in secret_names(Settings):
        assert getattr(settings, name).get_secret_value() in {"xoxb-1", "xapp-1", "sqlite:///f.db", "s-1"}


def test_a_secret_that_is_set_twice_is_an_error(world: World) -> None:
    world.set(SLACK_BOT_TOKEN_FILE=world.file("token", "xoxb-hidden"))
    problem = world.problem()
    assert (problem.path, problem.reason) == ("SLACK_BOT_TOKEN", "both it and `SLACK_BOT_TOKEN_FILE` are set")


def test_a_secrets_file_that_cannot_be_read(world: World) -> None:
    world.set(GITHUB_TOKEN_FILE="/nowhere/token")
    assert "`/nowhere/token` (from `GITHUB_TOKEN_FILE`) cannot be read" in world.problem().reason


def test_only_secrets_come_from_files(world: World) -> None:
    world.set(TIPHYS_LISTEN_FILE=world.file("listen", "x"))
    assert read_settings().listen.port == 8080


def test_the_file_is_read_and_the_environment_wins(bare: World) -> None:
    bare.file(
        ".env",
        "SLACK_BOT_TOKEN=xoxb-file\nSLACK_APP_TOKEN=xapp-file\nTIPHYS_LOG=debug\nOTHER=x\nTIPHYS_CONFIG=f.yaml\n",
    )
    bare.set(SLACK_BOT_TOKEN="xoxb-process", TIPHYS_LOG="")
    settings = read_settings()
    assert settings.slack_bot_token.get_secret_value() == "xoxb-process"
    assert settings.slack_app_token is not None
    assert settings.slack_app_token.get_secret_value() == "xapp-file"
    assert settings.log_level == "debug"
    seen = environment()
    assert (seen["SLACK_BOT_TOKEN"], seen["OTHER"], seen["TIPHYS_LOG"]) == ("xoxb-process", "x", "debug")
    assert configuration_file() == Path("f.yaml")


def test_a_secrets_file_may_be_named_in_the_file(world: World) -> None:
    world.file(".env", f"GITHUB_TOKEN_FILE={world.file('token', 'from-file')}\n")
    token = read_settings().github_token
    assert token is not None
    assert token.get_secret_value() == "from-file"


def test_secrets_are_not_shown(world: World) -> None:
    world.set(GITHUB_TOKEN="hidden-3", ARGOCD_AUTH_TOKEN="hidden-4")
    settings = read_settings()
    secrets = settings.secrets()
    assert sorted(secrets) == ["hidden-3", "hidden-4", "xapp-secret-2", "xoxb-secret-1"]
    assert not any(secret in f"{settings!r} {settings} {explain_settings(settings)}" for secret in secrets)


def test_each_setting_is_explained(world: World) -> None:
    world.file(".env", "TIPHYS_LISTEN=127.0.0.1:9\n")
    world.set(GITHUB_TOKEN_FILE=world.file("token", "from-file"))
    lines = {line.path: (line.value, line.origin) for line in explain_settings(read_settings())}
    assert lines.keys() == {name.upper() for name in Settings.model_fields}
    assert lines["TIPHYS_LISTEN"] == ("127.0.0.1:9", ".env (TIPHYS_LISTEN)")
    assert lines["GITHUB_TOKEN"] == ("set, not shown", "environment variable GITHUB_TOKEN_FILE")
    assert lines["SLACK_API_URL"] == ("https://slack.com/api", "built in")
    assert lines["DATABASE_URL"][0].endswith("/.tiphys/tiphys.db")


def example() -> dict[str, tuple[str, str]]:
    """What `.env.example` says: by variable, its value and the comment above it."""
    found, comment = {}, ""
    for line in (ROOT / ".env.example").read_text().splitlines():
        if variable := re.fullmatch(r"(?:# )?([A-Z][A-Z_]+)=(\S*)", line):
            found[variable[1]] = (variable[2], comment)
            comment = ""
        else:
            comment = f"{comment} {line}" if line.startswith("#") else ""
    return found


def test_the_example_lists_every_setting_with_its_default_and_what_it_is_for() -> None:
    found = example()
    assert found.keys() == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        value, comment = found[name.upper()]
        assert value == ("" if field.is_required() or field.default is None else str(field.default)), name
        assert len(comment) > 10, name
        assert ("Secret." in comment) == (name in secret_names(Settings)), name
        assert ("Required." in comment) == field.is_required(), name


def test_the_example_holds_no_secret_and_leaves_only_what_must_be_filled_in(bare: World) -> None:
    bare.file(".env", (ROOT / ".env.example").read_text())
    assert {problem.path for problem in bare.problems()} == {"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"}
