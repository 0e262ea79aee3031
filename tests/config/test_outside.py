import shutil
import subprocess
from pathlib import Path

import pytest

from bot.config.problems import ENVIRONMENT, NOT_SET
from bot.integrations.certificates import trust
from tests.config.conftest import Reading, changed
from tests.keys import certificate_pem

TOKEN = ("{github: example/shop}", "{github: example/shop, token: {env: SHOP_TOKEN}}")
FILE = ("{github: example/shop}", "{github: example/shop, token: {file: secrets/shop}}")
NAMED = ("{server: https://argocd.example.com}", "{server: https://argocd.example.com, ca_file: ca.pem}")
TWO = (
    "  main: {server: https://argocd.example.com}",
    "  main: {server: https://argocd.example.com}\n  other: {server: https://other.example.com, token: {env: OTHER}}",
)


def test_a_token_from_a_variable(reading: Reading) -> None:
    reading.environ["SHOP_TOKEN"] = " shop-token \n"
    assert reading.good(changed(TOKEN)).repositories["shop"].token == "shop-token"


def test_a_token_from_the_file_that_a_variable_names(reading: Reading) -> None:
    reading.environ["SHOP_TOKEN_FILE"] = "/run/secrets/shop"
    reading.files["/run/secrets/shop"] = "shop-token\n"
    assert reading.good(changed(TOKEN)).repositories["shop"].token == "shop-token"


def test_a_token_from_a_file_beside_the_configuration(reading: Reading) -> None:
    reading.files["conf/secrets/shop"] = "shop-token\n"
    assert reading.good(changed(FILE)).repositories["shop"].token == "shop-token"


def test_a_variable_that_is_not_set(reading: Reading) -> None:
    reading.environ["SHOP_TOKEN"] = ""
    problem = reading.problem(changed(TOKEN))
    assert (problem.slug, problem.path) == (NOT_SET, "repositories.shop.token.env")
    assert "`SHOP_TOKEN` is not set" in problem.reason
    assert "`SHOP_TOKEN_FILE`" in problem.fix


def test_a_token_that_is_set_twice(reading: Reading) -> None:
    reading.environ |= {"SHOP_TOKEN": "a-secret", "SHOP_TOKEN_FILE": "/b"}
    problem = reading.problem(changed(TOKEN))
    assert "both" in problem.reason
    assert "a-secret" not in str(problem)


def test_a_file_that_cannot_be_read(reading: Reading) -> None:
    problem = reading.problem(changed(FILE))
    assert "`conf/secrets/shop` cannot be read: No such file" in problem.reason


def test_a_file_that_holds_no_token(reading: Reading) -> None:
    for content, reason in (("\n", "is empty"), ("two words", "more than one word"), ("a\nb", "more than one word")):
        reading.files["conf/secrets/shop"] = content
        problem = reading.problem(changed(FILE))
        assert reason in problem.reason
        assert content.strip() == "" or content not in str(problem)


def test_certificates(reading: Reading) -> None:
    text = changed(NAMED)
    assert "cannot be read" in reading.problem(text).reason
    reading.files["conf/ca.pem"] = "x"
    assert "no certificate" in reading.problem(text).reason
    for whole in (certificate_pem(), f"# Zürich\n{certificate_pem()}\n# Genève\n{certificate_pem('other')}"):
        reading.files["conf/ca.pem"] = whole
        assert reading.good(text).argocd["main"].ca_file == "conf/ca.pem"


@pytest.mark.parametrize(
    ("damaged", "which"),
    [
        ("-----BEGIN CERTIFICATE-----\n", "holds a certificate that is damaged"),
        (certificate_pem()[:300], "holds a certificate that is damaged"),
        (certificate_pem().replace("MII", "MIé", 1), "holds a certificate that is damaged"),
        (certificate_pem() + certificate_pem("other")[:300], "number 2 of 2"),
        (certificate_pem()[:300] + certificate_pem("other"), "number 1 of 2"),
        ("-----BEGIN TRUSTED CERTIFICATE-----\nMII", "holds a certificate that is damaged"),
    ],
)
def test_a_damaged_certificate_is_named(reading: Reading, damaged: str, which: str) -> None:
    text = changed(NAMED)
    reading.files["conf/ca.pem"] = damaged
    problem = reading.problem(text)
    assert problem.path == "argocd.main.ca_file"
    assert "the file `conf/ca.pem` holds" in problem.reason
    assert which in problem.reason
    assert "from its `BEGIN` to its `END` line" in problem.fix


def test_a_certificate_in_openssls_own_form_is_one(reading: Reading, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    command = ["openssl", "x509", "-trustout"]
    made = subprocess.run(command, input=certificate_pem(), capture_output=True, text=True, check=True)
    file = tmp_path / "ca.pem"
    file.write_text(made.stdout)
    trust(str(file))  # or it raises
    reading.files["conf/ca.pem"] = made.stdout
    reading.good(changed(NAMED))


def test_the_environments_addresses_win(reading: Reading) -> None:
    reading.environ |= {
        "ARGOCD_SERVER": "127.0.0.1:8443",
        "GITHUB_API_URL": "http://127.0.0.1:9000/",
        "OTHER": "other-token",
    }
    configuration = reading.good(changed(TWO))
    assert configuration.argocd["main"].server == "https://127.0.0.1:8443"
    assert configuration.argocd["other"].server == "https://other.example.com"
    assert configuration.repositories["shop"].api_url == "http://127.0.0.1:9000"


def test_of_several_instances_none_of_which_is_main_it_is_not_known_which_is_meant(reading: Reading) -> None:
    reading.environ |= {"ARGOCD_SERVER": "https://a.example.com", "OTHER": "other-token"}
    text = changed(
        TWO,
        (
            "  main: {server: https://argocd.example.com}",
            "  first: {server: https://x.example.com, token: {env: OTHER}}",
        ),
        ("{project: shop}", "{project: shop, instance: first}"),
    )
    problem = reading.problem(text)
    assert (problem.file, problem.path) == (ENVIRONMENT, "ARGOCD_SERVER")


def test_an_address_that_is_none(reading: Reading) -> None:
    reading.environ["GITHUB_API_URL"] = "http://u:hidden@x"
    problem = reading.problem(changed())
    assert (problem.file, problem.path) == (ENVIRONMENT, "GITHUB_API_URL")
    assert "hidden" not in str(problem)


def test_every_further_instance_names_its_token(reading: Reading) -> None:
    problem = reading.problem(changed(TWO).replace(", token: {env: OTHER}", ""))
    assert (problem.path, problem.reason) == ("argocd.other", "`token` is missing")
