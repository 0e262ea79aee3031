import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bot.redaction import GONE, MOST_PASSING, Redaction, is_secret_key

SECRET = "s3cr+t/Value!?"


@pytest.fixture
def redaction() -> Redaction:
    return Redaction([SECRET])


def test_a_known_secret_is_gone_wherever_it_stands(redaction: Redaction) -> None:
    assert redaction.text(f"a {SECRET} b{SECRET}") == f"a {GONE} b{GONE}"
    assert redaction.text(f"/x?y={quote(SECRET, safe='')}&z=1") == f"/x?y={GONE}&z=1"


@given(before=some.binary(max_size=30), after=some.binary(max_size=30), url_safe=some.booleans())
def test_a_known_secret_is_gone_from_base64_whatever_is_around_it(before: bytes, after: bytes, url_safe: bool) -> None:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    written = encode(before + SECRET.encode() + after).decode()
    assert Redaction([SECRET]).text(f"header: {written} end") == f"header: {GONE} end"


def test_the_header_that_git_sends_is_gone(redaction: Redaction) -> None:
    header = base64.b64encode(f"x-access-token:{SECRET}".encode()).decode()
    assert redaction.text(f"Authorization: Basic {header}, and more") == f"Authorization: Basic {GONE}, and more"


def test_secrets_may_be_added_later(redaction: Redaction) -> None:
    redaction.add("another-secret", SECRET)
    assert redaction.text(f"another-secret {SECRET}") == f"{GONE} {GONE}"


def test_a_longer_secret_is_not_left_half(redaction: Redaction) -> None:
    redaction.add(f"{SECRET}-longer")
    assert redaction.text(f"{SECRET}-longer") == GONE


def test_a_value_too_short_to_be_a_secret_takes_nothing_with_it() -> None:
    assert Redaction(["", "a", "prod"]).text("apm-stack to prod") == "apm-stack to prod"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("token xoxb-12345-abcdef.", f"token {GONE}."),
        ("xapp-1-A0-123-abc", GONE),
        ("ghp_abcdefghij and github_pat_11AAAA_bbb", f"{GONE} and {GONE}"),
        ("Bearer abc.def-ghi", f"Bearer {GONE}"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln", GONE),
        ("https://user:pass@host/path", f"https://{GONE}@host/path"),
        ("https://hooks.slack.com/commands/T0/1/abc", f"https://hooks.slack.com/{GONE}"),
        ("wss://x.slack.com/link/?ticket=abc", f"wss://{GONE}"),
        ("GET /a?token=abc&b=1", f"GET /a?{GONE}&b=1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nrest", f"{GONE}\nrest"),
    ],
)
def test_what_looks_like_a_secret_is_gone_though_nobody_knows_it(text: str, clean: str) -> None:
    assert Redaction().text(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "promote apm-stack to production at 9f3c2ab",
        "https://argocd.example.com/applications/apm?view=tree",
        "http://127.0.0.1:8600/api/ready",
        "Deployment/apm-api: 2 of 6 ready",
        "4d1e77c0a1b2c3d4e5f60718293a4b5c6d7e8f90",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redaction([SECRET]).text(text) == text


def test_nested_data(redaction: Redaction) -> None:
    data = {
        "url": f"https://x/{SECRET}",
        "list": [1, None, True, (SECRET, {SECRET: 2.5})],
        "bytes": SECRET.encode(),
        "error": ValueError(f"no {SECRET}"),
        "headers": {"Authorization": "anything", "x-api-key": ["a"], "token": ""},
        "object": {SECRET},
    }
    assert redaction.value(data) == {
        "url": f"https://x/{GONE}",
        "list": [1, None, True, [GONE, {GONE: 2.5}]],
        "bytes": GONE,
        "error": f"no {GONE}",
        "headers": {"Authorization": GONE, "x-api-key": GONE, "token": ""},
        "object": [GONE],
    }


def test_data_that_contains_itself_ends() -> None:
    data: dict[str, object] = {}
    data["again"] = data
    assert "…" in str(Redaction().value(data))


def test_names_of_secrets() -> None:
    for name in (
        "token",
        "SLACK_BOT_TOKEN",
        "private_key",
        "private-key",
        "apiKey",
        "password",
        "Set-Cookie",
        "response_url",
    ):
        assert is_secret_key(name), name
    for name in ("application", "key", "fingerprint", "user", "environment"):
        assert not is_secret_key(name), name


def test_of_tokens_that_pass_the_newest_are_known(redaction: Redaction) -> None:
    for number in range(MOST_PASSING + 1):
        redaction.add_passing(f"passing-{number:03}")
    assert redaction.text("passing-000") == "passing-000"
    assert redaction.text(f"passing-001 passing-{MOST_PASSING:03} {SECRET}") == f"{GONE} {GONE} {GONE}"
    header = base64.b64encode(b"x-access-token:passing-001").decode()
    assert redaction.text(f"it was {header}") == f"it was {GONE}"
