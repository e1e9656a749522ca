"""An audit that is stopped from outside."""

from __future__ import annotations

from threading import Event

from archlock.errors import InterruptedRunError
from archlock.runs import Progress


class Cancellable:
    """Progress that stops the run once an event is set.

    Args:
        told: who is told until then.
        cancel: the event.
    """

    def __init__(self, told: Progress, cancel: Event) -> None:
        self._told, self._cancel = told, cancel

    def start(self, stage: str, total: int, done: int = 0) -> None:
        """Tell, or stop."""
        self._check()
        self._told.start(stage, total, done)

    def advance(self, units: int = 1) -> None:
        """Tell, or stop."""
        self._told.advance(units)
        self._check()

    def finish(self) -> None:
        """Tell."""
        self._told.finish()

    def message(self, text: str) -> None:
        """Tell."""
        self._told.message(text)

    def _check(self) -> None:
        if self._cancel.is_set():
            raise InterruptedRunError("cancelled; what was finished is kept where the audit has a folder")
