"""The small values of `tiphys.yaml`: names, ids, paths, addresses; each says what is wrong with it and what to write.

A wrong value is a `PydanticCustomError` whose context carries the fix.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from bot.config.problems import INVALID
from bot.domain.durations import PATTERN, duration

NAME = r"^[a-z0-9](?:[-a-z0-9_]{0,61}[a-z0-9])?$"
PERSON = r"^\w(?:[\w .@'-]{0,62}[\w.])?$"
USER = r"^[UW][A-Z0-9]{2,30}$"
GROUP = r"^S[A-Z0-9]{2,30}$"
CHANNEL = r"^[CG][A-Z0-9]{2,30}$"
ROLE = r"^role:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,62})$"
COMMAND = r"^[a-z0-9](?:[a-z0-9-]{0,30})$"
PREFIX = r"^(?:[a-z0-9][a-z0-9-]{0,15})?$"
OWNER_AND_NAME = r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}$"
LOGIN = r"^[A-Za-z0-9](?:[-A-Za-z0-9_]{0,60})(?:\[bot\])?$"
VARIABLE = r"^[A-Z_][A-Z0-9_]{0,127}$"
KUBERNETES = r"^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$"
FIELD = r"^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$"

PLACEHOLDER = "{environment}"


def wrong(reason: str, fix: str, *, slug: str = INVALID) -> PydanticCustomError:
    """An error whose reason and fix reach the person as they stand."""
    return PydanticCustomError("wrong", "{reason}", {"reason": reason, "fix": fix, "slug": slug})


def as_text(value: Any) -> str:
    """The value, if it is text. Raises what `wrong` gives."""
    if not isinstance(value, str):
        shown = "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else f"`{value}`"
        raise wrong(f"{shown} is not text", "Write one text; in quotes if it looks like a number or a truth value")
    return value


@dataclass(frozen=True, eq=False)
class Checked:
    """Metadata of a type: how a value is read, and what its JSON Schema says."""

    check: Callable[[Any], Any]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


def shaped(pattern: str, what: str, fix: str) -> Checked:
    """A text held to a pattern."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        text = as_text(value)
        if not compiled.fullmatch(text):
            raise wrong(f"`{text[:80]}` is not {what}", fix)
        return text

    return Checked(check, {"type": "string", "pattern": pattern})


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool | int | float):
        unit = "" if isinstance(value, bool) or value < 0 else f": `{value}s`, `{value}m` or `{value}h`?"
        raise wrong(f"`{value}` is not a duration: it has no unit", f"Write it like `10m`, `8h` or `1h30m`{unit}")
    try:
        return duration(as_text(value))
    except ValueError as error:
        raise wrong(str(error), "Write it like `30s`, `10m`, `8h`, `1h30m` or `2d`") from None


def _positive(value: Any) -> timedelta:
    length = _duration(value)
    if not length:
        raise wrong("it must be longer than nothing", "Write it like `30s`, `10m`, `8h`, `1h30m` or `2d`")
    return length


def _branch(value: Any) -> str:
    text = as_text(value)
    if text.startswith("refs/"):
        raise wrong(f"`{text}` is a full ref", f"Write the branch alone: `{text.removeprefix('refs/heads/')}`")
    if text.startswith("tiphys/"):
        raise wrong("branches below `tiphys/` are for promotions", "Name the branch that Argo CD follows")
    bad = ("..", "@{", "//", "/.", ".lock/")
    if (
        not text
        or text[0] in "-/."
        or text.endswith(("/", ".", ".lock"))
        or any(part in text for part in bad)
        or re.search(r"[\x00-\x20\x7f~^:?*\[\\]", text)
    ):
        raise wrong(f"`{text[:80]}` cannot be a branch", "Write the branch that Argo CD follows, e.g. `main`")
    return text


def _path(value: Any) -> str:
    text = as_text(value)
    plain = text.replace(PLACEHOLDER, "environment")
    if found := re.search(r"[{}]", plain):
        rest = re.search(r"\{[^{}]*\}", plain)
        raise wrong(f"`{rest[0] if rest else found[0]}` is no placeholder", f"The only one is `{PLACEHOLDER}`")
    steps = plain.split("/")
    if plain.startswith("/") or ".." in steps or "\\" in plain:
        raise wrong(
            f"`{text[:80]}` leads out of the repository", "Write it from the top of the repository, without `..`"
        )
    if not plain.strip("/ ") or "." in steps or "" in steps[:-1] or ".git" in steps or not plain.isprintable():
        raise wrong(f"`{text[:80]}` is not a folder", f"Write it like `deployments/overlays/{PLACEHOLDER}`")
    return text.rstrip("/")


