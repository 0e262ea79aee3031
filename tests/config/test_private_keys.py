import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.config.source import ConfigurationSource
from bot.domain.pipeline import GithubApp
from tests.config.conftest import Reading, changed
from tests.keys import private_pem, public_pem, rsa_key

APP = ("{github: example/shop}", "{github: example/shop, app: {id: 12345, private_key: {file: app.pem}}}")
APP_IN_A_VARIABLE = (
    "{github: example/shop}", "{github: example/shop, app: {id: 12345, private_key: {env: APP_KEY}}}",
)  # fmt: skip
PLACE = "repositories.shop.app.private_key"


def elliptic() -> str:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_an_app_instead_of_a_token(reading: Reading) -> None:
    reading.files["conf/app.pem"] = private_pem()
    del reading.environ["GITHUB_TOKEN"]
    configuration = reading.good(changed(APP))
    assert configuration.repositories["shop"].app == GithubApp(id=12345, private_key=private_pem())
    assert configuration.repositories["shop"].token == ""
    assert "PRIVATE KEY" not in repr(configuration)


def test_a_key_in_a_variable_may_have_its_line_ends_written_out(reading: Reading) -> None:
    for written in (private_pem(), private_pem().replace("\n", "\\n"), private_pem().replace("\n", "\r\n")):
        reading.environ["APP_KEY"] = written
        app = reading.good(changed(APP_IN_A_VARIABLE)).repositories["shop"].app
        assert app is not None
        assert app.private_key == private_pem()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("ghp_no_key_at_all", "no private key in PEM form"),
        ("-----BEGIN RSA PRIVATE KEY-----\nhidden\n-----END RSA PRIVATE KEY-----\n", "no private key in PEM form"),
        (private_pem()[:-60], "no private key in PEM form"),
        (public_pem(), "a public key"),
        (private_pem(password=b"secret"), "locked with a password"),
        (elliptic(), "not an RSA key"),
        (private_pem(rsa_key("short", bits=1024)), "1024 bits"),
    ],
)
def test_a_key_that_is_none_is_told_by_its_field(reading: Reading, content: str, reason: str) -> None:
    reading.files["conf/app.pem"] = content
    problem = reading.problem(changed(APP))
    assert problem.path == f"{PLACE}.file"
    assert reason in problem.reason
    assert problem.fix
    assert "hidden" not in str(problem)
    assert not content.strip() or content.splitlines()[1:2] == [] or content.splitlines()[1] not in str(problem)


def test_a_key_that_is_not_there(reading: Reading) -> None:
    problem = reading.problem(changed(APP))
    assert (problem.path, "cannot be read" in problem.reason) == (f"{PLACE}.file", True)
    problem = reading.problem(changed(APP_IN_A_VARIABLE))
    assert (problem.path, "`APP_KEY` is not set" in problem.reason) == (f"{PLACE}.env", True)


def test_a_token_and_an_app_are_one_too_many(reading: Reading) -> None:
    reading.files["conf/app.pem"] = private_pem()
    both = (APP[0], APP[1].replace("app:", "token: {env: GITHUB_TOKEN}, app:"))
    problem = reading.problem(changed(both))
    assert problem.path == "repositories.shop.token"
    assert "both set" in problem.reason


def test_the_key_is_among_what_must_not_be_logged(tmp_path_factory: pytest.TempPathFactory, reading: Reading) -> None:
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.pem").write_text(private_pem())
    (folder / "tiphys.yaml").write_text(changed(APP))
    source = ConfigurationSource(folder / "tiphys.yaml", lambda: reading.environ)
    assert private_pem() in source.secrets()
