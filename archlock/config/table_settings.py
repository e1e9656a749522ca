"""The settings of a search on a table of published results: nothing is trained, labels are looked up."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from archlock.config.settings import Name
from archlock.documents import Document

TABLE_KEY = "table"
"""A settings file with this key at its top level is of a search on a table."""


class TableSettings(Document):
    """One search on a table."""

    table: Name = Field(
        description="nasbench201, nasbench360, transnas_micro, transnas_macro, an imported one or path to an .npz file"
    )
    source: Name = Field(description="task of the table that the model is released for")
    target: Name = Field(description="task of the table that a thief wants; sealed unless the mode is known")
    at_least: float = Field(description="source value that every pick must reach, in the table's own units")
    mode: Literal["known", "unknown", "paper"] = Field(
        "known",
        description="known: labels of source and target may be bought; unknown: of all tasks but the target; "
        "paper: of the source alone",
    )
    labels: Annotated[int, Field(ge=5, le=1_000_000)] | dict[Name, Annotated[int, Field(ge=0, le=1_000_000)]] = Field(
        128,
        description="labels that may be bought on each task, or by task: {cifar10: 64, ninapro: 128}; 0 seals a task",
    )
    tasks: Annotated[tuple[Name, ...], Field(min_length=2)] | None = Field(
        None,
        description="tasks in play, source and target among them; mode unknown labels all of them but the target; all "
        "of the table by default",
    )
    valid: bool = Field(
        False,
        description="buy validation values and judge test values; at_least is then in units of validation values",
    )
    robust: bool = Field(False, description="judge an architecture by the best of itself and its one-edit neighbours")
    method: Name | None = Field(None, description="see `archlock bench lock --help`; the mode's own by default")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(0, description="same seed, same result")
