"""The name of a replica belongs to its data folder, and the folder to one process."""

from pathlib import Path

import pytest

from bot.store.replica import FolderInUse, Replica


def name_in(folder: Path) -> str:
    with Replica(folder) as replica:
        return replica.name


def test_whoever_runs_in_a_folder_next_has_its_name_again(tmp_path: Path) -> None:
    assert name_in(tmp_path / "a") == name_in(tmp_path / "a")
    assert name_in(tmp_path / "a") != name_in(tmp_path / "b")


def test_a_folder_is_one_process(tmp_path: Path) -> None:
    with Replica(tmp_path), pytest.raises(FolderInUse, match="give this one its own TIPHYS_DATA"):
        Replica(tmp_path).__enter__()
    assert name_in(tmp_path)


def test_a_folder_that_was_copied_to_another_machine_is_another_replica(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = name_in(tmp_path)
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    assert name_in(tmp_path) != here
    assert name_in(tmp_path).startswith("elsewhere/")
