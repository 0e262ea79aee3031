"""What somebody wants to see of what fires: applications, environments, severities by name, then matchers."""

import re

from bot.chat.parsing import did_you_mean
from bot.domain.alerts.matcher import BrokenMatcher, Matcher, parse_matchers, straightened
from bot.domain.alerts.severity import Severity
from bot.domain.pipeline import Configuration
from bot.domain.request import Answer
from bot.domain.text import Code, Text, marked
from bot.services.alerts.listing import AlertFilter

_WORD = re.compile(r"([^\s,=!~\"]+)(?:[\s,]+|$)")


def read_filter(text: str, configuration: Configuration) -> AlertFilter | Answer:
    """`apm-stack prod critical team=~"apm|edge"`: each kind at most once, all of them must hold."""
    application = environment = severity = None
    rest = straightened(text).strip()
    while (word := _WORD.match(rest)) is not None:
        name = word[1]
        if application is None and name in configuration.applications:
            application = name
        elif environment is None and (found := configuration.find_environment(name)) is not None:
            environment = found
        elif severity is None and (grade := _severity(name, configuration)) is not None:
            severity = grade
        else:
            return _unknown(name, configuration)
        rest = rest[word.end() :]
    matchers: tuple[Matcher, ...] = ()
    if rest:
        try:
            matchers = parse_matchers(rest)
        except BrokenMatcher as broken:
            return Answer.refusal(
                "broken-matcher", Text.of("I cannot read ", Code(rest[:100]), ": ", marked(f"{broken}."))
            )
    return AlertFilter(
        application=application, environment=environment, severity=severity, matchers=matchers,
        words=text.strip(),
    )  # fmt: skip


def _severity(name: str, configuration: Configuration) -> Severity | None:
    word = name.lower()
    return Severity(word) if word in set(Severity) else configuration.alerts.severities.get(word)


def _unknown(name: str, configuration: Configuration) -> Answer:
    names = [*configuration.applications, *configuration.environments, *Severity]
    names += [alias for aliases in configuration.environments.values() for alias in aliases]
    words = Text.of(
        Code(name[:60]), " is no application, environment or severity, and no matcher such as ", Code('team="apm"'),
        ".", did_you_mean(name[:60], names),
    )  # fmt: skip
    return Answer.refusal("unknown-filter", words)
