"""Which addresses out of alerts are shown as links."""

import pytest

from bot.domain.alerts.links import LONGEST, link_of, vetted


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("https://runbooks.example.com/errors", "runbooks.example.com"),
        ("http://prometheus:9090/graph?g0.expr=up+%3D%3D+0", "prometheus:9090"),
        ("https://[2001:db8::1]:3000/d/x", "[2001:db8::1]:3000"),
        ("HTTPS://GRAFANA.EXAMPLE.COM/d", "grafana.example.com"),
        ("http://my_service.monitoring.svc", "my_service.monitoring.svc"),
    ],
)
def test_an_address_is_a_link_and_names_its_host(value: str, host: str) -> None:
    assert vetted(value) == (value, host)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("https://admin:secret@grafana.example.com/d", "credentials"),
        ("https://github.com@evil.example.com/", "credentials"),
        (r"https://github.com\@evil.example.com/", "credentials"),
        ("javascript:alert(1)", "not http or https"),
        ("slack://channel?id=C1", "not http or https"),
        ("https:evil", "spelled plainly"),
        ("https:///path", "spelled plainly"),
        (r"https://evil.example.com\.github.com/", "spelled plainly"),
        ("https://gіthub.com/", "spelled plainly"),  # a Cyrillic і
        ("https://a.example.com/ <!channel>", "blanks or invisible"),
        ("https://a.example.com/\u202egnp", "blanks or invisible"),
        ("https://a.example.com\n.evil.example.com", "blanks or invisible"),
        ("https://[::1", "cannot be read"),
        ("https://a.example.com:99999/", "cannot be read"),
        ("https://a.example.com/" + "x" * LONGEST, "longer than"),
        ("https://a.example.com/" + "ü" * 700, "longer than"),
    ],
)
def test_what_could_mislead_is_left_out_and_says_why(value: str, why: str) -> None:
    url, shown = vetted(value)
    assert url is None
    assert why in shown
    assert "secret" not in shown


def test_an_address_can_not_leave_a_links_markup() -> None:
    url, _ = vetted('https://a.example.com/x|y"><!channel>ü')
    assert url == "https://a.example.com/x%7Cy%22%3E%3C!channel%3E%C3%BC"


@pytest.mark.parametrize("words", ["see the wiki: page 4", "wiki: page 4", "wiki", "runbooks/errors.md"])
def test_words_stay_words(words: str) -> None:
    assert vetted(words) == (None, words)


def test_the_first_address_is_shown_and_the_others_are_counted() -> None:
    link = link_of("runbook", ["", " https://a.example.com/1 ", "https://a.example.com/2", "https://a.example.com/1"])
    assert link is not None
    assert (link.url, link.shown, link.more) == ("https://a.example.com/1", "a.example.com", 1)
    assert link_of("runbook", ["", "  "]) is None
