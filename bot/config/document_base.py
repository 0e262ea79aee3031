"""What every shape of `tiphys.yaml` is built on, and how a secret is referred to."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.config.words import AnyText, Variable, wrong


class Document(BaseModel):
    """Only the whole file is ever validated: what its parts are built for would be built for each of them again."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class SecretDocument(Document):
    """Where a secret is kept: `{env: NAME}` or `{file: PATH}`. A secret itself never stands in the file."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    env: Variable | None = Field(None, description="Environment variable that holds it; also read from `<NAME>_FILE`.")
    file: AnyText | None = Field(None, description="File that holds it; a relative path starts at this file's folder.")

    @model_validator(mode="after")
    def _one(self) -> "SecretDocument":
        if (self.env is None) == (self.file is None):
            raise wrong("it must name one place", "Write `{env: NAME}` or `{file: PATH}`, not both")
        return self
