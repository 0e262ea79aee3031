"""What real Alertmanagers sent and answered; see the README beside the files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[2] / "samples" / "alertmanager"
VERSIONS = ("0.25", "0.28", "0.33")


@dataclass(frozen=True)
class Sent:
    """One webhook as it was on the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    answered: int | None


@dataclass(frozen=True)
class Exchange:
    """One call of the API and its answer."""

    label: str
    method: str
    path: str
    body: Any
    status: int
    content_type: str | None
    answer: str

    @property
    def answered(self) -> Any:
        """Read as JSON; None where it is none."""
        return json.loads(self.answer) if self.content_type == "application/json" and self.answer else None


def webhooks(version: str, scenario: str) -> list[Sent]:
    document = json.loads((SAMPLES / "webhooks" / version / f"{scenario}.json").read_text())
    return [Sent(**request) for request in document["requests"]]


def list_webhook_scenarios(version: str) -> list[str]:
    return sorted(path.stem for path in (SAMPLES / "webhooks" / version).glob("*.json"))


def exchanges(version: str, scenario: str) -> list[Exchange]:
    document = json.loads((SAMPLES / "api" / version / f"{scenario}.json").read_text())
    return [Exchange(**exchange) for exchange in document["exchanges"]]


def exchange(version: str, scenario: str, label: str) -> Exchange:
    return next(found for found in exchanges(version, scenario) if found.label.startswith(label))
