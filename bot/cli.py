"""The command line: `tiphys run | sandbox | check | manifest | schema | db upgrade`.

Each command imports what it needs when it is called, so that none waits for what another one needs.
"""

import asyncio
import gc
import importlib.metadata
import json
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.config.problems import Problem
    from bot.domain.pipeline import Configuration
    from bot.settings import Settings

app = typer.Typer(
    name="tiphys",
    help="Steers Argo CD from Slack: what was approved is what ships.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
database = typer.Typer(help="The database.", no_args_is_help=True)
sandbox = typer.Typer(help="The try-it world: Slack, Argo CD and GitHub on this machine, and a page to use them.")
app.add_typer(database, name="db")
app.add_typer(sandbox, name="sandbox", invoke_without_command=True)


class SlackMode(StrEnum):
    SOCKET = "socket"
    HTTP = "http"


def main() -> None:
    """The console script. Whatever happens is told in a line, not in a traceback; `TIPHYS_LOG=debug` shows that too."""
    from bot.config.problems import ConfigurationError

    try:
        app()
    except ConfigurationError as error:
        _tell(error.problems, err=True)
        sys.exit(1)
    except Exception as error:
        _tell_unexpected(error)
        sys.exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tiphys {importlib.metadata.version('tiphys')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def run() -> None:
    """Run the bot."""
    # Until the bot listens to it itself. The first process of a container would not hear it at all.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    gc.disable()  # what is loaded stays; `Bot.run` enables it again as soon as it serves
    # structlog and httpx load these for tracebacks and a command line that no bot shows, and do without where they are
    # not installed: 5 MiB, a twentieth of a second.
    for module in ("rich", "pygments", "click"):
        sys.modules.setdefault(module, None)  # type: ignore[arg-type]
    from bot.settings import read_settings

    settings = read_settings()
    from bot.main import run as run_bot

    raise typer.Exit(run_bot(settings))


@app.command()
def check(
    config: Annotated[Path | None, typer.Option(help="The file to check instead of TIPHYS_CONFIG's.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show every effective value and its origin.")] = False,
    online: Annotated[bool, typer.Option("--online", help="Ask the live systems too; they are only read.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document of findings.")] = False,
) -> None:
    """Check the settings and tiphys.yaml: every problem with its place, its reason and what to do."""
    from bot.config.policy import warnings_of
    from bot.config.problems import ConfigurationError, Problem
    from bot.config.source import read_configuration
    from bot.settings import configuration_file, environment, read_settings

    if as_json and explain:
        raise typer.BadParameter("--explain has no JSON form", param_hint="--json")
    problems: list[Problem] = []
    settings = None
    try:
        settings = read_settings()
    except ConfigurationError as error:
        problems += error.problems
    file = config or configuration_file()
    read = read_configuration(file, environment())
    configuration = None if isinstance(read, list) else read
    if isinstance(read, list):
        told = {(problem.file, problem.path) for problem in problems}
        problems += [problem for problem in read if (problem.file, problem.path) not in told]
    else:
        problems += _slash_commands(file, read)
        if explain:
            _explain(file, settings)
    remarks = [str(remark) for remark in warnings_of(configuration)] if configuration else []
    if online or as_json:
        _tell_findings(settings, configuration, problems, remarks, online=online, as_json=as_json)
        return
    if problems or configuration is None:
        _tell(problems)
        typer.echo(f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}")
        raise typer.Exit(1)
    for remark in remarks:
        typer.echo(f"warning: {remark}")
    stages = len(configuration.stages())
    typer.echo(f"The settings and {file} are valid: applications {len(configuration.applications)}, stages {stages}.")


@app.command()
def manifest(
    mode: Annotated[SlackMode, typer.Option(help="How Slack reaches the bot.")] = SlackMode.SOCKET,
    url: Annotated[str | None, typer.Option(help="Where Slack finds the bot, for --mode http.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="The tiphys.yaml that chooses the slash commands. Default: TIPHYS_CONFIG's.")
    ] = None,
) -> None:
    """Print the manifest of the Slack app."""
    if mode is SlackMode.HTTP and not url:
        raise typer.BadParameter("--mode http needs the address of the bot", param_hint="--url")
    import commands
    from bot.chat.registry import load_commands
    from bot.config.source import read_slack_policy
    from bot.domain.pipeline import SlackPolicy
    from bot.settings import configuration_file
    from bot.slack.manifest import manifest as build
    from bot.slack.manifest import to_yaml

    file = config or configuration_file()
    policy = read_slack_policy(file) if config or file.exists() else SlackPolicy()
    try:
        document = build(load_commands(commands), mode=mode.value, url=url, policy=policy)
    except ValueError as error:
        typer.echo(f"tiphys: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(to_yaml(document), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of tiphys.yaml."""
    from bot.config.schema import schema as build

    typer.echo(json.dumps(build(), indent=2, ensure_ascii=False))


@database.command()
def upgrade() -> None:
    """Bring the database's schema to what this version needs. `tiphys run` does so itself with SQLite alone."""
    from bot.settings import read_storage_settings
    from bot.store.engine import FileLock, sqlite_path
    from bot.store.migrate import upgrade as migrate

    settings = read_storage_settings()
    path = sqlite_path(settings.database)
    with FileLock(path) if path is not None else nullcontext():
        before, after = asyncio.run(migrate(settings.database))
    name = path or settings.database_shown
    if before == after:
        typer.echo(f"{name} is up to date (schema {after})")
    else:
        typer.echo(f"{name}: schema {before or 'empty'} → {after}")


Home = Annotated[Path, typer.Option(help="Folder of everything that the world keeps.")]


@sandbox.callback()
def _sandbox(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(help="Of the page and the control API; 0: any free one.", min=0, max=65535)
    ] = 8600,
    home: Home = Path(".sandbox"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over instead of going on.")] = False,
    config: Annotated[Path | None, typer.Option(help="A tiphys.yaml instead of the seeded one.")] = None,
    database_url: Annotated[
        str | None, typer.Option("--database", help="The bot's database. Default: SQLite in the home.")
    ] = None,
    slack: Annotated[SlackMode, typer.Option(help="How Slack reaches the bot.")] = SlackMode.SOCKET,
    no_bot: Annotated[bool, typer.Option("--no-bot", help="The servers alone, for a foreign bot.")] = False,
    replicas: Annotated[int, typer.Option(help="How many bots; several need PostgreSQL.", min=1, max=5)] = 1,
    speed: Annotated[float, typer.Option(help="Shortens the world's own durations.", min=0.01)] = 1.0,
) -> None:
    """Start the world and the bot in it; one line says when it is ready."""
    if context.invoked_subcommand is not None:
        return
    from bot.sandbox.command import run as run_sandbox

    code = run_sandbox(
        port=port,
        home=home,
        fresh=fresh,
        config=config,
        database=database_url,
        slack="http" if slack is SlackMode.HTTP else "socket",
        no_bot=no_bot,
        replicas=replicas,
        speed=speed,
    )
    raise typer.Exit(code)


@sandbox.command("env")
def sandbox_env(home: Home = Path(".sandbox")) -> None:
    """Print the bot's environment as `export NAME='value'` lines, for running it by hand."""
    from bot.sandbox.command import env

    raise typer.Exit(env(home=home))


def _slash_commands(file: Path, configuration: "Configuration") -> "list[Problem]":
    """What Slack would refuse of the slash commands that the file asks for; it would refuse the whole manifest."""
    import commands
    from bot.chat.registry import load_commands
    from bot.config.problems import Problem
    from bot.slack.manifest import manifest

    try:
        manifest(load_commands(commands), policy=configuration.slack)
    except ValueError as error:
        fix = "Change `slack.commands` or `slack.command_prefix`; every command is a verb of `/gitops` anyway"
        return [Problem(file=str(file), path="slack", line=None, reason=str(error), fix=fix)]
    return []


def _explain(file: Path, settings: "Settings | None") -> None:
    from bot.config.source import explain_file
    from bot.settings import environment, explain_settings

    lines = explain_settings(settings) if settings is not None else []
    lines += explain_file(file, environment())
    width = min(max(len(f"{line.path} = {line.value}") for line in lines), 90)
    for line in lines:
        typer.echo(f"{f'{line.path} = {line.value}':{width}}  # {line.origin}")


def _tell_findings(
    settings: "Settings | None",
    configuration: "Configuration | None",
    problems: Sequence["Problem"],
    remarks: Sequence[str],
    *,
    online: bool,
    as_json: bool,
) -> None:
    """What is wrong offline, then what the live systems say; ends with 1 when there is an error."""
    from bot.checks.telling import as_json as to_json
    from bot.checks.telling import as_text, counts
    from bot.config.source import secrets_of
    from bot.redaction import Redaction

    findings = []
    redaction = Redaction(settings.secrets() if settings else ())
    if configuration is not None:
        redaction.add(*secrets_of(configuration))
    if online and settings is not None:
        from bot.checks.online import check_online

        findings = asyncio.run(check_online(settings, configuration, learn=redaction.add_passing))
    errors, warnings = counts(findings, problems, remarks)
    if as_json:
        typer.echo(to_json(findings, problems, remarks, redaction.text))
    else:
        _tell(problems)
        if online and settings is None:
            typer.echo("Nothing was asked online: the settings must be valid first.")
        for remark in remarks:
            typer.echo(f"warning: {remark}")
        for line in (*([""] if findings and (problems or remarks) else []), *as_text(findings, redaction.text)):
            typer.echo(line)
        typer.echo(f"{chr(10) if findings else ''}errors {errors}, warnings {warnings}")
    if errors:
        raise typer.Exit(1)


def _tell(problems: Sequence["Problem"], *, err: bool = False) -> None:
    for problem in problems:
        typer.echo(f"{problem.place}: {problem.path}" if problem.path else problem.place, err=err)
        typer.echo(f"  reason: {problem.reason}", err=err)
        typer.echo(f"  fix:    {problem.fix}", err=err)


def _tell_unexpected(error: Exception) -> None:
    """Our own errors speak for themselves; of others the kind is said too."""
    from bot.redaction import Redaction, is_secret_key
    from bot.settings import environment

    variables = environment()
    redaction = Redaction(value for name, value in variables.items() if is_secret_key(name))
    if variables.get("TIPHYS_LOG", "").lower().startswith(("debug", "all")):
        typer.echo(redaction.text("".join(traceback.format_exception(error))), err=True, nl=False)
    words = " ".join(str(error).split())
    if type(error).__module__.startswith("bot."):
        line = words
    elif isinstance(error, OSError) and error.strerror:
        line = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    else:
        line = f"unexpected {type(error).__name__}{f': {words}' if words else ''} (TIPHYS_LOG=debug shows where)"
    typer.echo(redaction.text(f"tiphys: {line}"), err=True)
