"""Where units of work run: in this process or in worker processes, with the same results bit by bit.

Knows nothing of networks or tasks: it takes a function and jobs.
"""

from __future__ import annotations

from archlock.executors.factory import KINDS, make_executor
from archlock.executors.processes import ProcessExecutor
from archlock.executors.protocol import Executor
from archlock.executors.serial import SerialExecutor

__all__ = ["KINDS", "Executor", "ProcessExecutor", "SerialExecutor", "make_executor"]
