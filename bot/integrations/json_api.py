"""What calls to JSON APIs have in common: how their objects are read, and what it means when the API did not answer.

For clients of servers that an address of the configuration names. The forges speak with one host and word it for that.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from pydantic import AliasGenerator, BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from bot.ports import Unavailable


class Wire(BaseModel):
    """Base of all that is read: camelCase names, null as absent, unknown keys ignored. pydantic turns no number into
    text."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=AliasGenerator(validation_alias=to_camel), populate_by_name=True,
        defer_build=True,
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if not isinstance(value, dict):
            raise PydanticCustomError("object_expected", "an object is expected")
        return {key: item for key, item in value.items() if item is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonApi:
    """One kind of server: its word in `bot.ports` errors, its name, which settings have its address and its
    certificate, and how many characters of what was said are kept."""

    system: str
    name: str
    address: str
    ca_file: str
    longest: int

    def error_of_transport(self, error: Exception) -> Unavailable:
        """The error of a request that got no (whole) answer. It may have had its effect."""
        words = str(error)
        if "certificate" in words.lower():
            reason = f"its certificate is not trusted ({words}): set {self.ca_file}"
        elif isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
            reason = f"no connection ({words or type(error).__name__})"
        elif isinstance(error, TimeoutError | httpx.TimeoutException):
            reason = "no answer in time"
        else:
            reason = f"the connection broke ({words or type(error).__name__})"
        return Unavailable(self.system, self.bounded(reason))

    def not_understood(self, what: str) -> Unavailable:
        """A success whose body is not what it should be: a proxy's page, or half an answer."""
        return Unavailable(self.system, f"something other than {self.name} answered: {self.bounded(what)}")

    def redirected(self, response: httpx.Response) -> Unavailable:
        """It is never followed: our credentials go to no other host."""
        asked, target = response.request.url, urlsplit(response.headers.get("location", ""))
        to = f"{target.scheme}://{target.netloc}" if target.netloc else "another path"
        if target.scheme == "https" and asked.scheme == "http" and target.hostname == asked.host:
            hint = f"write {self.address} with https://"
        else:
            hint = f"check {self.address}; if a sign-on proxy stands in front, let the API pass it"
        return Unavailable(self.system, self.bounded(f"it sends us to {to} ({response.status_code}): {hint}"))

    def bounded(self, text: str) -> str:
        """One line of bounded length."""
        line = " ".join(text.split())
        return line if len(line) <= self.longest else line[: self.longest - 1] + "…"


def retry_after(response: httpx.Response) -> float | None:
    """Seconds; the date form of `Retry-After` is not worth reading here."""
    header = response.headers.get("retry-after")
    return float(header) if header is not None and header.isdecimal() else None
