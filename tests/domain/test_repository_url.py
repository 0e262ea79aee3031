"""One repository, many addresses."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.repository_url import same_repository

FORMS = (
    "https://{host}/{path}",
    "https://{host}/{path}.git",
    "https://{host}/{path}.git/",
    "https://{host}:8443/{path}/",
    "https://user:token@{host}/{path}",
    "http://{host}/{path}",
    "ssh://git@{host}/{path}.git",
    "ssh://git@{host}:2222/{path}",
    "git://{host}/{path}.git",
    "git@{host}:{path}.git",
    "{host}:{path}",
    "  https://{host}//{path} ",
)

words = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,8}", fullmatch=True)
hosts = st.lists(words, min_size=2, max_size=3).map(".".join)
paths = st.lists(words, min_size=1, max_size=3).map("/".join)


@given(host=hosts, path=paths)
def test_all_forms_are_one(host: str, path: str) -> None:
    urls = [form.format(host=host, path=path) for form in FORMS]
    urls += [form.format(host=host.upper(), path=path) for form in FORMS]
    for one, other in combinations(urls, 2):
        assert same_repository(one, other), (one, other)


@given(host=hosts, path=paths, other_host=hosts, other_path=paths, forms=st.tuples(*[st.sampled_from(FORMS)] * 2))
def test_other_places_are_others(
    host: str, path: str, other_host: str, other_path: str, forms: tuple[str, str]
) -> None:
    one, other = forms[0].format(host=host, path=path), forms[1].format(host=other_host, path=other_path)
    assert same_repository(one, other) == ((host.lower(), path) == (other_host.lower(), other_path))


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_is_too_odd(one: str, other: str) -> None:
    assert same_repository(one, other) == same_repository(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://github.com/example/apm", "https://github.com/example/APM"),
        ("https://github.com/example/apm", "https://github.com/example/apm/sub"),
        ("https://github.com/example/apm", "https://github.com.example/apm"),
        ("https://github.com/example/apm", "https://gitlab.com/example/apm"),
        ("git@github.com:example/apm", "git@github.com:example/apm2"),
        ("", ""),
        ("https://github.com", "https://github.com"),
        ("https://[broken/example", "https://[broken/example"),
    ],
)
def test_different(one: str, other: str) -> None:
    assert not same_repository(one, other)


def test_local_paths_and_addresses_in_brackets() -> None:
    assert same_repository("/srv/git/apm.git", "/srv/git/apm/")
    assert same_repository("file:///srv/git/apm.git", "/srv/git/apm")
    assert same_repository("ssh://git@[::1]:22/apm.git", "git@[::1]:apm")
    assert same_repository("https://github.com/example/a%20b", "git@github.com:example/a%20b") is False
