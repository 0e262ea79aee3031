"""Reading what was typed: which command, which arguments, and a helpful no where that is not clear."""

import difflib
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from bot.chat.command import Args, Argument, ArgumentKind, Command
from bot.domain.pipeline import Configuration
from bot.domain.text import Code, Text

NUMBER = re.compile(r"#?(\d{1,9})")
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "—": "--"})


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
    try:
        tokens = shlex.split(words.translate(QUOTES))
    except ValueError:
        tokens = words.split()
    verb = tokens[0].lower() if tokens else "help"
    if verb not in known:
        return Misread(
            slug="unknown-command",
            text=Text.of(
                "I do not know ", Code(verb), ".", _did_you_mean(verb, known), " Type ", Code("help"), " for all."
            ),
        )
    command = known[verb]
    flags = {flag.name for flag in command.flags}
    given = [token.removeprefix("--") for token in tokens[1:] if token.startswith("--")]
    if unknown := [flag for flag in given if flag not in flags]:
        return _misread(
            "unknown-flag", command, f"I do not know --{unknown[0]}.", _did_you_mean(unknown[0], flags, "--")
        )
    return _arguments(command, [t for t in tokens[1:] if not t.startswith("--")], frozenset(given), configuration)


def _arguments(
    command: Command, tokens: list[str], flags: frozenset[str], configuration: Configuration
) -> Understood | Misread:
    values: dict[str, str] = {}
    rest = list(tokens)
    for argument in command.arguments:
        if not rest:
            if argument.required:
                return _misread("missing-argument", command, f"The {argument.name} is missing.")
            continue
        if argument.kind is ArgumentKind.TEXT:
            values[argument.name], rest = " ".join(rest), []
            continue
        read_as = _value(argument, rest.pop(0), configuration, values)
        if isinstance(read_as, Text):
            return _misread(f"unknown-{argument.kind.value}", command, read_as)
        values[argument.name] = read_as
    if rest:
        return _misread("too-many-arguments", command, f"I do not know what to do with “{rest[0]}”.")
    return Understood(command=command, args=Args(values=values, flags=flags))


def _value(argument: Argument, token: str, configuration: Configuration, so_far: dict[str, str]) -> str | Text:
    match argument.kind:
        case ArgumentKind.APPLICATION:
            if token in configuration.applications:
                return token
            return Text.of(
                "There is no application ", Code(token), ".", _did_you_mean(token, configuration.applications)
            )
        case ArgumentKind.ENVIRONMENT:
            return _environment(token, configuration, so_far.get("application"))
        case ArgumentKind.CHANGE:
            if NUMBER.fullmatch(token) or ULID.fullmatch(token):
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
    return Text.of(of, Code(token), ".", _did_you_mean(token, names))


def _misread(slug: str, command: Command, *why: str | Text) -> Misread:
    example = (" For example ", Code(command.examples[0]), ".") if command.examples else ()
    return Misread(slug=slug, text=Text.of(*why, " Usage: ", Code(command.usage), ".", *example))


def _did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> Text:
    """The nearest names, or all when they are few; nothing is ever done on a guess."""
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.5) or [n for n in names if n.startswith(word[:3])][:3]
    if not near and len(names) <= 5:
        near = names
    if not near:
        return Text()
    parts: list[str | Code] = [" Did you mean "]
    for index, name in enumerate(near):
        parts += [Code(prefix + name), ", " if index < len(near) - 2 else " or " if index < len(near) - 1 else "?"]
    return Text.of(*parts)
