"""Latency tables from ``.npz`` archives of the published schemas; nothing pickled is read."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archlock.errors import UsageError, did_you_mean
from archlock.hwcost.devices.encoding import Encoding
from archlock.hwcost.devices.table import LatencyTable

LATENCIES = ("latency_ms", "latency")
ENCODINGS = ("arch_ops", "encoding", "arch_encoding")
SUFFIX = "_latency"

Arrays = Mapping[str, NDArray[np.generic]]


def read_archive(path: Path, task: str = "") -> LatencyTable:
    """Read a table of the schema ``devices`` + ``latency_ms`` or ``latency`` (+ ``arch_ops``), or of HW-NAS-Bench.

    Args:
        path: the archive.
        task: for HW-NAS-Bench's schema (``columns`` and an array per task), which array; the first unless given. Only
            its latency columns are devices.

    Raises:
        UsageError: missing or damaged file, pickled content, another schema, or sizes that do not fit.
    """
    arrays = _arrays(path)
    if "columns" in arrays:
        return _tasks_table(path, arrays, task)
    if task:
        raise UsageError(f"{path}: has no tasks to choose from; leave out --task")
    latency = next((name for name in LATENCIES if name in arrays), None)
    if "devices" not in arrays or latency is None:
        raise UsageError(
            f"{path}: no latency table: expected the arrays 'devices' and 'latency_ms', found {_listed(arrays)}"
        )
    encoding = next((name for name in ENCODINGS if name in arrays), None)
    return LatencyTable.of(
        path.name,
        [str(device) for device in arrays["devices"].ravel()],
        _numbers(path, latency, arrays),
        None if encoding is None else _encoding(path, encoding, arrays),
    )


def read_encoding(path: Path) -> Encoding:
    """The encoding alone of an archive with ``arch_ops`` (n, positions), such as NAS-Bench-201's own table.

    Raises:
        UsageError: missing or damaged file, or no such array.
    """
    arrays = _arrays(path)
    found = next((name for name in ENCODINGS if name in arrays), None)
    if found is None:
        raise UsageError(f"{path}: no encoding: expected an array 'arch_ops', found {_listed(arrays)}")
    return _encoding(path, found, arrays)


def _arrays(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise UsageError(f"{path}: not an .npz archive")
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile):
        # Not numpy's own words: they name the option that would run what the file holds.
        raise UsageError(f"{path}: damaged, or no .npz archive of plain numbers and words") from None


def _tasks_table(path: Path, arrays: Arrays, task: str) -> LatencyTable:
    columns = [str(column) for column in arrays["columns"].ravel()]
    tasks = [name for name, array in arrays.items() if array.ndim == 2 and array.shape[1] == len(columns)]
    if not tasks or (task and task not in tasks):
        raise UsageError(f"{path}: no array {task!r}.{did_you_mean(task, tasks)}")
    values = _numbers(path, task or tasks[0], arrays)
    kept = [place for place, column in enumerate(columns) if column.endswith(SUFFIX)]
    return LatencyTable.of(path.name, [columns[place].removesuffix(SUFFIX) for place in kept], values[:, kept])


def _numbers(path: Path, name: str, arrays: Arrays) -> NDArray[np.float64]:
    array = arrays[name]
    if array.dtype.kind not in "fiu" or array.ndim != 2:
        raise UsageError(f"{path}: {name!r}: expected numbers of shape (architectures, devices), found {array.shape}")
    return array.astype(np.float64)


def _encoding(path: Path, name: str, arrays: Arrays) -> Encoding:
    array = arrays[name]
    if array.ndim == 1 and array.dtype.kind == "U":
        return Encoding.of_texts([str(text) for text in array], str(path))
    if array.ndim != 2 or array.dtype.kind not in "fiubU":
        raise UsageError(f"{path}: {name!r}: expected shape (architectures, positions), found {array.shape}")
    if array.dtype.kind == "U":
        return Encoding.of_words(array.tolist())
    found = Encoding.of_matrix(array)
    return _named(found, [str(word) for word in arrays["op_names"].ravel()]) if "op_names" in arrays else found


def _named(encoding: Encoding, names: list[str]) -> Encoding:
    """Categories by the names that the archive gives their numbers, where it has one for each."""
    numbers = [int(word) if word.isdecimal() else len(names) for word in encoding.categories]
    if max(numbers) >= len(names):
        return encoding
    return Encoding(encoding.codes, tuple(names[number] for number in numbers))


def _listed(arrays: Arrays) -> str:
    return ", ".join(sorted(arrays)) or "nothing"
