"""Where official files are looked for, and what to say where one is missing."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

from archlock.errors import TaskError

HOME = "https://github.com/rtu715/NAS-Bench-360"
"""The benchmark's repository; its first page links to the shared drive that now holds every file."""

Tree = Path | zipfile.Path
"""A folder, or a zip archive read in place; both join with ``/`` and open for reading."""


def folder() -> Path:
    """``$ARCHLOCK_DATA/nasbench360``, or that folder in the user's cache where the variable is not set."""
    data = os.environ.get("ARCHLOCK_DATA")
    if data:
        return Path(data) / "nasbench360"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "archlock" / "nasbench360"


def official(task: str, name: str, home: str, group: str = "") -> Path:
    """Path of an official file, lying in `folder` itself or in ``group``, the subfolder that the benchmark keeps it in.

    Raises:
        TaskError: it is in neither; the message says what to get, from where, and where to put it.
    """
    places = (folder() / name, folder() / group / name)
    for path in places:
        if path.is_file():
            return path
    raise TaskError(
        f"{task}: file {name!r} is missing. Get it from {home} (or the drive that {HOME} links to) and put it at "
        f"{places[-1]}; ARCHLOCK_DATA names another data folder"
    )


def official_tree(task: str, archive: str, inside: str, home: str, group: str = "") -> Tree:
    """An official zip archive, or the folder that somebody unpacked it to.

    Args:
        task: for the message.
        archive: name of the official archive.
        inside: a file that lies at its root; says which folder is the unpacked archive.
        home: where it officially lives.
        group: the subfolder that the benchmark keeps it in.

    Raises:
        TaskError: neither is there, or the archive is damaged.
    """
    unpacked = (folder(), folder() / group, folder() / Path(archive).stem, folder() / group / "data")
    for root in unpacked:
        if (root / inside).is_file():
            return root
    path = official(task, archive, home, group)
    try:
        return zipfile.Path(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise TaskError(f"{task}: {path.name}: not a readable zip archive: {error}") from None


def stamp() -> tuple[int, ...]:
    """Changes when the files do, or when another folder is named; for the cache of loaded tasks."""
    root = folder()
    numbers = [zlib.crc32(str(root).encode())]
    try:
        for path in sorted((*root.glob("*"), *root.glob("*/*"))):
            status = path.stat()
            numbers += [status.st_mtime_ns, status.st_size]
    except OSError:  # reading will name the file that cannot be read
        return ()
    return tuple(numbers)
