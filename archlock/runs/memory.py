"""A run that lives in memory only, for replays and for use as a library."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archlock.errors import RunFailedError, RunFolderError
from archlock.runs.artifacts import check_name, pack_weights, unpack_weights
from archlock.runs.log import now_utc
from archlock.runs.records import EventRecord, Json, Key, UnitRecord, decode_key, encode_json, encode_key, encode_result

if TYPE_CHECKING:
    from torch import Tensor


class InMemoryRun:
    """`RunStore` without a disk; it keeps the same encoded forms as a folder, so both give back the same values."""

    def __init__(self) -> None:
        self._units: dict[str, tuple[str, str, float, str]] = {}
        self._events: list[tuple[str, str, str]] = []
        self._weights: dict[str, bytes] = {}

    def get(self, key: Key) -> Json | None:
        """Result of a finished unit, or None."""
        found = self._units.get(encode_key(key))
        return None if found is None else json.loads(found[1])

    def put(self, key: Key, stage: str, result: Any, seconds: float = 0.0) -> None:
        """Remember a finished unit; see `RunStore.put`."""
        name, text = encode_key(key), encode_result(key, result)
        if name in self._units:
            raise RunFailedError(f"unit {name} of stage {stage}: finished already; give each unit its own key")
        self._units[name] = (stage, text, float(seconds), now_utc())

    def units(self, stage: str | None = None) -> Iterator[UnitRecord]:
        """Finished units of one stage or of all, in the order in which they were put."""
        for name, (of, text, seconds, at) in list(self._units.items()):
            if stage in (None, of):
                yield UnitRecord(decode_key(name), of, json.loads(text), seconds, at)

    def counts(self) -> dict[str, int]:
        """Finished units by stage, in the order in which the stages began."""
        return dict(Counter(stage for stage, *_ in self._units.values()))

    def event(self, kind: str, body: Any = None) -> None:
        """Note that something happened; see `RunStore.event`."""
        self._events.append((now_utc(), kind, encode_json(body, f"event {kind}")))

    def events(self, kind: str | None = None) -> Iterator[EventRecord]:
        """Events of one kind or all, oldest first."""
        for number, (at, of, text) in enumerate(list(self._events), start=1):
            if kind in (None, of):
                yield EventRecord(number, at, of, json.loads(text))

    def save_weights(self, name: str, weights: Mapping[str, Tensor]) -> None:
        """Keep tensors; see `RunStore.save_weights`."""
        self._weights[check_name(name)] = pack_weights(weights)

    def load_weights(self, name: str) -> dict[str, Tensor]:
        """The tensors kept under a name; see `RunStore.load_weights`."""
        if check_name(name) not in self._weights:
            raise RunFolderError(f"{name}: no weights of that name in this run")
        return unpack_weights(self._weights[name], name)
