"""What a search needs of the place that remembers its work; `RunFolder` and `InMemoryRun` are such places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from archlock.runs.records import EventRecord, Json, Key, UnitRecord

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class RunStore(Protocol):
    """Remembers finished units of work, weights and events.

    Contract: what was put is there at once and for good, so a search killed at any moment loses only the units in
    flight. A unit is put once. Results and events come back as plain JSON, every float with every bit. Weights come
    back as CPU tensors that share no memory with what was saved.
    """

    def get(self, key: Key) -> Json | None:
        """Result of a finished unit, or None."""

    def put(self, key: Key, stage: str, result: Any, seconds: float = 0.0) -> None:
        """Remember a finished unit.

        Raises:
            RunFailedError: the result is None or not plain JSON (NaN included), or the unit is there already.
        """

    def units(self, stage: str | None = None) -> Iterator[UnitRecord]:
        """Finished units of one stage or of all, in the order in which they were put."""

    def counts(self) -> dict[str, int]:
        """Finished units by stage."""

    def event(self, kind: str, body: Any = None) -> None:
        """Note that something happened.

        Raises:
            RunFailedError: the body is not plain JSON.
        """

    def events(self, kind: str | None = None) -> Iterator[EventRecord]:
        """Events of one kind or all, oldest first."""

    def save_weights(self, name: str, weights: Mapping[str, Tensor]) -> None:
        """Save tensors under a name such as ``finalists/3``; an earlier save of that name is replaced.

        Raises:
            RunFolderError: the name would leave the run, or the disk refuses.
        """

    def load_weights(self, name: str) -> dict[str, Tensor]:
        """The tensors saved under a name.

        Raises:
            RunFolderError: nothing of that name, or a damaged file.
        """
