"""Tests that need PostgreSQL: left out where there is none, never under CI."""

import pytest

from tests import postgresql


def test_without_postgresql_its_tests_are_skipped_but_fail_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "find_programs", lambda: None)
    with pytest.raises(pytest.skip.Exception, match="not installed"):
        postgresql.need_programs({})
    with pytest.raises(pytest.fail.Exception, match="Debian: postgresql"):
        postgresql.need_programs({"CI": "true"})
