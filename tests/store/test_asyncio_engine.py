"""The engine for asyncio without the ORM: the library's own, and its package is whole for whoever wants it."""

import subprocess
import sys

ALONE = """
import sys
from bot.store.asyncio_engine import AsyncConnection, AsyncEngine, create_async_engine
assert "sqlalchemy.orm" not in sys.modules
assert AsyncEngine.__module__ == "sqlalchemy.ext.asyncio.engine"
"""
AND_WHOLE = """
import sqlalchemy.ext.asyncio as whole
assert whole.AsyncEngine is AsyncEngine and whole.AsyncConnection is AsyncConnection
assert whole.create_async_engine is create_async_engine
assert whole.AsyncSession(create_async_engine("sqlite+aiosqlite://")).get_bind() is not None
"""
AFTER_THE_WHOLE = """
import sqlalchemy.ext.asyncio as whole
from bot.store import asyncio_engine
assert sys.modules["sqlalchemy.ext.asyncio"] is whole and asyncio_engine.AsyncEngine is whole.AsyncEngine
"""
NOT_ALONE = """
import sys
class Refuses:
    times = 1
    def find_spec(self, name, path=None, target=None):
        if name == "sqlalchemy.ext.asyncio.engine" and self.times:
            self.times -= 1
            raise ImportError("not without the rest")
sys.meta_path.insert(0, Refuses())
"""


def run(*parts: str) -> None:
    """In a process of its own: what is imported once stays."""
    done = subprocess.run([sys.executable, "-c", "".join(parts)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_orm_stays_away() -> None:
    run(ALONE)


def test_whoever_imports_the_package_gets_it_whole_with_the_same_classes() -> None:
    run(ALONE, AND_WHOLE)


def test_a_package_that_is_there_already_is_taken_as_it_is() -> None:
    run("import sys", AFTER_THE_WHOLE)


def test_one_that_cannot_be_had_alone_is_taken_with_the_rest() -> None:
    run(NOT_ALONE, "from bot.store.asyncio_engine import *; assert 'sqlalchemy.orm' in sys.modules", AND_WHOLE)
