"""A numpy archive read with suspicion: nothing pickled, every key, shape and number checked, errors of one line."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archlock.errors import did_you_mean
from archlock.scores import FloatArray
from archlock.tables.errors import TableError

IntArray = NDArray[np.int64]
StrArray = NDArray[np.str_]

DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, EOFError, KeyError, RuntimeError, OverflowError)
"""What numpy and zipfile raise for a file that is cut off, overwritten or made with objects in it; a flipped bit may
make an array one that needs a password (RuntimeError), or name a place outside the file (OSError, where it is read)."""


@dataclass(frozen=True)
class Archive:
    """An open ``.npz`` whose arrays are decompressed one by one, when they are asked for.

    Attributes:
        path: for messages.
        table: name of the table that the file should hold, for messages.
        hint: what to do where it does not.
    """

    path: Path
    table: str
    hint: str
    _file: Any

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the arrays."""
        return tuple(self._file.files)

    def fault(self, what: str) -> TableError:
        """An error that names the file and says what to do."""
        return TableError(f"{self.path}: {what}. {self.hint}")

    def array(self, key: str, shape: tuple[int | None, ...] | None = None) -> NDArray[Any]:
        """One array; ``None`` in a shape stands for any length.

        Raises:
            TableError: no such key, a damaged or pickled array, or another shape.
        """
        if key not in self.keys:
            raise self.fault(f"not the {self.table} table of this version: no array {key!r}")
        try:
            values: NDArray[Any] = self._file[key]
        except (*DAMAGED, OSError) as error:
            raise self.fault(f"array {key!r} cannot be read: {' '.join(str(error).split())}") from None
        except MemoryError:
            raise self.fault(f"array {key!r} is larger than the memory") from None
        fits = shape is None or (
            len(shape) == values.ndim
            and all(want in (None, have) for want, have in zip(shape, values.shape, strict=True))
        )
        if not fits:
            raise self.fault(f"array {key!r} has shape {values.shape}, expected {_shown(shape)}")
        return values

    def integers(self, key: str, shape: tuple[int | None, ...], low: int, high: int) -> IntArray:
        """Whole numbers from ``low`` to ``high``, both included.

        Raises:
            TableError: as `array`, not whole numbers, or one out of range.
        """
        values = self.array(key, shape)
        if values.dtype.kind not in "iu":
            raise self.fault(f"array {key!r} holds {values.dtype}, expected whole numbers")
        if values.size and not (low <= int(values.min()) and int(values.max()) <= high):
            raise self.fault(f"array {key!r} has values {values.min()} to {values.max()}, expected {low} to {high}")
        return values.astype(np.int64)

    def numbers(self, key: str, shape: tuple[int | None, ...]) -> FloatArray:
        """Finite numbers.

        Raises:
            TableError: as `array`, not numbers, or some are NaN or infinite.
        """
        held = self.array(key, shape)
        if held.dtype.kind not in "iuf":
            raise self.fault(f"array {key!r} holds {held.dtype}, expected numbers")
        with np.errstate(over="ignore"):
            values: FloatArray = held.astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
        if len(bad):
            raise self.fault(f"array {key!r}: {len(bad)} rows are NaN or infinite, the first is row {bad[0]}")
        return values

    def words(self, key: str, shape: tuple[int | None, ...]) -> tuple[str, ...]:
        """Text, flattened.

        Raises:
            TableError: as `array`, or not text.
        """
        values = self.array(key, shape)
        if values.dtype.kind != "U":
            raise self.fault(f"array {key!r} holds {values.dtype}, expected text")
        return tuple(str(word) for word in values.reshape(-1))

    def refuse_other_keys(self, known: tuple[str, ...]) -> None:
        """Raise a `TableError` for the first key that is not among the known ones."""
        for key in self.keys:
            if key not in known:
                raise self.fault(f"unknown array {key!r}.{did_you_mean(key, known)}".rstrip("."))


@contextmanager
def open_archive(path: Path, table: str, hint: str) -> Iterator[Archive]:
    """Open a numpy archive; arrays with Python objects in them are refused.

    Raises:
        TableError: missing, unreadable, or not a numpy archive.
    """
    try:
        file = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise TableError(f"{path}: no such file. {hint}") from None
    except DAMAGED as error:
        reason = str(error).splitlines()[0] if "pickle" not in str(error) else "no zip header"
        raise TableError(f"{path}: not a numpy archive, or cut off ({reason}). {hint}") from None
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise TableError(f"{path}: a single array, expected an .npz archive. {hint}")
    with file:
        yield Archive(path, table, hint, file)


def _shown(shape: tuple[int | None, ...] | None) -> str:
    sizes = ["any" if size is None else str(size) for size in shape or ()]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
