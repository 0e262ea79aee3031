"""How people are named outside Slack: the key in `people:`, else their Slack name."""

from bot.domain.identity import Member, UserId
from bot.domain.pipeline import Configuration
from bot.ports import Commit, Directory


class Names:
    """Looks names up; a person who cannot be looked up is named by his id."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def name_of(self, configuration: Configuration, user: UserId) -> str:
        if (person := configuration.person_of(user)) is not None:
            return person.key
        found = await self._directory.member(user)
        return found.name if isinstance(found, Member) else user

    async def named(self, configuration: Configuration, user: UserId) -> str:
        """`name (id)`, as trailers write it."""
        return f"{await self.name_of(configuration, user)} ({user})"


def who_on_forge(configuration: Configuration, login: str | None) -> str:
    """The person behind a forge login, for our messages: the key in `people:`, else the login itself."""
    if not login:
        return "somebody"
    for person in configuration.people.values():
        if login in person.github:
            return person.key
    return login


def author_of(commit: Commit, configuration: Configuration) -> str:
    """Who wrote a commit: the person with that e-mail in `people:`, else the (untrusted) author name."""
    for person in configuration.people.values():
        if commit.author_email.lower() in (email.lower() for email in person.emails):
            return person.key
    return commit.author
