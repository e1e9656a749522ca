"""Input shapes of the commands of ``archlock hw``."""

from __future__ import annotations

from archlock.errors import UsageError

LARGEST = 2**16
"""Beyond this, counts of bytes and operations no longer fit their 64 bits."""


def sizes(shape: str | None) -> tuple[int, int, int] | None:
    """What ``--input`` says: channels, height and width.

    Raises:
        UsageError: not three whole numbers above 0, or one above `LARGEST`.
    """
    if shape is None:
        return None
    parts = shape.lower().split("x")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--input {shape}: expected CHANNELSxHEIGHTxWIDTH, such as 3x16x16")
    channels, height, width = (int(part) for part in parts)
    if max(channels, height, width) > LARGEST:
        raise UsageError(f"--input {shape}: no size may be above {LARGEST:,}")
    return channels, height, width
