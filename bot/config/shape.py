"""Plain data → the document, or what is wrong with its shape; every mistake is found, not the first alone.

What is wrong is left out and the rest is read on, so that mistakes of shape and of meaning are told together.
"""

from copy import deepcopy
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.config.document_base import SecretDocument
from bot.config.documents import (
    BranchDocument,
    KustomizeImagesDocument,
    LaterStrategyDocument,
    StageDocument,
    TiphysDocument,
)
from bot.config.problems import Path, Problems, choose, did_you_mean

ROUNDS = 50
BY_PLACE = "Write `{env: NAME}` or `{file: PATH}`; if a secret stood here, replace it: this file is read by many"


def shape(data: dict[str, Any], problems: Problems) -> TiphysDocument | None:
    """The document without what is wrong (see `problems.damaged`); None when nothing is left of it."""
    data = deepcopy(data)
    for _ in range(ROUNDS):
        try:
            return TiphysDocument.model_validate(data)
        except ValidationError as error:
            wrong = [(_path_of(details["loc"], data), details) for details in error.errors(include_url=False)]
        mistyped = {_meant(path, _member(details)) for path, details in wrong if details["type"] == "extra_forbidden"}
        for path, details in wrong:
            if path not in problems.damaged and not (details["type"] == "missing" and path in mistyped):
                reason, fix = _told(path, details)
                problems.add(path, reason, fix, line=problems.line_of(path) or 1)
        for path, details in wrong:
            if not _leave_out(path, details["type"], data, problems):
                return None
    return None


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a mapping of this shape may have, as written in the file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def shape_at(path: Path, member: str = "") -> Any:
    """The type that the document has at a path: a model, or something simpler. `member` names one of the strategies."""
    here: Any = TiphysDocument
    for step in path:
        here = _inner(here, step, member)
    return _bare(here, member)


def _inner(outer: Any, step: str | int, member: str) -> Any:
    outer = _bare(outer, member)
    if isinstance(outer, type) and issubclass(outer, BaseModel):
        for name, field in outer.model_fields.items():
            if (field.alias or name) == step:
                return field.annotation
        return None
    if get_origin(outer) in (dict, list):
        return get_args(outer)[-1]
    return None


def _bare(annotation: Any, member: str) -> Any:
    """The type without `Annotated` and `| None`; of several strategies the one named `member`, else the first."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            choices = [choice for choice in get_args(annotation) if choice is not type(None)]
            annotation = next((choice for choice in choices if member in _names_of(choice)), choices[0])
        else:
            return annotation


def _names_of(choice: Any) -> tuple[Any, ...]:
    """The words of `type` that mean this strategy."""
    is_model = isinstance(choice, type) and issubclass(choice, BaseModel)
    return get_args(choice.model_fields["type"].annotation) if is_model and "type" in choice.model_fields else ()


def _member(details: ErrorDetails) -> str:
    """The strategy that an error is about: pydantic names it in the location, after the key."""
    location = details["loc"]
    after = location.index("strategy") + 1 if "strategy" in location else len(location)
    return str(location[after]) if after < len(location) else ""


def _path_of(location: tuple[int | str, ...], data: Any) -> Path:
    """Where an error is in the file: pydantic's location without the names of union members and of keys."""
    steps: list[int | str] = []
    here = data
    for position, step in enumerate(location):
        is_last = position == len(location) - 1
        if step == "[key]" and is_last:
            break
        if isinstance(here, dict) and (step in here or is_last):
            steps.append(step)
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            steps.append(step)
            here = here[step]
    return tuple(steps)


