"""The sample of scenarios that `make test` takes."""

from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import draw

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
