"""What is in the data folder: listing it, checking it against the published digests, and taking in a user's file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from archlock.tables.archive import open_archive
from archlock.tables.catalogue import Dataset, catalogue, digest, find_dataset
from archlock.tables.cells import hint, read_nasbench201, read_others
from archlock.tables.errors import TableError
from archlock.tables.folder import data_folder
from archlock.tables.published import IMAGE_TASKS, load_cell_proxies, load_hardware, load_micro_proxies
from archlock.tables.registry import READERS, USER_FOLDER, user_file
from archlock.tables.storing import pack, store
from archlock.tables.transnas import MAIN_FILE, MICRO_ROWS, TWINS_FILE, read_transnas_macro, read_transnas_micro
from archlock.tables.twins import micro_twins
from archlock.tables.user import load_table_file

State = Literal["ready", "partly", "missing"]
CHECKS: dict[str, tuple[Callable[[Path], object], ...]] = {
    "nasbench201": (read_nasbench201,),
    "nasbench360": (read_others,),
    "transnasbench101": (read_transnas_micro, read_transnas_macro),
    "hwnasbench": tuple(partial(load_hardware, task) for task in IMAGE_TASKS),
    "nasbench201_zerocost": tuple(partial(load_cell_proxies, task) for task in IMAGE_TASKS),
    "transnas_zerocost": (load_micro_proxies,),
}
"""Data set to the readers that must take its files."""


@dataclass(frozen=True)
class Holding:
    """One data set or user's table.

    Attributes:
        name: as the command line takes it.
        state: whether all, some or none of its files are there; whether they are right is for `verify` to say.
        about: one line.
        download_bytes: how much `archlock data get` fetches; 0 where it cannot be downloaded.
        licences: of what is downloaded.
        files: where it lies, or would lie.
    """

    name: str
    state: State
    about: str
    download_bytes: int
    licences: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What a check found of one array or file.

    Attributes:
        name: of the data set or table.
        item: array or file.
        verdict: ``as published``, ``own`` (published nowhere, but well formed), or ``differs``.
        detail: why.
    """

    name: str
    item: str
    verdict: Literal["as published", "own", "differs"]
    detail: str = ""


def list_holdings(data: Path | None = None) -> tuple[Holding, ...]:
    """The catalogue's data sets, then the user's tables by name."""
    folder = data_folder(data)
    known = [_holding(dataset, folder) for dataset in catalogue().values()]
    own = sorted((folder / USER_FOLDER).glob("*.npz"))
    return (*known, *(Holding(path.stem, "ready", "a table of yours", 0, (), (str(path),)) for path in own))


def _holding(dataset: Dataset, folder: Path) -> Holding:
    paths = [folder / file for file in dataset.files]
    there = sum(path.is_file() for path in paths)
    state: State = "ready" if there == len(paths) else "partly" if there else "missing"
    return Holding(
        dataset.name, state, dataset.about, dataset.size_bytes, dataset.licences, tuple(str(path) for path in paths)
    )


def verify(names: Sequence[str], data: Path | None = None) -> tuple[Finding, ...]:
    """Check data sets and tables that are there: well formed, and each published array as published.

    Args:
        names: what to check; none for everything that is there, in part or whole.
        data: the data folder.

    Raises:
        TableError: a name that is unknown, or not there.
    """
    folder = data_folder(data)
    there = [holding.name for holding in list_holdings(folder) if holding.state != "missing"]
    for name in names:
        if name not in there and not user_file(name, folder).is_file():
            find_dataset(name)
            raise TableError(f"{folder}: data set {name} is not there. {_how(name)}")
    return tuple(finding for name in names or there for finding in _verified(name, folder))


def _verified(name: str, folder: Path) -> list[Finding]:
    if name not in catalogue():
        return [
            _readable(name, user_file(name, folder).name, lambda data: load_table_file(user_file(name, data)), folder)
        ]
    dataset = find_dataset(name)
    found = [finding for file in dataset.files for finding in _arrays(dataset, file, folder)]
    faults = [_readable(name, "as a table", check, folder) for check in CHECKS[name]]
    return [*found, *(fault for fault in faults if fault.verdict == "differs")]


def _readable(name: str, item: str, check: Callable[[Path], object], folder: Path) -> Finding:
    try:
        check(folder)
    except TableError as error:
        return Finding(name, item, "differs", str(error))
    return Finding(name, item, "own")


def _arrays(dataset: Dataset, file: Path, folder: Path) -> list[Finding]:
    published = dataset.files[file]
    findings = []
    try:
        with open_archive(folder / file, dataset.name, _how(dataset.name)) as archive:
            for key in archive.keys:
                if key not in published:
                    findings.append(Finding(dataset.name, key, "own", "no such array was published"))
                elif digest(archive.array(key)) == published[key]:
                    findings.append(Finding(dataset.name, key, "as published"))
                else:
                    findings.append(Finding(dataset.name, key, "differs", f"{file}: not the published values"))
    except TableError as error:
        findings.append(Finding(dataset.name, file.name, "differs", str(error)))
    return findings


def _how(name: str) -> str:
    return hint(name) if find_dataset(name).sources else f"To have it: archlock data import FILE --name {name}"


def import_file(file: Path, name: str, data: Path | None = None, *, again: bool = False) -> Path:
    """Check a file and copy it into the data folder.

    Args:
        file: a user's table, or a file of the catalogue's form where ``name`` is of the catalogue.
        name: what it will be called: a new name, or one of the catalogue.
        data: the data folder.
        again: replace what is there under that name.

    Returns:
        where it lies now.

    Raises:
        TableError: a name that cannot be used or is taken, or a file that is not what it should be.
        DownloadError: the disk is full.
    """
    folder = data_folder(data)
    if name in catalogue():
        target = folder / next(iter(find_dataset(name).files))
    elif name in READERS or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise TableError(f"a table cannot be called {name!r}: {_rule(name)}")
    else:
        target = user_file(name, folder)
    if target.exists() and not again:
        raise TableError(f"{target}: is there already; --replace replaces it")
    content = _content(file)
    if name in catalogue():
        for path, one in _checked(name, file, content).items():
            store(folder / path, one)
    else:
        load_table_file(file, name)
        store(target, content)
    return target


def _rule(name: str) -> str:
    if name in READERS:
        return "that is a built-in table, which is imported under the name of its data set"
    return "expected 1 to 64 letters, digits, '_', '.' or '-', a letter or digit first"


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise TableError(f"{file}: cannot be read: {error.strerror}") from None


def _checked(name: str, file: Path, content: bytes) -> dict[Path, bytes]:
    """What to store for a file of the catalogue's form, by path, after its readers took it in a folder of its own."""
    contents = {next(iter(find_dataset(name).files)): content}
    with TemporaryDirectory(prefix="archlock-import-") as scratch:
        folder = Path(scratch)
        try:
            for path, one in contents.items():
                store(folder / path, one)
            if name == "transnasbench101":
                contents[TWINS_FILE] = _twins(folder)
                store(folder / TWINS_FILE, contents[TWINS_FILE])
            for check in CHECKS[name]:
                check(folder)
        except TableError as error:
            shown = str(error).replace(str(folder / next(iter(contents))), str(file))
            raise TableError(f"cannot be imported as {name}: {shown}") from None
    return contents


def _twins(folder: Path) -> bytes:
    """Twins of the micro cells, which stand in a file of their own."""
    with open_archive(folder / MAIN_FILE, "transnasbench101", hint("transnasbench101")) as archive:
        cells = archive.integers("micro_ops", (MICRO_ROWS, 6), 0, 3)
    return pack({"iso_rep": micro_twins(cells).astype("int16")})
