"""Proxy scores kept in a file as they come, so that a long measurement can be stopped and gone on with."""

from __future__ import annotations

import json
from pathlib import Path

from archlock.errors import UsageError
from archlock.proxies import PROXIES
from archlock.scores import Score, ScoreFailed


class KeptScores:
    """Scores by cell, in memory and, line by line, in a file.

    Args:
        path: file of JSON lines; None keeps nothing on disk.
        setting: what the scores depend on besides the cell; lines of another setting are left alone.

    Raises:
        UsageError: a line of the file is not such a line.
    """

    def __init__(self, path: Path | None, setting: tuple[int, ...]) -> None:
        self._path, self._setting = path, list(setting)
        self._found: dict[int, dict[str, Score | ScoreFailed]] = {}
        if path is not None and path.is_file():
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                self._read(line, f"{path}:{number}")

    def of(self, cell: int) -> dict[str, Score | ScoreFailed]:
        """What is known of a cell, by proxy."""
        return dict(self._found.get(cell, {}))

    def add(self, cell: int, scores: dict[str, Score | ScoreFailed]) -> None:
        """Keep scores of a cell beside what is known of it."""
        self._found.setdefault(cell, {}).update(scores)
        if self._path is not None:
            values = {name: score.value if isinstance(score, Score) else score.reason for name, score in scores.items()}
            with self._path.open("a") as file:
                file.write(json.dumps({"setting": self._setting, "cell": cell, "scores": values}) + "\n")

    def _read(self, line: str, where: str) -> None:
        try:
            document = json.loads(line)
            setting, cell, values = document["setting"], int(document["cell"]), document["scores"].items()
            scores = {name: _score(name, value) for name, value in values if name in PROXIES}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UsageError(f"{where}: not a line of kept scores: {type(error).__name__}: {error}") from None
        if setting == self._setting:
            self._found.setdefault(cell, {}).update(scores)


def _score(name: str, value: float | str) -> Score | ScoreFailed:
    """A number is a score, a text the reason why there is none."""
    if isinstance(value, str):
        return ScoreFailed(value)
    return Score(float(value), PROXIES[name].unit, PROXIES[name].better)
