"""Progress of a run on stderr: a bar where a person watches, plain lines where a file does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from archlock.runs.progress import PlannedStage, TimeLeft, about


class RichProgress:
    """`archlock.runs.Progress` on stderr; a context manager.

    On a terminal: stage, bar, done of total, elapsed and about how long the run has left. Elsewhere: one line when a
    stage ends, with elapsed seconds and about how long the run has left.

    Args:
        plan: what the run expects to do, for the estimate; see `TimeLeft`.
        console: where to show it; stderr unless given.
        clock: readings of a monotonic clock, seconds.
    """

    def __init__(
        self,
        plan: Sequence[PlannedStage] = (),
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._began_s = clock()
        self._left = TimeLeft(plan)
        self._stage = ""
        self._counts = (0, 0)
        self._bars: Bars | None = None
        self._bar: TaskID | None = None
        if self._console.is_terminal:
            self._bars = _bars(self._console)

    def start(self, stage: str, total: int, done: int = 0) -> None:
        """A stage begins; see `Progress.start`."""
        self._left.start(stage, total, done, self._clock())
        self._stage, self._counts = stage, (done, total)
        if self._bars is not None:
            self._bars.start()
            self._bar = self._bars.add_task(stage, total=total, completed=done, left=self._left_words())

    def advance(self, units: int = 1) -> None:
        """Units of the stage were computed."""
        self._left.advance(units, self._clock())
        self._counts = (self._counts[0] + units, self._counts[1])
        if self._bars is not None and self._bar is not None:
            self._bars.update(self._bar, advance=units, left=self._left_words())

    def finish(self) -> None:
        """The stage has ended: its bar makes room, or its line is printed."""
        self._left.finish()
        if self._bars is None:
            done, total = self._counts
            elapsed_s = self._clock() - self._began_s
            self._line(f"{self._stage}: {done}/{total} done, {elapsed_s:.0f} s elapsed, {self._left_words()}")
        elif self._bar is not None:
            self._bars.remove_task(self._bar)
            self._bar = None

    def message(self, text: str) -> None:
        """One line worth knowing, above the bar."""
        self._line(text)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bars is not None:
            self._bars.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _left_words(self) -> str:
        left_s = self._left.seconds(self._clock())
        return f"{about(left_s)} left" if left_s > 0 else "nearly done"

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _bars(console: Console) -> Bars:
    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", markup=False),
        console=console,
        transient=True,
    )
