"""Structured logs: one line for each thing that happened, without secrets.

Callers say `structlog.get_logger()` and log an event's name with fields, once, at the edge. What libraries log through
the standard library takes the same way out, and the same redaction.
"""

import logging
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.redaction import Redaction

QUIET = (
    "slack_sdk",
    "slack_bolt",
    "httpx",
    "httpcore",
    "aiohttp",
    "sqlalchemy",
    "alembic",
    "apscheduler",
    "asyncio",
    "casbin",
)
"""Libraries that are heard from warnings on, unless the level is `all`."""

_LEVELS: Mapping[str, int] = {
    "all": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure(redaction: Redaction, *, level: str = "info", format: str = "auto", stream: TextIO | None = None) -> None:
    """Set up logging for the process. May be called again. `format` is `json`, `console`, or `auto`: console on a
    terminal, else JSON. The stream is standard error unless told.
    """
    stream = stream or sys.stderr
    as_json = format == "json" or (format == "auto" and not stream.isatty())
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _Redactor(redaction),
                structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False)
                if as_json
                else structlog.dev.ConsoleRenderer(
                    colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
                ),
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old, _Handler):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(_LEVELS[level])
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET if level == "all" else max(_LEVELS[level], logging.WARNING))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


OURS = ("at", "level", "logger")
"""Fields that we set ourselves on every line, whatever was given under these names: there is nothing to look for."""


class _Redactor:
    """The last processor before a line is rendered: nothing is added after it."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        line = {key: event.pop(key) for key in OURS if key in event}
        first = {"event": event.pop("event")} if "event" in event else {}
        for key, value in {**first, **event}.items():
            line[key] = self._redaction.field(key, value)
        return line


class _Handler(logging.StreamHandler[TextIO]):
    """Says that a line could not be written, without what should have stood in it."""

    def handleError(self, record: logging.LogRecord) -> None:
        kind = sys.exc_info()[0]
        self.stream.write(f"a log line of {record.name} could not be written: {kind.__name__ if kind else 'unknown'}\n")
