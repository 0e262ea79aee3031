"""Reading what was typed: which command, which arguments, and a helpful no where that is not clear."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.chat.command import Args, Argument, ArgumentKind, Command
from bot.domain.identity import is_change_id
from bot.domain.pipeline import Configuration
from bot.domain.text import Code, Text

NUMBER = re.compile(r"#?([0-9]{1,9})")
WORD = re.compile(
    r"""
      (?: -- | — ) (?P<flag> \S+ )
    | ["“”„] (?P<double> [^"“”„]* ) ["“”„] (?!\S)
    | ['‘’] (?P<single> [^'‘’]* ) ['‘’] (?!\S)
    | (?P<plain> \S+ )
    """,
    re.VERBOSE,
)
"""One word as typed: a flag (phones make one long dash of two), words in quotes (smart ones too), or anything else.

Quotes count only around whole words, so that an apostrophe is one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A command and its arguments; a change is still only named (`args["change"]`)."""

    command: Command
    args: Args


@dataclass(frozen=True, slots=True, kw_only=True)
class Misread:
    """What was typed is not a command that can be run; `text` says why and what to type instead."""

    slug: str
    text: Text


def read(words: str, commands: Iterable[Command], configuration: Configuration) -> Understood | Misread:
    """Understand `<verb> <arguments>`. Names are matched exactly (environments also by alias), never guessed."""
    known = {command.name: command for command in commands}
    line = Line(words)
    verb = (line.take() or "help").lower()
    if verb not in known:
        return Misread(
            slug="unknown-command",
            text=Text.of(
                "I do not know ",
                Code(verb),
                ".",
                did_you_mean(verb, known),
                " Type ",
                Code("/gitops help"),
                " for all.",
            ),
        )
    return _arguments(known[verb], line, configuration)


class Line:
    """What was typed, taken word by word from the left; flags among the words are set aside."""

    def __init__(self, words: str) -> None:
        self._rest = words.strip()
        self.flags: list[str] = []

    def take(self) -> str | None:
        """The next word, or None at the end."""
        self._set_flags_aside()
        if (word := WORD.match(self._rest)) is None:
            return None
        self._rest = self._rest[word.end() :].lstrip()
        return _unquoted(word)

    def take_rest(self) -> str | None:
        """All that is left, exactly as typed (without quotes around the whole), or None at the end."""
        self._set_flags_aside()
        rest, self._rest = self._rest, ""
        whole = WORD.fullmatch(rest)
        return (_unquoted(whole) if whole else rest).strip() or None

    def take_all(self) -> str | None:
        """All that is left, flags too, or None at the end."""
        rest, self._rest = self._rest, ""
        return rest or None

    def _set_flags_aside(self) -> None:
        while (word := WORD.match(self._rest)) is not None and word["flag"] is not None:
            self.flags.append(word["flag"])
            self._rest = self._rest[word.end() :].lstrip()


def _unquoted(word: re.Match[str]) -> str:
    return str(word[word.lastgroup or 0])


def _arguments(command: Command, line: Line, configuration: Configuration) -> Understood | Misread:
    words = {argument.name: _taken(argument, line) for argument in command.arguments}
    left_over = line.take()
    flags = {flag.name for flag in command.flags}
    if unknown := [flag for flag in line.flags if flag not in flags]:
        return _misread(
            "unknown-flag", command, f"I do not know --{unknown[0]}.", did_you_mean(unknown[0], flags, "--")
        )
    values: dict[str, str] = {}
    for argument in command.arguments:
        word = words[argument.name]
        if word is None:
            if argument.required:
                return _misread("missing-argument", command, f"The {argument.name} is missing.")
            continue
        read_as = _value(argument, word, configuration, values)
        if isinstance(read_as, Text):
            return _misread(f"unknown-{argument.kind.value}", command, read_as)
        values[argument.name] = read_as
    if left_over is not None:
        return _misread("too-many-arguments", command, f"I do not know what to do with “{left_over}”.")
    return Understood(command=command, args=Args(values=values, flags=frozenset(line.flags)))


def _taken(argument: Argument, line: Line) -> str | None:
    match argument.kind:
        case ArgumentKind.TEXT:
            return line.take_rest()
        case ArgumentKind.LINE:
            return line.take_all()
        case _:
            return line.take()


def _value(argument: Argument, token: str, configuration: Configuration, so_far: dict[str, str]) -> str | Text:
    match argument.kind:
        case ArgumentKind.APPLICATION:
            if token in configuration.applications:
                return token
            return Text.of(
                "There is no application ", Code(token), ".", did_you_mean(token, configuration.applications)
            )
        case ArgumentKind.ENVIRONMENT:
            return _environment(token, configuration, so_far.get("application"))
        case ArgumentKind.CHANGE:
            if NUMBER.fullmatch(token) or is_change_id(token):
                return token.removeprefix("#")
            return Text.of("A change is named by its number, such as ", Code("#42"), ", not ", Code(token), ".")
        case _:
            return token


def _environment(token: str, configuration: Configuration, application: str | None) -> str | Text:
    found = configuration.find_environment(token)
    stages = configuration.applications[application].stages if application else configuration.environments
    if found is not None and found in stages:
        return found
    names = [name for env in stages for name in (env, *configuration.environments.get(env, ()))]
    of = f"{application} has no environment " if application else "There is no environment "
    return Text.of(of, Code(token), ".", did_you_mean(token, names))


def _misread(slug: str, command: Command, *why: str | Text) -> Misread:
    example = (" For example ", Code(command.examples[0]), ".") if command.examples else ()
    return Misread(slug=slug, text=Text.of(*why, " Usage: ", Code(command.usage), ".", *example))


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> Text:
    """The nearest names, or all when they are few; nothing is ever done on a guess."""
    names, typed = list(dict.fromkeys(known)), word.lower()
    near = difflib.get_close_matches(typed, names, n=3, cutoff=0.5) or [n for n in names if n.startswith(typed[:3])][:3]
    if not near and len(names) <= 5:
        near = names
    if not near:
        return Text()
    parts: list[str | Code] = [" Did you mean "]
    for index, name in enumerate(near):
        parts += [Code(prefix + name), ", " if index < len(near) - 2 else " or " if index < len(near) - 1 else "?"]
    return Text.of(*parts)
