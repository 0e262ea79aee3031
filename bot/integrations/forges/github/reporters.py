"""Which App has set a status: a rule may ask for one, and the status itself does not say."""

from bot.integrations.forges.github.transport import Transport
from bot.integrations.forges.github.wire import Wire, read, read_list
from bot.ports import Denied, NotFound

BOT = "[bot]"


class WireCreator(Wire):
    login: str
    type: str = ""


class WireListedStatus(Wire):
    context: str
    creator: WireCreator | None = None


class WireApp(Wire):
    id: int


class Reporters:
    """Asks GitHub; an App's id never changes, so it is asked for once."""

    def __init__(self, http: Transport) -> None:
        self._http = http
        self._apps: dict[str, int | None] = {}

    async def apps_of(self, statuses_path: str) -> dict[str, int | None]:
        """By lower-cased context: the id of the App that has set the newest status, None where it was no App."""
        found: dict[str, int | None] = {}
        for page in await self._http.pages(statuses_path):  # newest first
            for status in read_list(WireListedStatus, page):
                if status.context.lower() not in found:
                    found[status.context.lower()] = await self._app(status.creator)
        return found

    async def _app(self, creator: WireCreator | None) -> int | None:
        """A person cannot have a login that ends like an App's."""
        if creator is None or creator.type != "Bot" or not creator.login.endswith(BOT):
            return None
        slug = creator.login.removesuffix(BOT)
        if slug not in self._apps:
            try:
                self._apps[slug] = read(WireApp, (await self._http.get(f"/apps/{slug}")).document).id
            except (NotFound, Denied) as no:
                if no.slug == "bad-token":
                    raise
                return None
        return self._apps[slug]
