"""Executors by name."""

from __future__ import annotations

from collections.abc import Sequence

from archlock.errors import UsageError, did_you_mean
from archlock.executors.processes import PRELOAD, ProcessExecutor
from archlock.executors.protocol import Executor
from archlock.executors.serial import SerialExecutor

KINDS = ("serial", "processes")


def make_executor(kind: str, workers: int = 1, preload: Sequence[str] = PRELOAD) -> Executor:
    """An executor of a kind; ``serial`` needs no workers and takes any number of at least 1.

    ``preload`` names the modules that worker processes share; see `ProcessExecutor`.

    Raises:
        UsageError: an unknown kind, or fewer than one worker.
    """
    if workers < 1:
        raise UsageError(f"workers: expected at least 1, not {workers}")
    if kind == "serial":
        return SerialExecutor()
    if kind == "processes":
        return ProcessExecutor(workers, preload)
    raise UsageError(f"executor: {kind!r} is unknown.{did_you_mean(kind, KINDS)}")
