"""Files that appear whole or not at all, and what to say where the disk does not take them."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from archlock.tables.errors import DownloadError, TableError

PART = ".part"
"""Ending of a file that is not whole yet; nothing here ever reads one as if it were."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, no quota left, or larger than this process may write."""


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A compressed ``.npz`` without pickled objects."""
    buffer = io.BytesIO()
    # numpy's signature takes the arrays as keywords beside allow_pickle, which its stubs read as a clash.
    cast(Any, np.savez_compressed)(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def store(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, whenever the process or the machine stops.

    Raises:
        TableError: the folder may not be written.
        DownloadError: the disk is full.
    """
    make_folder(path.parent)
    partial = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    with disk_errors(partial):
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; raises as `store`."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a path into one line that says what to do.

    Raises:
        TableError: the path may not be written.
        DownloadError: the disk is full, or failed.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            reason = f"{path}: disk full or over quota ({error.strerror})"
            raise DownloadError(f"{reason}. Free space and run the command again: what is there is kept") from None
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            hint = "choose another folder with --data or ARCHLOCK_DATA"
            raise TableError(f"{path}: may not be written ({error.strerror}); {hint}") from None
        if isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError):
            raise TableError(f"{error.filename or path}: is in the way ({error.strerror}); move it away") from None
        raise DownloadError(f"{path}: cannot be written: {error.strerror or error}") from None
