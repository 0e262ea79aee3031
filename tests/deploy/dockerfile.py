"""`deploy/Dockerfile` read as its instructions, and what of the repository a builder would get to see."""

import fnmatch
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy/Dockerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word, its options (`--from=build`), and the rest of the line, continuations joined."""

    word: str
    options: dict[str, str]
    text: str

    @property
    def exec_form(self) -> list[str]:
        """An instruction in exec form."""
        found: list[str] = json.loads(self.text)
        return found

    @property
    def paths(self) -> list[str]:
        return shlex.split(self.text)

    @property
    def pairs(self) -> dict[str, str]:
        """Of ENV and LABEL."""
        return dict(part.split("=", 1) for part in shlex.split(self.text))


@dataclass(slots=True)
class Stage:
    """From one FROM to the next."""

    name: str
    image: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.word == word]

    def last(self, word: str) -> Instruction:
        return self.all(word)[-1]

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for env in self.all("ENV") for name, value in env.pairs.items()}


def stages() -> list[Stage]:
    """What is built, in order; the last one is the image."""
    found: list[Stage] = []
    arguments: dict[str, str] = {}
    for instruction in instructions(DOCKERFILE.read_text("utf-8")):
        if instruction.word == "FROM":
            image, _, name = instruction.text.partition(" AS ")
            image = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], image)
            found.append(Stage(name or "image", image))
        elif not found:
            assert instruction.word == "ARG"
            name, _, value = instruction.text.partition("=")
            arguments[name] = value
        else:
            found[-1].instructions.append(instruction)
    return found


def under_init(image: Stage) -> tuple[list[str], list[str]]:
    """The image's entry, taken apart: what is process 1, and what that starts."""
    entry = image.last("ENTRYPOINT").exec_form
    if "--" not in entry:
        return [], entry
    at = entry.index("--")
    return entry[:at], entry[at + 1 :]


def instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        options = {}
        while (option := re.match(r"--([\w-]+)=(\S+)\s+", rest)) is not None:
            options[option[1]] = option[2]
            rest = rest[option.end() :]
        yield Instruction(word.upper(), options, rest.strip())


def in_context(path: Path) -> bool:
    """Whether `.dockerignore` lets a file of the repository through: the last pattern that fits decides."""
    name, seen = path.relative_to(ROOT).as_posix(), True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        if _fits(name, pattern.removeprefix("!")):
            seen = pattern.startswith("!")
    return seen


def _fits(name: str, pattern: str) -> bool:
    """Whether the pattern names the file or one of its folders."""
    parts = name.split("/")
    heads = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatchcase(part, pattern.removeprefix("**/")) for part in parts)
    return any(fnmatch.fnmatchcase(head, pattern) for head in heads)
