"""What servers are verified by: one store for all, the system's, and a file's own for who names one."""

import ssl
from pathlib import Path

import certifi
import pytest

from bot.integrations import certificates
from bot.integrations.certificates import trust
from tests.keys import certificate_pem


def test_the_systems_are_read_once_and_verify() -> None:
    found = trust()
    assert found is trust()
    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(found.get_ca_certs()) > 50


def test_an_authority_of_ones_own_is_believed_where_the_system_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text(certificate_pem())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert certificates._the_systems.__wrapped__().cert_store_stats()["x509"] == 1


def test_a_system_without_any_gets_the_well_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert len(certificates._the_systems.__wrapped__().get_ca_certs()) > 50


def test_a_file_is_believed_alone_and_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    first, rest = Path(certifi.where()).read_text().split("-----END CERTIFICATE-----", 1)
    file.write_text(f"{first}-----END CERTIFICATE-----\n")
    found = trust(str(file))
    assert (len(found.get_ca_certs()), found.verify_mode, found.check_hostname) == (1, ssl.CERT_REQUIRED, True)
    second = rest.split("-----END CERTIFICATE-----", 1)[0]
    file.write_text(f"{file.read_text()}{second}-----END CERTIFICATE-----\n")
    assert len(trust(str(file)).get_ca_certs()) == 2


def test_a_file_without_certificates_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(OSError, match="NO_CERTIFICATE"):
        trust(str(tmp_path / "ca.pem"))
