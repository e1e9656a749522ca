"""What can go wrong with tables: a file that is not the table it should be, and a download that does not arrive."""

from __future__ import annotations

from archlock.errors import RunFailedError, UsageError


class TableError(UsageError):
    """A table that is missing, damaged, of another version, or that lacks what was asked of it."""


class DownloadError(RunFailedError):
    """A public file that could not be fetched whole from any mirror, or could not be stored."""
