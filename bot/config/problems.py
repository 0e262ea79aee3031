"""What is wrong with a setting or with the file, told so that a person can mend it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

Path = tuple[str | int, ...]
"""Where in the file: keys and list positions from the top."""

ENVIRONMENT = "environment"
"""What stands for the file where a variable is meant."""

INVALID = "invalid"
NOT_SUPPORTED_YET = "not-supported-yet"
NOT_SET = "not-set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend. `file` is `ENVIRONMENT` for a variable, `path` then its name. Never holds a secret."""

    file: str
    path: str
    line: int | None
    reason: str
    fix: str
    slug: str = INVALID

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.path + ': ' if self.path else ''}{self.reason}. {self.fix}"


class ConfigurationError(Exception):
    """The settings or the file cannot be used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(slots=True)
class Problems:
    """Collects the problems of one file; knows the line of every path.

    `damaged` are the paths whose value had to be left out because its shape was wrong: what follows from their absence
    is not worth a second problem.
    """

    file: str
    lines: Mapping[Path, int] = field(default_factory=dict)
    found: list[Problem] = field(default_factory=list)
    damaged: set[Path] = field(default_factory=set)

    def add(self, path: Path, reason: str, fix: str, *, slug: str = INVALID, line: int | None = None) -> None:
        """One place and one reason are told once."""
        problem = Problem(
            file=self.file, path=written(path), line=line or self.line_of(path), reason=reason, fix=fix, slug=slug
        )
        if problem not in self.found:
            self.found.append(problem)

    def about_variable(self, name: str, reason: str, fix: str) -> None:
        problem = Problem(file=ENVIRONMENT, path=name, line=None, reason=reason, fix=fix)
        if problem not in self.found:
            self.found.append(problem)

    def line_of(self, path: Path) -> int | None:
        """The line of the path, or of the nearest thing around it that stands in the file."""
        return next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), None)

    def is_damaged(self, *paths: Path) -> bool:
        """Whether something at, in or around one of the paths was left out."""
        return any(
            lost[: len(path)] == path or path[: len(lost)] == lost for lost in self.damaged for path in paths if lost
        )

    def in_order(self) -> list[Problem]:
        return sorted(self.found, key=lambda problem: problem.line or 0)


def written(path: Path) -> str:
    """`applications.apm-stack.stages.production.from`, `people.developer.slack[0]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if step and not set(step) & set('. []"\n\t') else f'"{step}"')
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def choose(word: str, known: Iterable[str], *, nothing: str = "none is declared") -> str:
    """A fix for an unknown word: what was probably meant, else what there is."""
    names = list(known)
    if meant := did_you_mean(word, names):
        return f"Did you mean `{meant}`?"
    return (
        f"Use one of: {', '.join(f'`{name}`' for name in names)}" if names else f"There is nothing to choose: {nothing}"
    )
