"""One line of comma-separated words as Argo CD reads its policies, with the column of every word."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    column: int  # from 1


class BrokenLine(ValueError):
    def __init__(self, reason: str, fix: str, column: int) -> None:
        super().__init__(reason)
        self.reason, self.fix, self.column = reason, fix, column


def split(line: str) -> list[Word]:
    """The words, without the blanks around them. A word in quotes may hold commas; `""` in it is one quote.

    Raises `BrokenLine`.
    """
    words: list[Word] = []
    position = 0
    while True:
        while position < len(line) and line[position].isspace():
            position += 1
        if line[position : position + 1] == '"':
            word, position = _quoted(line, position)
        else:
            word, position = _bare(line, position)
        words.append(word)
        if position == len(line):
            return words
        position += 1


def _bare(line: str, start: int) -> tuple[Word, int]:
    end = line.find(",", start)
    end = len(line) if end < 0 else end
    text = line[start:end].rstrip()
    if '"' in text:
        column = start + text.index('"') + 1
        raise BrokenLine("a quote stands within a word", "Put the whole word in quotes, or none of it", column)
    return Word(text, start + 1), end


def _quoted(line: str, start: int) -> tuple[Word, int]:
    text = ""
    position = start + 1
    while True:
        end = line.find('"', position)
        if end < 0:
            raise BrokenLine("the quote is not closed", 'Write a `"` at the end of the word', start + 1)
        text += line[position:end]
        position = end + 1
        if line[position : position + 1] != '"':
            break
        text += '"'
        position += 1
    rest, end = _bare(line, position)
    if rest.text:
        column = position + len(line[position:end]) - len(line[position:end].lstrip()) + 1
        raise BrokenLine("something follows the closing quote", "Write a comma after it", column)
    return Word(text.strip(), start + 1), end
