"""The small values of the alerts in `tiphys.yaml`: matchers, label names, hours, addresses, tenants."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from bot.config import hours
from bot.config.hours import NotATime
from bot.config.words import Checked, as_text, server_url, shaped, wrong
from bot.domain.alerts.matcher import BrokenMatcher, parse_matchers

TENANT = r"^(?!\.{1,2}$)[A-Za-z0-9!._*'()-]{1,150}$"
LABEL = r"^[^\x00-\x1f\x7f]{1,200}$"
USERNAME = r"^[^:\x00-\x1f\x7f]{1,200}$"
_MATCHER = """Write it like `severity="critical"` or `team=~"apm|edge"`, the whole in single quotes"""


def _matcher(value: Any) -> str:
    if isinstance(value, dict):
        raise wrong("a mapping is no matcher", _MATCHER)
    text = as_text(value)
    try:
        parse_matchers(text)
    except BrokenMatcher as error:
        raise wrong(f"this is no matcher: {error}", _MATCHER) from None
    return text


def _timely(read: Callable[[str], object]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        text = as_text(value)
        try:
            read(text)
        except NotATime as error:
            raise wrong(error.reason, error.fix) from None
        return text

    return check


def _time_of_day(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value < 24 * 60:
        shown = f"{value // 60:02}:{value % 60:02}"  # YAML reads 10:30 as a number to the base of 60
        raise wrong(f"`{value}` is what YAML makes of `{shown}`", f'Put it in quotes: `"{shown}"`')
    return _timely(hours.time_of_day)(value)


def _api(value: Any) -> str:
    text = as_text(value)
    if "://" not in text:
        raise wrong(f"`{text[:80]}` has no scheme", "Write it like `http://alertmanager.monitoring:9093`")
    try:
        address = server_url(text)
    except ValueError as error:
        raise wrong(str(error), "Write it like `http://alertmanager.monitoring:9093`") from None
    if found := re.search(r"/api/v[12](/.*)?$", address):
        raise wrong(f"it goes on with `{found[0]}`", f"Write what stands before that: `{address[: found.start()]}`")
    return address


Severity = Literal["critical", "warning", "info", "any"]
Matcher = Annotated[str, Checked(_matcher, {"type": "string", "minLength": 1})]
LabelName = Annotated[str, shaped(LABEL, "the name of a label", "Write one name, e.g. `severity`")]
SeverityWord = Annotated[str, shaped(LABEL, "a word for a severity", "Write a value of the label, e.g. `critical`")]
Receiver = Annotated[
    str, shaped(LABEL, "the name of a receiver", "Write the name as Alertmanager's configuration has it")
]
Tenant = Annotated[
    str, shaped(TENANT, "a tenant", "Write the id of one tenant, as the header `X-Scope-OrgID` takes it")
]
Username = Annotated[str, shaped(USERNAME, "a user name", "Write one without a colon")]
ApiUrl = Annotated[str, Checked(_api, {"type": "string", "minLength": 1})]
HoursText = Annotated[str, Checked(_timely(hours.hours), {"type": "string", "minLength": 1})]
TimeOfDay = Annotated[str, Checked(_time_of_day, {"type": "string", "pattern": r"^[0-9]{1,2}:[0-9]{2}$"})]
DaysText = Annotated[str, Checked(_timely(hours.days), {"type": "string", "minLength": 3})]
ZoneName = Annotated[str, Checked(_timely(hours.zone), {"type": "string", "minLength": 1})]
