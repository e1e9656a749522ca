"""Latency tables from a user's CSV: columns that say what an architecture is, and one column per device."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archlock.errors import UsageError, did_you_mean
from archlock.hwcost.devices.encoding import Encoding
from archlock.hwcost.devices.table import LatencyTable
from archlock.scores import FloatArray

ENCODING_NAME = re.compile(
    r"(arch_?ops|arch(itecture)?(_?str(ing)?)?|ops?|edge|layer|block|gene|genotype|choice|x|enc(oding)?|feature)"
    r"([_\-. \[]*\d+\]?)?",
    re.IGNORECASE,
)
"""Headers that are read as the encoding unless the user names the columns."""
IDENTIFIER_NAME = re.compile(r"(arch_?)?(index|idx|id)|row|name|unnamed.*|", re.IGNORECASE)
"""Headers that only number the rows."""
FAILED_WORDS = ("", "nan", "na", "n/a", "none", "null", "-", "failed")


@dataclass(frozen=True)
class _Rows:
    """A CSV's cells with the lines they stand on."""

    path: Path
    header: list[str]
    cells: list[list[str]]
    lines: list[int]

    def columns(self, places: Sequence[int]) -> list[list[str]]:
        return [[row[place] for place in places] for row in self.cells]


def read_csv(path: Path, encoding_columns: Sequence[str] = ()) -> LatencyTable:
    """Read a CSV with a header: encoding columns, and every other column a device with latencies in ms.

    An encoding is one text per architecture (``arch``) or several columns (``op_0``, ``op_1``, …). A cell that is
    empty, ``nan``, -1 or not above zero is a failed measurement.

    Args:
        path: the file.
        encoding_columns: headers of the encoding, where they are named otherwise.

    Raises:
        UsageError: with file and line: no such column, rows of a wrong length, a latency that is no number, an
            architecture given twice.
    """
    rows = _read(path)
    places = _encoding_places(rows, encoding_columns)
    devices = [
        place for place, name in enumerate(rows.header) if place not in places and not IDENTIFIER_NAME.fullmatch(name)
    ]
    if not devices:
        raise UsageError(f"{path}:1: no device: every column is the encoding; expected one more column per device")
    encoding = _encoding(rows, places)
    _refuse_repeats(rows, places)
    return LatencyTable.of(path.name, [rows.header[place] for place in devices], _latencies(rows, devices), encoding)


def _read(path: Path) -> _Rows:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            cells, lines = [], []
            for row in reader:
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(header):
                    raise UsageError(f"{path}:{reader.line_num}: {len(row)} cells, the header has {len(header)}")
                cells.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as CSV: {error}") from None
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{path}:1: the column {twice!r} is given twice")
    if not cells:
        raise UsageError(f"{path}: no rows: expected a header and one line per architecture")
    if len(header) == 1 and (other := re.search("[;\t]", header[0])):
        raise UsageError(f"{path}:1: cells are separated by {other[0]!r}; expected commas")
    return _Rows(path, header, cells, lines)


def _encoding_places(rows: _Rows, wanted: Sequence[str]) -> list[int]:
    for name in wanted:
        if name not in rows.header:
            raise UsageError(f"{rows.path}:1: no column {name!r}.{did_you_mean(name, rows.header)}")
    if wanted:
        return [rows.header.index(name) for name in wanted]
    places = [place for place, name in enumerate(rows.header) if ENCODING_NAME.fullmatch(name)]
    if not places:
        raise UsageError(
            f"{rows.path}:1: no encoding among the columns {', '.join(rows.header)}: expected 'arch' or 'op_0', "
            "'op_1', …; name them with --encoding-columns"
        )
    return places


def _encoding(rows: _Rows, places: Sequence[int]) -> Encoding:
    words = rows.columns(places)
    if len(places) == 1:
        return Encoding.of_texts([row[0] for row in words], f"{rows.path}:{rows.lines[0]}")
    try:
        return Encoding.of_matrix(np.array(words, dtype=np.float64))
    except ValueError:
        return Encoding.of_words(words)


def _refuse_repeats(rows: _Rows, places: Sequence[int]) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for line, words in zip(rows.lines, rows.columns(places), strict=True):
        earlier = seen.setdefault(tuple(words), line)
        if earlier != line:
            raise UsageError(f"{rows.path}:{line}: repeats the architecture of line {earlier}; keep one row of each")


def _latencies(rows: _Rows, places: Sequence[int]) -> FloatArray:
    values = np.empty((len(rows.cells), len(places)))
    for index, (line, row) in enumerate(zip(rows.lines, rows.cells, strict=True)):
        for place, column in enumerate(places):
            try:
                values[index, place] = -1.0 if row[column].lower() in FAILED_WORDS else float(row[column])
            except ValueError:
                raise UsageError(
                    f"{rows.path}:{line}: {rows.header[column]}: {row[column]!r} is no latency in ms; leave a failed "
                    "measurement empty or write -1"
                ) from None
    return values
