"""The rate limits themselves, with a clock of our own."""

from bot.sandbox.slack.limits import RateLimits


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_tier_is_so_many_calls_a_minute() -> None:
    clock = Clock()
    limits = RateLimits(clock)
    assert [limits.admit("chat.update", "C1", 1.0) for _ in range(50)] == [None] * 50
    clock.now += 20
    assert limits.admit("chat.update", "C2", 1.0) == 40
    assert limits.admit("users.info", "", 1.0) is None
    clock.now += 40
    assert limits.admit("chat.update", "C1", 1.0) is None


def test_posts_come_in_bursts_and_then_one_a_second() -> None:
    clock = Clock()
    limits = RateLimits(clock)
    assert [limits.admit("chat.postMessage", "C1", 1.0) for _ in range(5)] == [None] * 5
    assert limits.admit("chat.postMessage", "C1", 1.0) == 1
    assert limits.admit("chat.postMessage", "C2", 1.0) is None
    clock.now += 1
    assert limits.admit("chat.postMessage", "C1", 1.0) is None
    assert limits.admit("chat.postMessage", "C1", 1.0) == 1


def test_scale_multiplies_every_limit() -> None:
    clock = Clock()
    limits = RateLimits(clock)
    assert [limits.admit("users.list", "", 0.1) for _ in range(3)] == [None, None, 60]
    assert limits.admit("apps.connections.open", "", 0.05) is None
    assert limits.admit("apps.connections.open", "", 0.05) == 120
    for _ in range(5):
        limits.admit("chat.postMessage", "C1", 10.0)
    clock.now += 0.1
    assert limits.admit("chat.postMessage", "C1", 10.0) is None


def test_unlimited_methods_and_a_fresh_start() -> None:
    limits = RateLimits(Clock())
    assert [limits.admit("auth.test", "", 0.001) for _ in range(500)] == [None] * 500
    limits.admit("users.list", "", 0.05)
    assert limits.admit("users.list", "", 0.05) is not None
    limits.forget()
    assert limits.admit("users.list", "", 0.05) is None
