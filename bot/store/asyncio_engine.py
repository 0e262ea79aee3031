"""SQLAlchemy's engine for asyncio without its ORM: 6 MiB, of which nothing here uses anything.

`sqlalchemy.ext.asyncio` imports its sessions, and they the ORM; the module with the engine needs neither
(`lib/sqlalchemy/ext/asyncio/__init__.py` and `engine.py` of SQLAlchemy 2.1). So that module is loaded with its package
standing empty around it. Whoever imports the package afterwards gets it whole, with these very classes in it.
"""

import importlib
import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine"]

PACKAGE = "sqlalchemy.ext.asyncio"


def _engine_alone() -> ModuleType:
    """The module with the engine; the whole package where it is loaded already, or cannot do without the rest."""
    spec = find_spec(PACKAGE)
    if spec is None or PACKAGE in sys.modules:
        return importlib.import_module(PACKAGE)
    sys.modules[PACKAGE] = module_from_spec(spec)
    try:
        return importlib.import_module(f"{PACKAGE}.engine")
    except ImportError:
        pass
    finally:
        del sys.modules[PACKAGE]
    return importlib.import_module(PACKAGE)


if not TYPE_CHECKING:
    _loaded = _engine_alone()
    AsyncConnection, AsyncEngine = _loaded.AsyncConnection, _loaded.AsyncEngine
    create_async_engine = _loaded.create_async_engine
