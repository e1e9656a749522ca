"""What names a task in a settings file or on the command line. Imports no data and no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from archlock.documents import Document


class TaskSettings(Document):
    """One task. A bare string anywhere a task is expected means ``{name: <string>}``.

    Attributes:
        name: a built-in or plug-in name, ``nb360:NAME``, or ``npz:PATH`` or ``folder:PATH``.
        difficulty: of generated families, 0 easy to 1 hard; real data has the difficulty it has.
        seed: of generated data, and of the order in which samples fall into folds.
        samples: of generated families and ``photo-patches``: train, validation and test together; of ``nb360``
            tasks: how many of the official samples are used.
        fold: which fifth of the samples is the test part (``npz``: which fifth of train is the validation part).
        view: how a one-dimensional signal (C, L) reaches a two-dimensional space: as its time-frequency picture
            (C, 32, 32) or as one row (C, 1, L).
    """

    name: str = Field(min_length=1)
    difficulty: float = Field(default=0.5, ge=0, le=1)
    seed: int = Field(default=0, ge=0)
    samples: int | None = Field(default=None, ge=60, le=1_000_000)
    fold: int = Field(default=0, ge=0, le=4)
    view: Literal["picture", "row"] = "picture"

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: Any) -> Any:
        return {"name": given} if isinstance(given, str) else given

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema says that a bare string is allowed too."""
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(core)]}

    @property
    def source(self) -> str:
        """The name before a colon: ``npz`` of ``npz:PATH``, or the whole name."""
        return self.name.partition(":")[0]

    @property
    def argument(self) -> str:
        """What follows the first colon of the name: the path of ``npz:PATH``, or nothing."""
        return self.name.partition(":")[2]

    @property
    def title(self) -> str:
        """The name, followed by every setting that is not at its default: ``textures(seed=3)``.

        Two settings have one title only if they are the same task, so that results and ledgers may key on it.
        """
        given = self.model_dump(exclude={"name"}, exclude_defaults=True)
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in given.items())})" if given else self.name

    def sample_count(self, default: int = 900) -> int:
        """Number of samples to generate, train, validation and test together."""
        return default if self.samples is None else self.samples
