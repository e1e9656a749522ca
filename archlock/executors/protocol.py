"""The contract of an executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self, TypeVar, runtime_checkable

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


@runtime_checkable
class Executor(Protocol):
    """Runs units of work; a context manager that lets go of its workers.

    Contract: every unit runs on one thread of torch and of the linear algebra below numpy, so that its result is the
    same bit by bit in any executor with any number of workers. Functions and jobs can be pickled: module-level
    functions, small frozen dataclasses, no live tensors. An `ArchlockError` of a unit comes out as its type; any
    other exception comes out as `RunFailedError` that names it. After a failure no further unit starts, and
    the results of those under way are yielded before it is raised. After an error an executor can be used again.
    """

    def map(self, function: Callable[[JobT], ResultT], jobs: Sequence[JobT]) -> Iterator[tuple[int, ResultT]]:
        """Yield (index of the job, its result) in the order in which jobs end.

        Raises:
            InterruptedRunError: the user pressed Ctrl-C.
            RunFailedError: a unit failed, or a worker died.
            ArchlockError: as raised by a unit.
        """

    def close(self) -> None:
        """Let go of the workers; the executor may be used again."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
