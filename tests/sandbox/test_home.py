"""Whose folder it is: one sandbox's at a time, and never somebody else's."""

from pathlib import Path

import pytest

from bot.sandbox.home import LOCK, ForeignHome, HomeInUse, occupy


@pytest.mark.parametrize("fresh", [False, True])
def test_a_second_sandbox_is_refused_and_touches_nothing(tmp_path: Path, fresh: bool) -> None:
    home = tmp_path / "home"
    first = occupy(home, fresh=False)
    (home / "world.json").write_text("{}")
    with pytest.raises(HomeInUse, match="another sandbox runs"):
        occupy(home, fresh=fresh)
    assert (home / "world.json").read_text() == "{}"
    first.release()
    occupy(home, fresh=fresh).release()
    assert (home / "world.json").exists() is not fresh


def test_a_start_that_broke_off_at_once_left_a_sandbox(tmp_path: Path) -> None:
    occupy(tmp_path / "home", fresh=False).release()
    (tmp_path / "home" / "slack-mode").write_text("socket\n")
    occupy(tmp_path / "home", fresh=False).release()


def test_starting_over_leaves_nothing_but_the_lock(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    occupy(home, fresh=False).release()
    (home / "repositories" / "example").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "letter.txt").write_text("dear")
    (home / "link").symlink_to(elsewhere)
    lock = occupy(home, fresh=True)
    assert [path.name for path in home.iterdir()] == [LOCK]
    assert (elsewhere / "letter.txt").read_text() == "dear"
    with pytest.raises(HomeInUse):
        occupy(home, fresh=True)
    lock.release()


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ForeignHome):
        occupy(tmp_path, fresh=True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
