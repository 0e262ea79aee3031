"""Rows whose document this version cannot read: a newer one may have written them. They are told of, and passed by."""

import structlog
from pydantic import ValidationError

log = structlog.get_logger(__name__)


def tell_unreadable(table: str, key: str | int, error: Exception) -> None:
    log.error("store.row_unreadable", table=table, key=key, why=_what_is_wrong(error))


def _what_is_wrong(error: Exception) -> str:
    """Without what stands there, which may be somebody's words."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:3])
