"""Arrays in .npy, .npz, .mat and gzipped or plain pickled files; no file runs code."""

from __future__ import annotations

import gzip
import zlib
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from archlock.errors import TaskError, did_you_mean
from archlock.tasks.nasbench360.plainpickle import read_pickle

Array = NDArray[Any]
CHUNK_BYTES = 1 << 20
MAT_V73 = b"MATLAB 7.3"


def read_npy(stream: IO[bytes], where: str) -> Array:
    """A .npy array; one that holds Python objects is read as plain data (`plainpickle`).

    Raises:
        TaskError: a damaged file, or objects that are not plain data.
    """
    try:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, column_major, dtype = read_header(stream)
        if not dtype.hasobject:
            data = stream.read()
            return np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if column_major else "C")
    except Exception as error:  # numpy's header parser raises several types
        raise TaskError(f"{where}: not a readable .npy file: {' '.join(str(error).split())}") from None
    held = read_pickle(stream, where)
    if not isinstance(held, np.ndarray):
        raise TaskError(f"{where}: holds a {type(held).__name__}, expected an array")
    return held


def npy_file(path: Path, task: str) -> Array:
    """`read_npy` of a file."""
    with path.open("rb") as stream:
        return read_npy(stream, f"{task}: {path.name}")


def npz_arrays(path: Path, task: str, keys: tuple[str, ...]) -> tuple[Array, ...]:
    """Arrays of a .npz archive.

    Raises:
        TaskError: a damaged archive, a missing key, or an array of Python objects.
    """
    where = f"{task}: {path.name}"
    try:
        with np.load(path, allow_pickle=False) as held:
            for key in keys:
                if key not in held.files:
                    raise TaskError(f"{where}: key {key!r} is missing.{did_you_mean(key, tuple(held.files))}")
            return tuple(held[key] for key in keys)
    except TaskError:
        raise
    except Exception as error:  # a damaged archive fails in zipfile, zlib or numpy, each in its own way
        raise TaskError(f"{where}: not a readable .npz: {' '.join(str(error).split())}") from None


def pickled_file(path: Path, task: str) -> Any:
    """The plain data of a pickled file, gzipped where its name ends with .gz.

    Raises:
        TaskError: a damaged file, or one that asks for more than plain data.
    """
    where = f"{task}: {path.name}"
    try:
        with path.open("rb") as stream:
            if path.suffix != ".gz":
                return read_pickle(stream, where)
            # GzipFile is an open binary file in all but its declared type.
            packed = cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
            held = read_pickle(packed, where)
            while packed.read(CHUNK_BYTES):  # gzip compares its checksum at the end, which no pickle reads up to
                pass
            return held
    except (OSError, EOFError, zlib.error) as error:  # gzip's complaints
        raise TaskError(f"{where}: cannot be read: {error}") from None


def field(data: Any, key: str, where: str) -> Any:
    """A value of a dict out of a pickle, whether its key was written as text or (Python 2) as bytes.

    Raises:
        TaskError: no dict, or no such key.
    """
    if not isinstance(data, dict):
        raise TaskError(f"{where}: holds a {type(data).__name__}, expected a dict with {key!r}")
    for known in (key, key.encode()):
        if known in data:
            return data[known]
    raise TaskError(f"{where}: key {key!r} is missing.{did_you_mean(key, tuple(map(str, data)))}")


def mat_field(path: Path, task: str, name: str) -> Array:
    """One variable of a MATLAB file, axes in MATLAB's order: version 5 by SciPy, version 7.3 (HDF5) by h5py.

    Raises:
        TaskError: a damaged file, no such variable, or version 7.3 where h5py is not installed.
    """
    where = f"{task}: {path.name}"
    with path.open("rb") as stream:
        newest = stream.read(len(MAT_V73)) == MAT_V73
    try:
        held = _hdf5(path, name, where) if newest else _mat5(path, name)
    except TaskError:
        raise
    except Exception as error:  # both readers raise many types on damaged files
        raise TaskError(f"{where}: not a readable MATLAB file: {' '.join(str(error).split())}") from None
    if held is None:
        raise TaskError(f"{where}: variable {name!r} is missing")
    return held


def _mat5(path: Path, name: str) -> Array | None:
    from scipy.io import loadmat

    held: dict[str, Array] = loadmat(path, variable_names=[name])
    return held.get(name)


def _hdf5(path: Path, name: str, where: str) -> Array | None:
    try:
        h5py = import_module("h5py")
    except ImportError:
        raise TaskError(f"{where}: a MATLAB 7.3 file is read with h5py; pip install archlock[nasbench360]") from None
    with h5py.File(path, "r") as held:
        return np.asarray(held[name]).transpose() if name in held else None
