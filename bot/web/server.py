"""The one server of the bot, with what aiohttp's own leaves open closed."""

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError


async def start_server(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Listen; `cleanup` of the runner ends it, with a second for what is under way."""
    app.on_response_prepare.append(_name_no_versions)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, logger=_server_log())
    await runner.setup()
    _expect_what_is_known(runner)
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner


async def _name_no_versions(request: web.Request, response: web.StreamResponse) -> None:
    """Whoever knocks need not know which versions of what answer."""
    response.headers.pop("Server", None)


def _server_log() -> logging.Logger:
    """For errors of ours. What is no HTTP was answered with a 400; aiohttp would also log it, quoting it."""
    logger = logging.getLogger("bot.web.aiohttp")
    if not logger.filters:
        logger.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))
    return logger


def _expect_what_is_known(runner: web.AppRunner) -> None:
    """Refuse any other `Expect`: aiohttp quotes it in its refusal, and fails with a 500 where it is no text.

    Before the app, because aiohttp looks at it before any middleware, and for unknown paths too.
    """
    server = runner.server
    if server is None:
        raise RuntimeError("the runner has no server yet")
    handle = server.request_handler

    async def guarded(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Expect", "100-continue").lower() not in ("", "100-continue"):
            return web.Response(status=417)
        return await handle(request)

    server.request_handler = guarded
