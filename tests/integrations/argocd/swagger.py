"""Holds requests against Argo CD's own description of its API, where that is right.

It does not know `fields` (which list and watch take), and its can-i path ends in any number of segments.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft4Validator

UNDESCRIBED = {"fields"}


class Swagger:
    def __init__(self, document: dict[str, Any]) -> None:
        self._paths = {_pattern(path): methods for path, methods in document["paths"].items()}
        # Go ignores names that it does not know: here they are errors, a typo would be lost in silence.
        definitions = {
            name: {**definition, "additionalProperties": False} for name, definition in document["definitions"].items()
        }
        self._definitions = definitions

    def violations(
        self, method: str, path: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str], body: Any
    ) -> list[str]:
        """Everything about a request that the description does not know."""
        where = f"{method} {path}"
        methods = next((found for pattern, found in self._paths.items() if pattern.fullmatch(path)), None)
        operation = (methods or {}).get(method.lower())
        if operation is None:
            return [f"{where}: no such call"]
        parameters = operation["parameters"]
        known = {parameter["name"]: parameter for parameter in parameters if parameter["in"] == "query"}
        found = [f"{where}: unknown parameter {name}" for name, _ in query if name not in {*known, *UNDESCRIBED}]
        found += [f"{where}: {name} is blank, which counts as given" for name, value in query if not value]
        repeated = [name for name, _ in query if [n for n, _ in query].count(name) > 1]
        found += [f"{where}: {n} is given twice" for n in set(repeated) if known.get(n, {}).get("type") != "array"]
        if method != "GET" and headers.get("Content-Type") != "application/json":
            found.append(f"{where}: content type {headers.get('Content-Type')!r}")
        schema = next((parameter["schema"] for parameter in parameters if parameter["in"] == "body"), None)
        if schema is not None:
            validator = Draft4Validator({**schema, "definitions": self._definitions})
            found += [f"{where}: {error.message}" for error in validator.iter_errors(body)]
        elif body is not None:
            found.append(f"{where}: has a body")
        return found


def _pattern(path: str) -> re.Pattern[str]:
    pattern = re.sub(r"\{subresource\}", ".+", path)
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", pattern))
