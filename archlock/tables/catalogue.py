"""Which public files there are: repository, commit, path, size, SHA-256 and licence, and what they become here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archlock.errors import did_you_mean
from archlock.tables.errors import TableError


@dataclass(frozen=True)
class Source:
    """One public file, pinned.

    Attributes:
        repository: owner and name.
        commit: full hash.
        path: in the repository.
        size_bytes: of the file.
        sha256: of the file, hexadecimal.
        licence: SPDX name, or why there is none.
    """

    repository: str
    commit: str
    path: str
    size_bytes: int
    sha256: str
    licence: str


@dataclass(frozen=True)
class Dataset:
    """What one name of the catalogue stands for.

    Attributes:
        name: as the command line takes it.
        about: one line.
        sources: public files it is converted from; empty where it can only be imported.
        files: converted file, relative to the data folder, to the digest of each published array; see `digest`.
    """

    name: str
    about: str
    sources: tuple[Source, ...]
    files: Mapping[Path, Mapping[str, str]]

    @property
    def size_bytes(self) -> int:
        """How much is downloaded."""
        return sum(source.size_bytes for source in self.sources)

    @property
    def licences(self) -> tuple[str, ...]:
        """``repository: licence``, each repository once."""
        return tuple(dict.fromkeys(f"{source.repository}: {source.licence}" for source in self.sources))


@cache
def catalogue() -> Mapping[str, Dataset]:
    """Every data set by name."""
    document: dict[str, Any] = json.loads(files("archlock.tables").joinpath("catalogue.json").read_text("utf-8"))
    datasets = [
        Dataset(
            entry["name"],
            entry["about"],
            tuple(Source(**source) for source in entry["sources"]),
            MappingProxyType({Path(path): MappingProxyType(arrays) for path, arrays in entry["files"].items()}),
        )
        for entry in document["datasets"]
    ]
    return MappingProxyType({dataset.name: dataset for dataset in datasets})


def find_dataset(name: str) -> Dataset:
    """The data set of a name.

    Raises:
        TableError: no such data set.
    """
    known = catalogue()
    if name not in known:
        raise TableError(f"no data set {name!r}.{did_you_mean(name, tuple(known))}")
    return known[name]


def digest(values: NDArray[Any]) -> str:
    """SHA-256 of an array's shape and values, whatever the width and byte order of its type."""
    shape = repr(tuple(int(size) for size in values.shape)).encode()
    if values.dtype.kind == "U":
        content = "\n".join(str(word) for word in values.reshape(-1)).encode()
    else:
        content = np.ascontiguousarray(values, dtype="<f8" if values.dtype.kind == "f" else "<i8").tobytes()
    return hashlib.sha256(shape + content).hexdigest()
