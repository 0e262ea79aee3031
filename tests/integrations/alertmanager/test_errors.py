"""What each no means: every recorded one, and what stands in front of an Alertmanager."""

import pytest

from bot.integrations.alertmanager.client import AlertmanagerClient
from bot.integrations.alertmanager.errors import LONGEST_REASON, said
from bot.ports import Denied, NotFound, Refused, Unavailable
from tests.integrations.alertmanager.conftest import Alertmanager
from tests.integrations.alertmanager.recorded import VERSIONS, exchanges
from tests.integrations.alertmanager.test_client import DRAFT
from tests.integrations.replay import Answer

SLUGS = {
    "end before start": "ends-before-it-starts", "end equals start": "ends-before-it-starts",
    "end in the past": "ends-in-the-past", "matcher value empty only": "matches-everything",
    "regex that matches everything": "matches-everything", "bad regex": "bad-regex",
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_recorded_refusal_of_a_silence_has_its_slug_and_the_apis_own_words(
    version: str, replay: Alertmanager, client: AlertmanagerClient
) -> None:
    for recorded in exchanges(version, "api_errors"):
        if (recorded.method, recorded.path) != ("POST", "/api/v2/silences") or recorded.status in (200, 404):
            continue
        replay.on("POST", "/api/v2/silences", Answer(recorded.status, recorded.content_type, recorded.answer))
        with pytest.raises(Refused) as refusal:
            await client.create_silence(DRAFT)
        assert type(refusal.value) is Refused
        assert refusal.value.slug == SLUGS.get(recorded.label, refusal.value.slug), recorded.label
        words = recorded.answered["message"] if isinstance(recorded.answered, dict) else recorded.answered
        assert refusal.value.reason == " ".join(words.split())
        replay.forget()


@pytest.mark.parametrize(("label", "slug"), [("bad filter", "bad-matcher"), ("bad receiver regex", "bad-regex")])
async def test_a_matcher_that_it_cannot_read(
    label: str, slug: str, replay: Alertmanager, client: AlertmanagerClient
) -> None:
    replay.play("0.33", "api_alerts", label)
    with pytest.raises(Refused) as refusal:
        await client.list_alerts()
    assert refusal.value.slug == slug
    assert refusal.value.way_out


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("exceeded maximum number of silences: 3 (limit: 3)", "too-many"),
        ("silence exceeded maximum size: 70000 bytes (limit: 65536 bytes)", "too-large"),
        ('invalid silence: invalid label matcher 0: invalid label name "a b"', "bad-matcher"),
    ],
)
async def test_limits_and_names(words: str, slug: str, replay: Alertmanager, client: AlertmanagerClient) -> None:
    replay.on("POST", "/api/v2/silences", Answer(400, text='"' + words.replace('"', '\\"') + '"'))
    with pytest.raises(Refused) as refusal:
        await client.create_silence(DRAFT)
    assert refusal.value.slug == slug


@pytest.mark.parametrize(
    ("answer", "kind", "slug"),
    [
        (Answer(401, "text/plain", "no org id\n"), Denied, "bad-credentials"),
        (Answer(401, "application/json", '{"message":"Invalid API key"}'), Denied, "bad-credentials"),
        (Answer(403, "application/json", '{"message":"You\'ll need permissions"}'), Denied, "permission-denied"),
        (Answer(403, None, ""), Denied, "permission-denied"),
    ],
)
async def test_a_missing_right(
    answer: Answer, kind: type[Refused], slug: str, replay: Alertmanager, client: AlertmanagerClient
) -> None:
    replay.on("GET", "/api/v2/alerts", answer)
    with pytest.raises(kind) as refusal:
        await client.list_alerts()
    assert refusal.value.slug == slug
    assert refusal.value.way_out


@pytest.mark.parametrize(
    ("answer", "words", "retry_after"),
    [
        (
            Answer(503, "text/plain", "Limit of concurrent GET requests reached (8), try again later.\n"),
            "Limit of",
            None,
        ),
        (Answer(503, None, "", {"Retry-After": "7"}), "HTTP 503 without a reason", 7.0),
        (Answer(429, "text/plain", "slow down", {"Retry-After": "3"}), "slow down", 3.0),
        (Answer(500, "application/json", '"unexpected"\n'), "unexpected", None),
        (Answer(502, "text/html", "<html><h1>Bad Gateway</h1></html>"), "HTTP 502 without a reason", None),
        (Answer(404, "text/plain", "404 page not found\n"), "check the `url` of this source", None),
        (Answer(404, "application/json", '{"code":404,"message":"path /x was not found"}'), "check the `url`", None),
        (Answer(410, "application/json", '{"status":"deprecated","error":"v1 is gone"}'), "v1 is gone", None),
        (Answer(302, None, "", {"Location": "https://sso.example.com/login?x"}), "sign-on proxy", None),
        (Answer(302, None, "", {"Location": "https://127.0.0.1/x"}), "write the `url` of this source with https", None),
        (Answer(200, "text/html", "<html>Sign in</html>"), "something other than Alertmanager", None),
        (Answer(200, "application/json", '{"data": []}'), "something other than Alertmanager", None),
        (Answer(200, "application/json", '[{"labels": {}}]'), "0.fingerprint", None),
    ],
)
async def test_no_answer_could_be_had(
    answer: Answer, words: str, retry_after: float | None, replay: Alertmanager, client: AlertmanagerClient
) -> None:
    replay.on("GET", "/api/v2/alerts", answer)
    with pytest.raises(Unavailable) as error:
        await client.list_alerts()
    assert words in error.value.reason
    assert error.value.retry_after == retry_after
    assert len(replay.requests) == 1  # a redirection is not followed


async def test_an_empty_404_that_is_not_about_a_silence_is_a_wrong_address(
    replay: Alertmanager, client: AlertmanagerClient
) -> None:
    replay.on("GET", "/api/v2/alerts", Answer(404, None, ""))
    with pytest.raises(Unavailable):
        await client.list_alerts()
    replay.on("GET", "/api/v2/silence/x", Answer(404, None, ""))
    with pytest.raises(NotFound):
        await client.get_silence("x")


async def test_a_success_that_is_a_page_expires_nothing(replay: Alertmanager, client: AlertmanagerClient) -> None:
    replay.on("DELETE", "/api/v2/silence/x", Answer(200, "text/html", "<html>Sign in</html>"))
    with pytest.raises(Unavailable):
        await client.expire_silence("x")


@pytest.mark.parametrize("body", [b"[" * 20_000, b'{"message": {"a": 1}}', b"[1]", b"\xff\xfe", b""])
def test_any_words_are_one_bounded_line(body: bytes) -> None:
    assert "\n" not in said(body)
    assert len(said(body)) <= LONGEST_REASON


def test_words_are_cut() -> None:
    assert said(b'"' + b"x " * 4_000 + b'"').endswith("x…")
