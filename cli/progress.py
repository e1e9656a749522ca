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

SAY_EVERY_S = 10.0


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
        self._unsaid = False
        self._said_s = self._began_s
        self._bars: Bars | None = None
        self._bar: TaskID | None = None
        if self._console.is_terminal:
            self._bars = _bars(self._console)

    def start(self, stage: str, total: int, done: int = 0) -> None:
        """A stage begins; see `Progress.start`."""
        self._left.start(stage, total, done, self._clock())
        before = self._counts if self._unsaid and stage == self._stage else (0, 0)
        if self._unsaid and stage != self._stage:
            self._say()
        self._stage, self._counts = stage, (before[0] + done, before[1] + total)
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
        """The stage has ended: its bar makes room, or its line is printed.

        A stage that comes back at once, such as a generation of a search, is told of every ten seconds at most.
        """
        self._left.finish()
        if self._bars is None:
            self._unsaid = True
            if self._clock() - self._said_s >= SAY_EVERY_S:
                self._say()
        elif self._bar is not None:
            self._bars.remove_task(self._bar)
            self._bar = None

    def _say(self) -> None:
        done, total = self._counts
        self._said_s, self._unsaid = self._clock(), False
        elapsed_s = self._said_s - self._began_s
        self._line(f"{self._stage}: {done}/{total} done, {elapsed_s:.0f} s elapsed, {self._left_words()}")

    def message(self, text: str) -> None:
        """One line worth knowing, above the bar."""
        self._line(text)

    def close(self) -> None:
        """Take the bar off the screen, or print the line that is still due."""
        if self._unsaid:
            self._say()
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