def _application_name(value: Any) -> str:
    text = as_text(value)
    if not re.fullmatch(KUBERNETES, text.replace(PLACEHOLDER, "environment")):
        raise wrong(
            f"`{text[:80]}` cannot be the name of an Argo CD Application", f"Write it like `shop-{PLACEHOLDER}`"
        )
    return text


def server_url(text: str) -> str:
    """An http(s) address without a trailing slash; a bare host means https. Raises `ValueError` with the reason."""
    whole = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(whole)
        _ = parts.port
    except ValueError:
        raise ValueError("it is not an address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is not an http or https address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it contains a user name or password")
    if parts.query or parts.fragment or re.search(r"\s", whole):
        raise ValueError("it is more than a host and a path")
    return whole.rstrip("/")


def _commands(value: Any) -> Any:
    if value in ("all", "umbrella"):
        return value
    if not isinstance(value, list):
        raise wrong(f"`{value}` is no choice of commands", "Write `all`, `umbrella`, or a list: `[promote, approve]`")
    for name in value:
        if not isinstance(name, str) or not re.fullmatch(COMMAND, name):
            raise wrong(
                f"`{name}` is not a command", "Write the name without the slash: lower-case letters, digits and `-`"
            )
    return value


def _server(value: Any) -> str:
    try:
        return server_url(as_text(value))
    except ValueError as error:
        raise wrong(str(error), "Write it like `https://argocd.example.com`") from None


Name = Annotated[str, shaped(NAME, "a name", "Use lower-case letters, digits, `-` and `_`, at most 63 characters")]
PersonName = Annotated[
    str, shaped(PERSON, "a name for a person", "Use letters, digits, spaces and `.-_@'`, at most 64 characters")
]
RoleName = Annotated[str, shaped(ROLE, "a role", "Write it like `role:readonly`")]
SlackUser = Annotated[
    str,
    shaped(
        USER,
        "a Slack user id",
        "Write the id (U… or W…): in Slack, profile → ⋮ → Copy member ID; names can change hands",
    ),
]
SlackUserOrGroup = Annotated[
    str,
    shaped(
        USER.replace("[UW]", "[UWS]"),
        "a Slack user or user group id",
        "Write the id: U… or W… for a user, S… for a user group",
    ),
]
SlackChannel = Annotated[
    str,
    shaped(
        CHANNEL,
        "a Slack channel id",
        "Write the id (C… or G…): in Slack, channel details → at the bottom; names can change",
    ),
]
Approver = Annotated[
    str,
    shaped(
        rf"(?:{ROLE})|(?:{USER})|(?:{GROUP})",
        "a role, a Slack user id or a Slack user group id",
        "Write `role:<name>`, U… or W… for a user, S… for a user group",
    ),
]
Commands = Annotated[
    Literal["all", "umbrella"] | list[str],
    Checked(
        _commands,
        {"anyOf": [{"enum": ["all", "umbrella"]}, {"type": "array", "items": {"type": "string", "pattern": COMMAND}}]},
    ),
]
CommandPrefix = Annotated[str, shaped(PREFIX, "a prefix", 'Use lower-case letters, digits and `-`, e.g. "tiphys-"')]
GitHubRepository = Annotated[
    str, shaped(OWNER_AND_NAME, "a GitHub repository", "Write it as `owner/name`, without a host and `.git`")
]
GitHubLogin = Annotated[str, shaped(LOGIN, "a GitHub login", "Write the login, without `@`")]
Variable = Annotated[
    str, shaped(VARIABLE, "the name of an environment variable", "Write it in capitals, like `GITHUB_TOKEN`")
]
KubernetesName = Annotated[str, shaped(KUBERNETES, "a Kubernetes name", "Use lower-case letters, digits, `-` and `.`")]
FieldPath = Annotated[str, shaped(FIELD, "a dotted path", "Write it like `commonLabels.version`")]
AnyText = Annotated[str, Checked(as_text, {"type": "string"})]
Branch = Annotated[str, Checked(_branch, {"type": "string", "minLength": 1})]
FolderPath = Annotated[str, Checked(_path, {"type": "string", "minLength": 1})]
ArgocdName = Annotated[str, Checked(_application_name, {"type": "string", "minLength": 1})]
ServerUrl = Annotated[str, Checked(_server, {"type": "string", "minLength": 1})]

_LENGTH = {"type": "string", "pattern": PATTERN}
Duration = Annotated[timedelta, Checked(_positive, _LENGTH)]
DurationOrNone = Annotated[timedelta, Checked(_duration, _LENGTH)]
