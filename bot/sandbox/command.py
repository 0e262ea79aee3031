"""`tiphys sandbox`: start the world, say when it is ready, end it with every child."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import web

from bot.ports_store import StoreUnavailable
from bot.sandbox.bots import BotFailed
from bot.sandbox.control.http import errors_as_json, own_pages_only
from bot.sandbox.control.page import page_routes
from bot.sandbox.control.world_routes import WorldControl
from bot.sandbox.database import ForeignDatabase, is_postgresql
from bot.sandbox.home import ForeignHome, HomeInUse
from bot.sandbox.ports import Ports
from bot.sandbox.slack.deliveries import Mode
from bot.sandbox.surroundings import FIRST_BOT, bot_environment, remembered_slack
from bot.sandbox.world import CONFIG_FILE, DATABASE_FILE, SEEDED_FILE, World, WorldOptions
from bot.tasks import TaskSet

LARGEST_BODY = 32 << 20
"""A webhook that is delivered again may have 25 MB, GitHub's most."""


def control_app(world: World) -> web.Application:
    """The control API and the page, for this machine's own browser and scripts alone."""
    app = web.Application(middlewares=[errors_as_json, own_pages_only], client_max_size=LARGEST_BODY)
    app.add_routes(WorldControl(world).routes())
    for service in world.services:
        app.add_routes(service.control_routes())
    app.add_routes(page_routes())
    return app


def run(
    *, port: int, home: Path, fresh: bool, config: Path | None, database: str | None, slack: Mode, no_bot: bool,
    replicas: int, speed: float,
) -> int:  # fmt: skip
    """Run until SIGINT or SIGTERM. Answers the exit code: 0, or 1 when it could not start."""
    # Standard output has the one line that scripts wait for.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    if replicas > 1 and not is_postgresql(database):
        print(
            "--replicas: several bots need a PostgreSQL --database (postgresql://…) that they share.", file=sys.stderr
        )
        return 1
    options = WorldOptions(
        home=home, port=port, fresh=fresh, config=config, database=database, bots=not no_bot, replicas=replicas,
        speed=speed, slack=slack,
    )  # fmt: skip
    try:
        return asyncio.run(_run(options))
    except (ForeignHome, HomeInUse, OSError) as error:
        print(f"The sandbox cannot start: {error}", file=sys.stderr)
        return 1


def env(*, home: Path) -> int:
    """Print the lines that run the bot by hand beside the world in `home`. Answers the exit code."""
    home = home.absolute()
    try:
        database, config = _kept(home / DATABASE_FILE), _kept(home / CONFIG_FILE)
        variables = bot_environment(
            home, Ports(home), FIRST_BOT, database=database, config=Path(config or home / SEEDED_FILE),
            slack=remembered_slack(home),
        )  # fmt: skip
    except KeyError:
        print(f"There is no sandbox in {home}: start one with `tiphys sandbox --home {home}`.", file=sys.stderr)
        return 1
    for name, value in variables.items():
        print(f"export {name}={_quoted(value)}")
    return 0


def _kept(file: Path) -> str | None:
    return file.read_text("utf-8") if file.is_file() else None


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


async def _run(options: WorldOptions) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    world = World(options)
    try:
        code = await _live(world, stopped)
    except BaseException:
        await world.close()
        raise
    try:
        await world.close()
    except OSError as error:
        print(f"The sandbox could not save its world: {error}", file=sys.stderr)
        return 1
    return code


async def _live(world: World, stopped: asyncio.Event) -> int:
    """Until it is stopped, at whatever point of its start, or cannot start. Answers the exit code."""
    try:
        async with _left_when(stopped):
            await world.start(control_app(world))
            print(f"Sandbox ready: {world.page_url}", flush=True)
            await stopped.wait()
    except BotFailed as error:
        if not stopped.is_set():  # else it only heard Ctrl-C too
            print(f"The bot did not start:\n{error}", file=sys.stderr)
            return 1
    except (ForeignDatabase, StoreUnavailable) as error:
        print(f"The sandbox cannot start: {error}", file=sys.stderr)
        return 1
    return 0


@asynccontextmanager
async def _left_when(stopped: asyncio.Event) -> AsyncIterator[None]:
    """The block is left once the event is set, whatever it waits for."""
    tasks = TaskSet("sandbox")
    try:
        async with asyncio.timeout(None) as limit:

            async def leave() -> None:
                await stopped.wait()
                limit.reschedule(asyncio.get_running_loop().time())

            tasks.start(leave(), name="stop")
            yield
    except TimeoutError:
        if not stopped.is_set():
            raise
    finally:
        await tasks.close()
