"""People and environments: every id, login and alias belongs to one of them."""

from collections.abc import Iterable, Iterator

from bot.config.documents import PersonDocument, TiphysDocument
from bot.config.problems import Path, Problems, written
from bot.domain.identity import Person, UserId


def people(document: TiphysDocument, problems: Problems) -> dict[str, Person]:
    declared = document.people or {}
    _each_once(
        (
            (("people", key, *where), what, value)
            for key, person in declared.items()
            for where, what, value in _ids(person)
        ),
        problems,
    )
    return {
        key: Person(
            key=key,
            slack=tuple(UserId(user) for user in person.slack),
            github=tuple(person.github or ()),
            argocd=tuple(person.argocd or ()),
            emails=tuple(person.emails or ()),
        )
        for key, person in declared.items()
    }


def environments(document: TiphysDocument, problems: Problems) -> dict[str, tuple[str, ...]]:
    """Canonical names with their aliases."""
    declared = {
        name: tuple((body.aliases if body else None) or ()) for name, body in (document.environments or {}).items()
    }
    taken: dict[str, Path] = {name: ("environments", name) for name in declared}
    for name, aliases in declared.items():
        for position, alias in enumerate(aliases):
            here: Path = ("environments", name, "aliases", position)
            if alias in taken:
                problems.add(here, f"`{alias}` is taken by `{written(taken[alias])}`", "Choose another alias")
            else:
                taken[alias] = here
    return declared


def _ids(person: PersonDocument) -> Iterator[tuple[Path, str, str]]:
    for key, what, values in (
        ("slack", "Slack id", person.slack),
        ("github", "GitHub login", person.github),
        ("argocd", "Argo CD user", person.argocd),
        ("emails", "e-mail address", person.emails),
    ):
        for position, value in enumerate(values or ()):
            yield (key, position), what, value


def _each_once(ids: Iterable[tuple[Path, str, str]], problems: Problems) -> None:
    """GitHub logins and addresses are the same whatever their case; so is everything else in practice."""
    owners: dict[tuple[str, str], Path] = {}
    for path, what, value in ids:
        first = owners.setdefault((what, value.lower()), path)
        if first == path:
            continue
        if first[1] == path[1]:
            problems.add(path, f"the {what} `{value}` stands here twice", "Keep one")
        else:
            problems.add(
                path,
                f"the {what} `{value}` belongs to `{first[1]}` already: one person's approval would count twice",
                f"Keep it under one person, or make `{first[1]}` and `{path[1]}` one",
            )
