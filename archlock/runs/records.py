"""What a run remembers of its work: keys, results as plain JSON, and the records they are read back as."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from archlock.errors import RunFailedError

Json: TypeAlias = Any
"""Plain JSON as Python reads it: dict with str keys, list, str, int, finite float, bool."""

Key: TypeAlias = str | tuple[str | int, ...]
"""Name of a unit of work, unique in its run: a word, or a tuple of words and whole numbers."""

KeyT = TypeVar("KeyT", bound=Key)


@dataclass(frozen=True)
class UnitRecord:
    """One finished unit of work.

    Attributes:
        key: its name in the run.
        stage: part of the run it belongs to.
        result: plain JSON.
        seconds: how long it took where it ran.
        finished_at: when, ISO 8601 in UTC.
    """

    key: Key
    stage: str
    result: Json
    seconds: float
    finished_at: str


@dataclass(frozen=True)
class EventRecord:
    """Something that happened in a run: ``number`` counts from 1, ``at`` is ISO 8601 in UTC, ``body`` plain JSON."""

    number: int
    at: str
    kind: str
    body: Json


def encode_key(key: Key) -> str:
    """A key as text, one text per key; see `decode_key`.

    Raises:
        ValueError: not a word, nor a tuple of words and whole numbers, or empty.
    """
    parts = key if isinstance(key, tuple) else (key,)
    if not parts or any(type(part) not in (str, int) for part in parts):
        raise ValueError(f"the key of a unit is a word or a tuple of words and whole numbers, not {key!r}")
    return json.dumps(key, separators=(",", ":"))


def decode_key(text: str) -> Key:
    """The key that `encode_key` made a text of."""
    key: list[str | int] | str = json.loads(text)
    return key if isinstance(key, str) else tuple(key)


def encode_json(value: Any, where: str) -> str:
    """A value as JSON text; floats keep every bit, a dataclass becomes the dict of its fields, a tuple a list.

    Raises:
        RunFailedError: NaN, an infinite number, or something that JSON cannot hold; ``where`` names the work.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_fields)
    except (TypeError, ValueError, RecursionError) as error:
        raise RunFailedError(f"{where}: the result is not plain JSON: {error}") from None


def encode_result(key: Key, result: Any) -> str:
    """The result of a unit as JSON text.

    Raises:
        RunFailedError: as `encode_json`, or the result is None, which stands for "not finished yet".
    """
    where = f"unit {encode_key(key)}"
    if result is None:
        raise RunFailedError(f"{where}: a finished unit must have a result, not None")
    return encode_json(result, where)


def _fields(value: object) -> dict[str, Any]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"a {type(value).__name__} has no JSON form")
