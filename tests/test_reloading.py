"""Reading `tiphys.yaml` again: a broken one changes nothing and is told, a good one changes all that hangs on it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from bot.ports import Unavailable
from bot.ports_store import StoreUnavailable
from bot.redaction import Redaction
from bot.reloading import AGAIN, MOST_PROBLEMS, Reloading
from bot.services.watching import Watching
from tests.desk import ENVIRON, NOBODY_THERE, Office, open_office
from tests.keys import certificate_pem

OTHER_PLACE = "http://127.0.0.1:19"


class Reloaded:
    def __init__(self, office: Office) -> None:
        self.office, self.desk, self.file = office, office.desk, office.file
        self.redaction = Redaction()
        self.watching = Watching(
            self.desk.store, office.adapters.argocd, self.desk.source, self.desk.clock, self.desk.bells
        )
        self.reloading = Reloading(
            self.desk.source, office.adapters, self.watching, self.redaction, self.desk.store, self.desk.clock,
            self.desk.bells,
        )  # fmt: skip

    async def change(self, old: str, new: str) -> None:
        text = self.file.read_text("utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), "utf-8")
        self.desk.clock.at += timedelta(seconds=2)
        await self.reloading.look()

    async def later(self) -> None:
        """The file is as it was."""
        self.desk.clock.at += AGAIN
        await self.reloading.look()

    async def notices(self) -> list[str]:
        return [item.text.plain for item in await self.desk.outgoing() if item.channel == "C0ADMIN" and item.text]


@pytest.fixture
async def reloaded(tmp_path: Path) -> AsyncIterator[Reloaded]:
    async with open_office(tmp_path) as office:
        reloaded = Reloaded(office)
        yield reloaded
        await reloaded.watching.close()


async def test_a_file_that_did_not_change_is_not_read_again(reloaded: Reloaded) -> None:
    before = reloaded.desk.source.current
    await reloaded.reloading.look()
    reloaded.file.touch()
    await reloaded.reloading.look()
    assert reloaded.desk.source.current is before


async def test_a_good_change_is_in_force_at_once(reloaded: Reloaded) -> None:
    await reloaded.change("needed: 2", "needed: 1")
    assert reloaded.desk.source.current.get_stage("apm-stack", "production").approvals_needed == 1
    assert await reloaded.notices() == []


async def test_a_broken_change_keeps_what_was_in_force_and_is_told_once(reloaded: Reloaded) -> None:
    before = reloaded.desk.source.current
    await reloaded.change("needed: 2", "needed: two")
    await reloaded.reloading.look()
    assert reloaded.desk.source.current is before
    [notice] = await reloaded.notices()
    assert notice.startswith("tiphys.yaml changed and cannot be used; the configuration before it stays in force.")
    assert "needed" in notice


async def test_a_database_that_is_away_is_told_when_it_is_back(
    reloaded: Reloaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> NoReturn:
        raise StoreUnavailable("it does not answer in time")

    with monkeypatch.context() as patched:
        patched.setattr(reloaded.desk.store, "writing", away)
        await reloaded.change("needed: 2", "needed: two")
    assert await reloaded.notices() == []
    await reloaded.later()
    [notice] = await reloaded.notices()
    assert "needed" in notice
    await reloaded.later()
    assert len(await reloaded.notices()) == 1


async def test_mending_what_a_broken_file_refers_to_is_enough(reloaded: Reloaded) -> None:
    authority = reloaded.file.parent / "ca.pem"
    authority.write_text(certificate_pem()[:300])
    await reloaded.change(f"server: {NOBODY_THERE}", f"ca_file: ca.pem, server: {NOBODY_THERE}")
    authority.write_text("nothing")
    await reloaded.later()
    assert ["damaged" in notice for notice in await reloaded.notices()] == [True, False]
    authority.write_text(certificate_pem())
    await reloaded.later()
    assert reloaded.desk.source.current.argocd["main"].ca_file == str(authority)
    in_force = reloaded.desk.source.current
    await reloaded.later()
    assert reloaded.desk.source.current is in_force


async def test_a_file_that_is_broken_twice_in_the_same_way_is_told_twice(reloaded: Reloaded) -> None:
    await reloaded.change("needed: 2", "needed: two")
    await reloaded.change("needed: two", "needed: 2")
    await reloaded.later()
    await reloaded.later()
    await reloaded.change("needed: 2", "needed: two")
    assert len(await reloaded.notices()) == 2


async def test_many_problems_are_counted(reloaded: Reloaded) -> None:
    unknown = "\n".join(f"nonsense_{number}: 1" for number in range(MOST_PROBLEMS + 3))
    await reloaded.change("version: 1\n", f"version: 1\n{unknown}\n")
    [notice] = await reloaded.notices()
    assert len(notice.splitlines()) == MOST_PROBLEMS + 2
    assert notice.endswith("and 3 more")


async def test_each_broken_change_is_told_and_the_mended_one_is_taken(reloaded: Reloaded) -> None:
    await reloaded.change("needed: 2", "needed: two")
    await reloaded.change("needed: two", "needed: three")
    assert len(await reloaded.notices()) == 2
    await reloaded.change("needed: three", "needed: 1")
    assert reloaded.desk.source.current.get_stage("apm-stack", "production").approvals_needed == 1
    assert len(await reloaded.notices()) == 2


async def test_a_file_that_is_gone_is_told_too(reloaded: Reloaded) -> None:
    before = reloaded.desk.source.current
    text = reloaded.file.read_text("utf-8")
    reloaded.file.unlink()
    await reloaded.reloading.look()
    assert reloaded.desk.source.current is before
    [notice] = await reloaded.notices()
    assert "cannot be read" in notice
    reloaded.file.write_text(text, "utf-8")
    await reloaded.reloading.look()
    assert len(await reloaded.notices()) == 1


async def test_without_an_admin_channel_it_is_only_logged(tmp_path: Path) -> None:
    async with open_office(tmp_path) as office:
        reloaded = Reloaded(office)
        await reloaded.change("slack: {admin_channel: C0ADMIN}\n", "")
        await reloaded.change("needed: 2", "needed: two")
        assert await reloaded.desk.outgoing() == []
        await reloaded.watching.close()


async def test_a_new_secret_is_kept_out_of_logs(reloaded: Reloaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRON, "GITHUB_TOKEN", "a-brand-new-value-1")
    await reloaded.change("needed: 2", "needed: 1")
    assert "a-brand-new-value-1" not in reloaded.redaction.text("token a-brand-new-value-1 is refused")


async def test_a_certificate_that_is_cut_off_keeps_what_was_in_force(reloaded: Reloaded) -> None:
    before, client = reloaded.desk.source.current, reloaded.office.adapters.argocd["main"]
    (reloaded.file.parent / "ca.pem").write_text(certificate_pem()[:300])
    await reloaded.change(f"server: {NOBODY_THERE}", f"ca_file: ca.pem, server: {NOBODY_THERE}")
    assert reloaded.desk.source.current is before
    assert reloaded.office.adapters.argocd["main"] is client
    [notice] = await reloaded.notices()
    assert "argocd.main.ca_file" in notice
    assert "damaged or cut off" in notice


async def test_a_client_that_cannot_be_built_leaves_the_old_one_open(reloaded: Reloaded, tmp_path: Path) -> None:
    """The file may be gone a moment after it was looked at."""
    adapters, configuration = reloaded.office.adapters, reloaded.desk.source.current
    client = adapters.argocd["main"]
    broken = replace(configuration.argocd["main"], ca_file=str(tmp_path / "gone.pem"))
    with pytest.raises(FileNotFoundError):
        await adapters.follow(replace(configuration, argocd={"main": broken}))
    assert adapters.argocd["main"] is client
    with pytest.raises(Unavailable):
        await client.version()


async def test_what_is_spoken_to_follows_the_file(reloaded: Reloaded) -> None:
    adapters = reloaded.office.adapters
    argocd, forge = adapters.argocd["main"], adapters.forges["apm"]
    await reloaded.change(NOBODY_THERE, OTHER_PLACE)
    assert adapters.argocd["main"] is not argocd
    assert adapters.forges["apm"] is forge
    stage = reloaded.desk.source.current.get_stage("apm-stack", "production")
    assert adapters.argocd["main"].page_of(stage.argocd).startswith(OTHER_PLACE)
