"""The configuration in force: read from its file, and kept when a later reading of the file fails."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bot.config.explain import Explained, explain
from bot.config.loading import load, read_document, slack_policy
from bot.config.problems import ConfigurationError, Problem
from bot.domain.pipeline import Configuration, SlackPolicy

MISSING_FIX = "Write it (docs/configuration.md shows a whole one), or set `TIPHYS_CONFIG` to its path"


class ConfigurationSource:
    """Remembers the last good configuration of one file.

    `environ` is asked at every reading, so that a secret that was renewed in its file is seen.
    """

    def __init__(self, file: Path, environ: Callable[[], Mapping[str, str]]) -> None:
        """Reads the file. Raises `ConfigurationError` with every problem."""
        self._file, self._environ = file, environ
        found = read_configuration(file, environ())
        if isinstance(found, list):
            raise ConfigurationError(found)
        self._current = found

    @property
    def file(self) -> Path:
        return self._file

    @property
    def current(self) -> Configuration:
        return self._current

    def secrets(self) -> list[str]:
        """Those of the configuration in force."""
        return secrets_of(self._current)

    def reload(self) -> list[Problem]:
        """Read the file again; with problems, the old configuration stays in force and they are the answer."""
        found = read_configuration(self._file, self._environ())
        if isinstance(found, list):
            return found
        self._current = found
        return []


def secrets_of(configuration: Configuration) -> list[str]:
    """Its tokens, keys and passwords, to be kept out of logs and messages."""
    return [
        *(instance.token for instance in configuration.argocd.values()),
        *(repository.token for repository in configuration.repositories.values()),
        *(repository.app.private_key for repository in configuration.repositories.values() if repository.app),
        *(secret for source in configuration.alerts.sources.values() for secret in source.secrets),
    ]


def read_configuration(file: Path, environ: Mapping[str, str]) -> Configuration | list[Problem]:
    """The file's meaning, or every problem with it; a file that cannot be read is a problem too."""
    text = _text_of(file)
    return [text] if isinstance(text, Problem) else load(text, file=str(file), environ=environ, read_file=_read)


def explain_file(file: Path, environ: Mapping[str, str]) -> list[Explained]:
    """Every effective value. Raises `ConfigurationError`."""
    text = _text_of(file)
    if isinstance(text, Problem):
        raise ConfigurationError([text])
    return explain(text, file=str(file), environ=environ, read_file=_read)


def read_slack_policy(file: Path) -> SlackPolicy:
    """What the file says of Slack, whatever else is wrong with it. Raises `ConfigurationError`."""
    text = _text_of(file)
    if isinstance(text, Problem):
        raise ConfigurationError([text])
    document, _, problems = read_document(text, file=str(file))
    concerned = [problem for problem in problems.in_order() if problem.path.split(".")[0] in ("", "slack")]
    if concerned or document is None:
        raise ConfigurationError(concerned or problems.in_order())
    return slack_policy(document.slack)


def _read(path: str) -> str:
    return Path(path).read_text("utf-8")


def _text_of(file: Path) -> str | Problem:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        reason, fix = f"the file cannot be read: {error.strerror}", MISSING_FIX
    except UnicodeDecodeError:
        reason, fix = "the file is not UTF-8 text", "Save it as UTF-8"
    return Problem(file=str(file), path="", line=None, reason=reason, fix=fix)
