"""The compose file: settings that exist, secrets by file, nothing open to the outside, the schema before the bot."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import Settings, secret_names
from tests.deploy.dockerfile import ROOT, stages

FILE = ROOT / "deploy/compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
BOTS = ("upgrade", "tiphys")
IMAGE = stages()[-1]


def known(variable: str) -> bool:
    field = variable.removesuffix("_FILE").lower()
    return field in (secret_names(Settings) if variable.endswith("_FILE") else Settings.model_fields)


@pytest.mark.parametrize("name", BOTS)
def test_what_a_bot_is_told_are_settings(name: str) -> None:
    variables = COMPOSE["services"][name]["environment"]
    assert [variable for variable in variables if not known(variable)] == []
    assert not {variable.lower() for variable in variables} & secret_names(Settings), "secrets come by file"


def test_every_secret_is_a_file_that_is_mounted_where_it_is_read() -> None:
    for service in COMPOSE["services"].values():
        read = {value for name, value in service["environment"].items() if name.endswith("_FILE")}
        assert read == {f"/run/secrets/{name}" for name in service["secrets"]}
    asked = {name for service in COMPOSE["services"].values() for name in service["secrets"]}
    assert COMPOSE["secrets"] == {name: {"file": f"./secrets/{name}"} for name in asked}
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_nothing_but_the_loopback_reaches_it() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8080:8080"]


@pytest.mark.parametrize("name", BOTS)
def test_a_configuration_that_is_put_in_place_of_the_old_is_seen(name: str) -> None:
    """A file that is mounted by itself is not: its folder is. And nothing of it gets into Git."""
    service = COMPOSE["services"][name]
    [source] = [volume["source"] for volume in service["volumes"] if volume["type"] == "bind"]
    file = Path(COMPOSE["services"]["tiphys"]["environment"]["TIPHYS_CONFIG"])
    assert {"type": "bind", "source": source, "target": str(file.parent), "read_only": True} in service["volumes"]
    assert f"/deploy/{source.removeprefix('./')}/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", BOTS)
def test_a_bot_may_do_nothing_that_it_does_not_need(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    targets = {volume["target"] for volume in service["volumes"]}
    assert targets == {IMAGE.environment["TIPHYS_DATA"], str(Path(IMAGE.environment["TIPHYS_CONFIG"]).parent)}
    assert service["tmpfs"] == ["/tmp"]
    assert "entrypoint" not in service, "the image's own has process 1"
    assert (FILE.parent / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_the_database_is_well_then_upgraded_then_used() -> None:
    services = COMPOSE["services"]
    assert services["database"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert services["upgrade"]["command"] == ["db", "upgrade"]
    assert services["upgrade"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["tiphys"]["depends_on"]["upgrade"] == {"condition": "service_completed_successfully"}
    volumes = {volume["source"] for service in services.values() for volume in service["volumes"]}
    assert set(COMPOSE["volumes"]) == volumes - {"./config"}


def test_images_are_pinned() -> None:
    for service in COMPOSE["services"].values():
        assert Path(service["image"]).name.partition(":")[2] not in ("", "latest")
