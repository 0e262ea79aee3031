"""Fetching a secret from where the file says that it is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from bot.config.document_base import SecretDocument
from bot.config.problems import NOT_SET, Path, Problems

ReadFile = Callable[[str], str]
"""Gives the text of a file; raises `OSError` or `UnicodeDecodeError`."""
Check = Callable[[str], str]
"""Gives a secret as it is used; raises `NotThatSecret`."""


class NotThatSecret(Exception):
    """What was found is no such secret. `what` never holds any of it: "holds more than one word"."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the configuration file refers to: environment variables, and files beside it."""

    file: str
    environ: Mapping[str, str]
    read_file: ReadFile

    def variable(self, name: str) -> str | None:
        """The variable; an empty one is one that is not set."""
        return self.environ.get(name, "").strip() or None

    def located(self, path: str) -> str:
        """A relative path starts at the configuration file's folder."""
        return str(PurePath(self.file).parent / path)

    def secret(
        self, reference: SecretDocument, path: Path, problems: Problems, check: Check | None = None
    ) -> str | None:
        """The secret, or None with a problem. `{env: NAME}` is also read from the file that `NAME_FILE` names.

        `check` looks at what was found (default: it must be one word) and answers the secret as it is used.
        """
        check = check or _one_word
        if reference.file is not None:
            return self._from_file(self.located(reference.file), (*path, "file"), problems, check)
        name = reference.env or ""
        value, file = self.variable(name), self.variable(f"{name}_FILE")
        where = (*path, "env")
        if value and file:
            problems.add(where, f"both `{name}` and `{name}_FILE` are set", "Unset one of them")
        elif value:
            return _checked(value, f"the environment variable `{name}`", where, problems, check)
        elif file:
            return self._from_file(file, where, problems, check)
        else:
            problems.add(
                where,
                f"the environment variable `{name}` is not set",
                f"Set it, or `{name}_FILE` to the path of a file that holds it",
                slug=NOT_SET,
            )
        return None

    def _from_file(self, file: str, path: Path, problems: Problems, check: Check) -> str | None:
        try:
            value = self.read_file(file).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
            problems.add(path, f"the file `{file}` cannot be read: {reason}", "Look at its path and its owner")
            return None
        return _checked(value, f"the file `{file}`", path, problems, check)


def _checked(value: str, place: str, path: Path, problems: Problems, check: Check) -> str | None:
    if not value:
        problems.add(path, f"{place} is empty", "Put the secret in")
        return None
    try:
        return check(value)
    except NotThatSecret as error:
        problems.add(path, f"{place} {error.what}", error.fix)
        return None


def _one_word(value: str) -> str:
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise NotThatSecret("holds more than one word", "Put the token in, and nothing else")
    return value
