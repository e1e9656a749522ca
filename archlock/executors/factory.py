"""Executors by name."""

from __future__ import annotations

from archlock.errors import UsageError, did_you_mean
from archlock.executors.processes import ProcessExecutor
from archlock.executors.protocol import Executor
from archlock.executors.serial import SerialExecutor

KINDS = ("serial", "processes")


def make_executor(kind: str, workers: int = 1) -> Executor:
    """An executor of a kind; ``serial`` needs no workers and takes any number of at least 1.

    Raises:
        UsageError: an unknown kind, or fewer than one worker.
    """
    if workers < 1:
        raise UsageError(f"workers: expected at least 1, not {workers}")
    if kind == "serial":
        return SerialExecutor()
    if kind == "processes":
        return ProcessExecutor(workers)
    raise UsageError(f"executor: {kind!r} is unknown.{did_you_mean(kind, KINDS)}")
