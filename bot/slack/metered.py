"""The SDK's client, telling the meter of every call: its method, how it ended, how long it took."""

from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.meter import OK, SILENT, Meter
from bot.slack.calls import Limited, Refused, Result, Unknown, end_of_error

SYSTEM = "slack"
RESPONSE_URL = "response_url"
"""What the calls of response URLs are counted as; they are no method of the Web API."""


class MeteredClient(AsyncWebClient):
    """Every method of the Web API goes through `api_call`."""

    meter: Meter = SILENT

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        with self.meter.timed(SYSTEM, api_method) as told:
            try:
                return await super().api_call(api_method, **arguments)
            except (TimeoutError, aiohttp.ClientError):
                told.result = "unavailable"
                raise
            except SlackApiError as error:
                end = end_of_error(error)
                told.result = result_of_end(end)
                if isinstance(end, Refused):
                    self.meter.refused_by_slack(api_method, end.error)
                raise


def result_of_end(end: Result) -> str:
    """The same in the meter's words."""
    match end:
        case Limited():
            return "limited"
        case Refused():
            return "refused"
        case Unknown():
            return "unavailable"
        case _:
            return OK
