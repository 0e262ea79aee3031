"""The sample of scenarios that `make test` takes, and the order of its tests."""

from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import draw, spread

FILES = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12))


def named(files: dict[str, int]) -> dict[str, str]:
    return {f"{file}::{number}": file for file, count in files.items() for number in range(count)}


@given(FILES, st.text(max_size=10))
def test_of_each_file_a_quarter_and_two_at_least(files: dict[str, int], seed: str) -> None:
    drawn = draw(named(files), seed)
    for file, count in files.items():
        told = [name for name in drawn if name.startswith(f"{file}::")]
        assert min(2, count) <= len(told) <= max(2, (count + 3) // 4)
        assert len(told) >= count / 4


@given(FILES, FILES, st.text(max_size=10))
def test_it_is_the_same_whatever_other_files_hold(one: dict[str, int], other: dict[str, int], seed: str) -> None:
    alone, beside = draw(named(one), seed), draw(named(other | one), seed)
    assert {name for name in beside if name[0] in one} == alone


def test_each_comes_in_its_turn() -> None:
    tests = named({"a": 11, "b": 3})
    assert set().union(*(draw(tests, f"2026-11-{day:02}") for day in range(1, 31))) == set(tests)


@given(st.integers(0, 40), st.integers(0, 200), st.integers(1, 6))
def test_each_worker_begins_with_its_share_of_what_takes_long(long: int, short: int, workers: int) -> None:
    tests = [*range(short), *range(-long, 0)]
    ordered = spread(tests, longest=lambda test: test < 0, workers=workers)
    assert sorted(ordered) == sorted(tests)
    if short >= long:
        for worker in range(workers):
            stretch = ordered[len(tests) * worker // workers : len(tests) * (worker + 1) // workers]
            share = [test < 0 for test in stretch].index(False) if stretch and stretch[-1] >= 0 else len(stretch)
            assert long // workers - 1 <= share <= long // workers + 1
            assert all(test >= 0 for test in stretch[share:])
