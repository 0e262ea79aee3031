"""What is told of a call outside: an operation without names, an end in one word, and always once."""

import asyncio
from contextlib import suppress

import pytest

from bot.integrations.argocd.transport import WORDS as ARGOCD
from bot.integrations.forges.github.transport import WORDS as GITHUB
from bot.meter import Meter, operation_of, result_of
from bot.ports import Denied, LeaseLost, NotFound, Refused, Unavailable, Unsupported


class Told(Meter):
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []

    def called(self, system: str, operation: str, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.calls.append((system, operation, result))


@pytest.mark.parametrize(
    ("method", "path", "words", "operation"),
    [
        ("PUT", "/repos/example/apm/pulls/17/merge", GITHUB, "PUT repos/*/pulls/*/merge"),
        ("GET", "/api/v3/repos/example/apm/pulls?head=example:tiphys/x&per_page=100", GITHUB, "GET repos/*/pulls"),
        ("GET", "/repos/example/apm/branches/feature/with/slashes", GITHUB, "GET repos/*/branches/*"),
        ("GET", "/api/v1/applications/apm-stack", ARGOCD, "GET applications/*"),
        ("POST", "/api/v1/applications/apm-stack/sync", ARGOCD, "POST applications/*/sync"),
        ("GET", "/api/version", ARGOCD, "GET version"),
        ("GET", "/" + "/".join(["pulls", "x"] * 20), GITHUB, "GET pulls/*/pulls/*/pulls/*"),
    ],
)
def test_an_operation_names_nobody(method: str, path: str, words: frozenset[str], operation: str) -> None:
    assert operation_of(method, path, words) == operation


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Unavailable("github", "503"), "unavailable"),
        (Unavailable("github", "slow down", retry_after=0.0), "limited"),
        (NotFound("github", "not-found", "no"), "not-found"),
        (Denied("argocd", "denied", "no"), "denied"),
        (Refused("argocd", "rejected", "no"), "refused"),
        (LeaseLost("main"), "error"),
        (Unsupported("argocd", "shape", "no"), "error"),
        (asyncio.CancelledError(), "cancelled"),
        (ZeroDivisionError(), "error"),
    ],
)
def test_every_end_has_its_word(error: BaseException, result: str) -> None:
    meter = Told()
    with pytest.raises(type(error)), meter.timed("github", "GET x"):
        raise error
    assert meter.calls == [("github", "GET x", result)]
    assert result_of(error) == result


def test_a_success_is_told_and_who_knows_better_says_so() -> None:
    meter = Told()
    with meter.timed("git", "fetch"):
        pass
    with meter.timed("git", "push") as call:
        call.result = "error"
    with suppress(ZeroDivisionError), meter.timed("slack", "chat.update") as call:
        call.result = "refused"
        raise ZeroDivisionError
    assert meter.calls == [("git", "fetch", "ok"), ("git", "push", "error"), ("slack", "chat.update", "refused")]
