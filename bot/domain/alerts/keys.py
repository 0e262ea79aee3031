"""What tells alert groups apart."""

import hashlib
import json
from collections.abc import Mapping

from bot.domain.alerts.group import AlertGroup


def key_of(source: str, receiver: str, group_key: str) -> str:
    """Group keys alone are not unique: sibling routes and other Alertmanagers have the same. They may be long."""
    return _digest(source, receiver, group_key)


def key_of_group(group: AlertGroup) -> str:
    """The same; a group that only the API has told of has a key of its own until a webhook tells its group key."""
    return key_of(group.source, group.receiver, group.group_key or f"labels:{group.id}")


def labels_key_of(source: str, receiver: str, group_labels: Mapping[str, str]) -> str:
    """What the API tells of a group: everything but its route."""
    return _digest(source, receiver, dict(group_labels))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
