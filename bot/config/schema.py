"""The JSON Schema of `tiphys.yaml`, for editors and other tools."""

from typing import Any

from bot.config.documents import TiphysDocument


def schema() -> dict[str, Any]:
    """Draft 2020-12. Every key has a description; a key without a value (null) is one that is not there."""
    found = TiphysDocument.model_json_schema(by_alias=True)
    for definition in (found, *found["$defs"].values()):
        definition["title"] = definition["title"].removesuffix("Document")
        for key in definition["properties"].values():
            key.pop("title", None)
            if "default" in key and key["default"] is None:
                del key["default"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **found,
        "title": "tiphys.yaml",
        "description": "The configuration of Tiphys: what it steers, and who may do what.",
    }
