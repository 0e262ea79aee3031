"""How domain values become the JSON documents of rows, and back."""

from typing import Any

from pydantic import TypeAdapter

from bot.domain.alerts.group import AlertGroup
from bot.domain.alerts.storm import Storm
from bot.domain.change import Change
from bot.domain.incoming import Ack, Incoming
from bot.domain.request import Request
from bot.domain.text import Text

CHANGE: TypeAdapter[Change] = TypeAdapter(Change)
ALERT_GROUP: TypeAdapter[AlertGroup] = TypeAdapter(AlertGroup)
STORM: TypeAdapter[Storm] = TypeAdapter(Storm)
INCOMING: TypeAdapter[Incoming] = TypeAdapter(Incoming)
ACK: TypeAdapter[Ack] = TypeAdapter(Ack)
REQUEST: TypeAdapter[Request] = TypeAdapter(Request)
TEXT: TypeAdapter[Text] = TypeAdapter(Text)


def dump(adapter: TypeAdapter[Any], value: Any) -> str:
    return adapter.dump_json(value).decode()
