"""Downloading a data set of the catalogue: fetch, convert, compare with the published digests, keep."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from archlock.errors import UsageError
from archlock.tables.catalogue import Dataset, digest, find_dataset
from archlock.tables.convert import Arrays, check_readers, convert
from archlock.tables.errors import DownloadError
from archlock.tables.fetch import Fetcher, Watcher
from archlock.tables.folder import data_folder
from archlock.tables.mirrors import mirror_templates
from archlock.tables.storing import make_folder, pack, store
from archlock.tables.transfer import Patience

DOWNLOADS = "downloads"
"""Folder, in the data folder, of files that are fetched and not yet converted."""


def get_dataset(
    name: str,
    data: Path | None,
    watcher: Watcher,
    *,
    mirrors: Sequence[str] = (),
    patience: Patience | None = None,
    again: bool = False,
) -> tuple[Path, ...]:
    """Have a data set in the data folder; nothing is downloaded where it is there.

    Args:
        name: of the catalogue.
        data: the data folder; None for ``$ARCHLOCK_DATA`` or the user's cache folder.
        watcher: is told how it goes, the licences before anything is downloaded.
        mirrors: URL templates to try before the others; see `mirror_templates`.
        patience: when to give up on a server; None for the defaults.
        again: download and replace what is there.

    Returns:
        the converted files.

    Raises:
        UsageError: unknown name, a data set that can only be imported, a mirror that cannot be used, a missing extra.
        TableError: the folder may not be written.
        DownloadError: no mirror gave a file whole, a file of another form, or the disk is full.
    """
    dataset = find_dataset(name)
    if not dataset.sources:
        raise UsageError(f"data set {name} has no public file to download: archlock data import FILE --name {name}")
    folder = data_folder(data)
    paths = tuple(folder / file for file in dataset.files)
    if all(path.is_file() for path in paths) and not again:
        watcher.message(f"{name} is there already; 'archlock data verify {name}' checks it")
        return paths
    check_readers(dataset)
    make_folder(folder)
    templates = mirror_templates(mirrors, folder)
    for licence in dataset.licences:
        watcher.message(f"licence of {licence}")
    fetched = Fetcher(folder / DOWNLOADS, templates, watcher, patience or Patience()).fetch(dataset.sources)
    converted = convert(dataset, fetched)
    _compare(dataset, converted)
    for file, arrays in converted.items():
        store(folder / file, pack(arrays))
    for path in fetched.values():
        with suppress(OSError):
            path.unlink()
    return paths


def _compare(dataset: Dataset, converted: dict[Path, Arrays]) -> None:
    """Raise a `DownloadError` where an array is not the published one."""
    for file, arrays in converted.items():
        for key, values in arrays.items():
            if dataset.files[file].get(key) != digest(values):
                raise DownloadError(
                    f"{dataset.name}: array {key!r} of {file.name} does not come out as published; this is a fault of "
                    "archlock or of a package that it reads with: please report it"
                )
