"""Words between commas, with their columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.csv_line import BrokenLine, Word, split

WORDS = st.lists(st.text(alphabet='ab ,"#*{}', min_size=1, max_size=6).map(str.strip), min_size=1, max_size=6)


@given(WORDS)
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    line = " , ".join('"' + word.replace('"', '""') + '"' for word in words)
    assert [word.text for word in split(line)] == words


@given(st.text(max_size=40))
def test_any_line_is_split_or_called_broken(line: str) -> None:
    try:
        columns = [word.column for word in split(line)]
    except BrokenLine as broken:
        columns = [broken.column]
    assert all(1 <= column <= len(line) + 1 for column in columns)


def test_every_word_knows_its_column() -> None:
    assert split('  p,role:x , "a,b" ,') == [Word("p", 3), Word("role:x", 5), Word("a,b", 14), Word("", 21)]


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        ('p, "a', "the quote is not closed", 4),
        ('p, a"b"', "a quote stands within a word", 5),
        ('p, "a" b, c', "something follows the closing quote", 8),
    ],
)
def test_a_broken_line_says_where(line: str, reason: str, column: int) -> None:
    with pytest.raises(BrokenLine, match=reason) as broken:
        split(line)
    assert broken.value.column == column
