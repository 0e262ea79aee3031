"""Kubernetes label selectors: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas."""

import re
from collections.abc import Callable, Mapping

Requirement = Callable[[Mapping[str, str]], bool]
SET = re.compile(r"(?P<key>[\w./-]+)\s+(?P<op>in|notin)\s+\((?P<values>[^()]*)\)")
EQUAL = re.compile(r"(?P<key>[\w./-]+)\s*(?P<op>==|=|!=)\s*(?P<value>[\w.-]*)")
EXISTS = re.compile(r"(?P<op>!?)\s*(?P<key>[\w./-]+)")


class BadSelector(ValueError):
    """The message is Kubernetes' own."""


def parse_selector(text: str) -> Requirement:
    """A test over labels; the empty selector matches everything. Raises `BadSelector`."""
    requirements: list[Requirement] = []
    rest = text.strip()
    while rest:
        found = SET.match(rest) or EQUAL.match(rest) or EXISTS.match(rest)
        after = rest[found.end() :].lstrip() if found else rest
        if found is None or (after and not after.startswith(",")):
            raise BadSelector("unable to parse requirement: found '', expected: ',' or ')'")
        requirements.append(_requirement(found))
        rest = after[1:].lstrip()
    return lambda labels: all(meets(labels) for meets in requirements)


def _requirement(found: re.Match[str]) -> Requirement:
    groups = found.groupdict()
    key, op = groups["key"], groups["op"]
    if "values" in groups:
        values = {value.strip() for value in groups["values"].split(",")}
        if op == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if "value" in groups:
        if op == "!=":
            return lambda labels: labels.get(key) != groups["value"]
        return lambda labels: labels.get(key) == groups["value"]
    return lambda labels: (key in labels) != bool(op)
