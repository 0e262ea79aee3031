import base64
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot import logs
from bot.redaction import GONE, Redaction

SECRET = "very-secret-token-value"
ENCODED = base64.b64encode(f"x-access-token:{SECRET}".encode()).decode()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging belongs to the process: give it back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def configured(*, level: str = "info", format: str = "auto", stream: io.StringIO | None = None) -> io.StringIO:
    stream = stream or io.StringIO()
    logs.configure(Redaction([SECRET]), stream=stream, level=level, format=format)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_line_of_json_for_each_thing_that_happened() -> None:
    stream = configured()
    structlog.get_logger("bot.x").info("change.moved", change="01J", to="merging", tries=2)
    (line,) = lines(stream)
    assert list(line)[:4] == ["at", "level", "logger", "event"]
    assert line["at"].endswith("Z")
    assert (line["level"], line["logger"], line["event"]) == ("info", "bot.x", "change.moved")
    assert (line["change"], line["to"], line["tries"]) == ("01J", "merging", 2)


def test_fields_of_the_context_are_on_every_line() -> None:
    stream = configured()
    with structlog.contextvars.bound_contextvars(interaction="17"):
        structlog.get_logger().info("a")
        logging.getLogger("aiohttp.access").warning("b")
    assert [line["interaction"] for line in lines(stream)] == ["17", "17"]


def test_what_is_ours_on_a_line_is_nobody_elses() -> None:
    """And is therefore not searched for secrets."""
    stream = configured()
    given = dict.fromkeys(logs.OURS, SECRET)
    structlog.get_logger("bot.x").info("a", **given)
    logging.getLogger("aiohttp.access").warning("b", extra=given)
    with structlog.contextvars.bound_contextvars(**given):
        structlog.get_logger("bot.x").info("c")
        logging.getLogger("aiohttp.access").warning("d")
    assert SECRET not in stream.getvalue()
    assert [line["event"] for line in lines(stream)] == ["a", "b", "c", "d"]
    assert [line["logger"] for line in lines(stream)] == ["bot.x", "aiohttp.access"] * 2


@pytest.mark.parametrize("format", ["json", "console"])
def test_no_secret_in_data_addresses_or_tracebacks(format: str) -> None:
    stream = configured(format=format, level="all")
    log = structlog.get_logger("bot.x")
    log.info(f"asked {SECRET}", url=f"https://h/p?q={SECRET}", nested={"list": [{"header": f"Basic {ENCODED}"}]})
    log.info("named", slack={"token": "unknown-to-us"}, Authorization="also-unknown")
    foreign = logging.getLogger("slack_sdk.web")
    foreign.debug("sending %s", {"headers": f"Bearer {SECRET}"})
    for logger in (log, foreign):
        try:
            try:
                raise ValueError(f"inner {SECRET}")
            except ValueError as error:
                raise RuntimeError(f"outer {ENCODED}") from error
        except RuntimeError:
            logger.exception("failed")
    written = stream.getvalue()
    assert written.count(GONE) >= 9
    for hidden in (SECRET, ENCODED, "unknown-to-us", "also-unknown"):
        assert hidden not in written
    assert "ValueError: inner" in written
    assert "RuntimeError: outer" in written


def test_a_warning_of_python_takes_the_same_way() -> None:
    import warnings

    stream = configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"look at {SECRET}", stacklevel=1)
        logging.captureWarnings(False)
    assert GONE in lines(stream)[0]["event"]


@pytest.mark.parametrize(
    "name", ["slack_sdk.socket_mode", "slack_bolt.App", "httpx", "aiohttp.access", "sqlalchemy.engine", "apscheduler"]
)
def test_libraries_are_heard_from_warnings_on_unless_asked(name: str) -> None:
    stream = configured(level="debug")
    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("trouble")
    structlog.get_logger("bot").debug("ours")
    assert [line["event"] for line in lines(stream)] == ["trouble", "ours"]
    stream = configured(level="all")
    logging.getLogger(name).info("chatter")
    assert [line["event"] for line in lines(stream)] == ["chatter"]


def test_less_than_the_level_is_not_written() -> None:
    stream = configured(level="warning")
    structlog.get_logger("bot").info("a")
    logging.getLogger("bot").warning("b")
    assert [line["event"] for line in lines(stream)] == ["b"]


def test_configured_again_each_line_is_written_once() -> None:
    configured()
    stream = configured()
    structlog.get_logger().info("once")
    assert len(lines(stream)) == 1


def test_on_a_terminal_it_is_for_people() -> None:
    stream = configured(stream=Terminal())
    structlog.get_logger().info("hello", who=SECRET)
    assert "hello" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
    assert SECRET not in stream.getvalue()


def test_a_line_that_cannot_be_written_shows_nothing_of_its_content() -> None:
    logging.getLogger().handlers.clear()  # those of the test run raise
    stream = configured()
    logging.getLogger("httpx").warning("%d", SECRET)
    assert stream.getvalue() == "a log line of httpx could not be written: TypeError\n"


def test_what_is_no_plain_data_is_written_as_text() -> None:
    stream = configured()
    structlog.get_logger().info("x", path=io.BytesIO, error=ValueError(SECRET), blob=b"ab")
    (line,) = lines(stream)
    assert (line["error"], line["blob"]) == (GONE, "ab")
