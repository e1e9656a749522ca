"""Tables by name, read once and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from archlock.errors import did_you_mean
from archlock.tables.cells import CELLS_FILE, OTHERS_FILE, read_nasbench201, read_nasbench360
from archlock.tables.errors import TableError
from archlock.tables.folder import data_folder
from archlock.tables.table import Table
from archlock.tables.transnas import MAIN_FILE, TWINS_FILE, read_transnas_macro, read_transnas_micro
from archlock.tables.user import load_table_file

READERS: dict[str, tuple[Callable[[Path], Table], tuple[Path, ...]]] = {
    "nasbench201": (read_nasbench201, (CELLS_FILE,)),
    "nasbench360": (read_nasbench360, (CELLS_FILE, OTHERS_FILE)),
    "transnas_micro": (read_transnas_micro, (MAIN_FILE, TWINS_FILE)),
    "transnas_macro": (read_transnas_macro, (MAIN_FILE,)),
}
"""Built-in table to its reader and the files it reads, relative to the data folder."""

USER_FOLDER = "tables"
"""Folder, in the data folder, of imported tables."""

FILE_ENDING = ".npz"
"""What a name ends in that is a path."""


def table_names(data: Path | None = None) -> tuple[str, ...]:
    """Names that `load_table` knows: the built-in ones, whether their files are there or not, and imported ones."""
    own = sorted(path.stem for path in (data_folder(data) / USER_FOLDER).glob("*.npz"))
    return (*READERS, *own)


def user_file(name: str, data: Path) -> Path:
    """Where an imported table of that name lies, or would lie."""
    return data / USER_FOLDER / f"{name}.npz"


def load_table(name: str, data: Path | None = None) -> Table:
    """A table, read at the first call and shared from then on for as long as its files do not change.

    Args:
        name: ``nasbench201``, ``nasbench360``, ``transnas_micro``, ``transnas_macro``, that of an imported table, or a
            path that ends in ``.npz``.
        data: the data folder; None for ``$ARCHLOCK_DATA`` or the user's cache folder.

    Raises:
        TableError: unknown name, or a file that is missing, damaged, or of another version.
    """
    if name.endswith(FILE_ENDING):
        return open_table_file(Path(name).expanduser())
    folder, known = data_folder(data), table_names(data)
    if name not in known:
        raise TableError(f"no table {name!r}.{did_you_mean(name, known)}")
    files = READERS[name][1] if name in READERS else (user_file(name, folder),)
    return _read(name, folder, tuple(_stamp(folder / file) for file in files))


def open_table_file(path: Path) -> Table:
    """A user's file, read at the first call and shared until it changes; raises as `load_table_file`."""
    return _read_file(path, _stamp(path))


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of change, so that a table that was downloaded again is read again."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _read_file(path: Path, stamp: tuple[int, int]) -> Table:
    return load_table_file(path)


@lru_cache(maxsize=8)
def _read(name: str, folder: Path, stamps: tuple[tuple[int, int], ...]) -> Table:
    return READERS[name][0](folder) if name in READERS else load_table_file(user_file(name, folder), name)