def _told(path: Path, details: ErrorDetails) -> tuple[str, str]:
    """Reason and fix. A value that may be a secret is never repeated."""
    key = str(path[-1]) if path else ""
    value = details["input"]
    context = details.get("ctx", {})
    if details["type"] not in ("extra_forbidden", "missing"):
        if shape_at(path) is SecretDocument:
            return str(context.get("reason") or "a secret is only written by where it is kept"), BY_PLACE
        if path and shape_at(path[:-1]) is SecretDocument:
            return (
                f"this is not the {'name of an environment variable' if key == 'env' else 'path of a file'}",
                BY_PLACE,
            )
    match details["type"]:
        case "wrong":
            return str(context["reason"]), str(context["fix"])
        case "extra_forbidden":
            return f"the key `{key}` is unknown here", _known_here(path, _member(details))
        case "missing":
            return f"`{key}` is missing", f"Add `{key}:`{_meaning(path)}"
        case "literal_error" | "union_tag_invalid":
            tag = value.get("type") if isinstance(value, dict) else value
            return f"`{tag}` is not known here", choose(str(tag), _choices(path))
        case "union_tag_not_found":
            return "`type` is missing", f"Add `type:`, one of: {', '.join(f'`{name}`' for name in _choices(path))}"
        case "too_short":
            return "it is empty", f"Name at least one{_meaning(path)}"
        case "greater_than_equal":
            return f"`{value}` is too small", f"Write {context['ge']} or more"
        case "less_than_equal":
            return f"`{value}` is too large", f"Write {context['le']} or less"
    if value is None:
        return "it has no value", f"Give it one, or remove the key{_meaning(path)}"
    return f"{_kind(value)} is not what belongs here", _EXPECTED.get(details["type"], details["msg"])


_EXPECTED = {
    "bool_type": "Write `true` or `false`",
    "int_type": "Write a whole number",
    "dict_type": "Write a mapping: `name: …` in lines below it",
    "model_type": "Write a mapping: `key: value` in lines below it, or in braces",
    "list_type": "Write a list: `[…]`",
}


def _meant(path: Path, member: str) -> Path | None:
    """The key that an unknown one was probably meant to be."""
    model = shape_at(path[:-1], member)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    meant = did_you_mean(str(path[-1]), keys_of(model))
    return (*path[:-1], meant) if meant else None


def _known_here(path: Path, member: str) -> str:
    key, model = str(path[-1]), shape_at(path[:-1], member)
    if model is BranchDocument and key == "branch":
        return "Write `branch:` into each stage: with this strategy each has its own"
    if meant := _meant(path, member):
        return f"Did you mean `{meant[-1]}`?"
    known = keys_of(model)
    if model is StageDocument and key in keys_of(KustomizeImagesDocument):
        return "It belongs into the application's `strategy:`"
    return f"Known are: {', '.join(f'`{name}`' for name in known)}"


def _choices(path: Path) -> list[str]:
    if path and path[-1] == "strategy":
        strategies = (KustomizeImagesDocument, BranchDocument, LaterStrategyDocument)
        return [word for strategy in strategies for word in get_args(strategy.model_fields["type"].annotation)]
    return [str(word) for word in get_args(shape_at(path))]


def _meaning(path: Path) -> str:
    """What the key is for, in the document's own words."""
    model = shape_at(path[:-1]) if path else None
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            if (field.alias or name) == path[-1] and field.description:
                return f" ({field.description.split('. ')[0].rstrip('.')})"
    return ""


def _kind(value: Any) -> str:
    match value:
        case bool():
            return f"the truth value `{str(value).lower()}`"
        case int() | float():
            return f"the number `{value}`"
        case str():
            return "a text"
        case list():
            return "a list"
    return "a mapping"


def _leave_out(path: Path, kind: str, data: dict[str, Any], problems: Problems) -> bool:
    """Take what is wrong out of the data; False when nothing can be taken out."""
    if kind == "missing":
        problems.damaged.add(path)
        if path == ("version",):
            data["version"] = 1
            return True
        path = path[:-1]
    while path and isinstance(path[-1], int):  # taking an item out would move the others
        problems.damaged.add(path)
        path = path[:-1]
    if not path:
        return False
    if path == ("version",):
        data["version"] = 1
        return True
    holder: Any = data
    for step in path[:-1]:
        holder = holder.get(step) if isinstance(holder, dict) else holder[step] if isinstance(step, int) else None
        if holder is None:
            return True  # gone already with something around it
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
    if kind != "extra_forbidden":
        problems.damaged.add(path)
    return True
