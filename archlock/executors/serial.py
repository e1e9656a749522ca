"""Work in this process, one unit after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from archlock.errors import InterruptedRunError
from archlock.executors.failures import Failure, Guarded
from archlock.executors.threads import single_threaded

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


class SerialExecutor:
    """`Executor` without workers; a unit starts when its result is asked for."""

    def map(self, function: Callable[[JobT], ResultT], jobs: Sequence[JobT]) -> Iterator[tuple[int, ResultT]]:
        """Yield (index, result) in the order of the jobs; see `Executor.map`."""
        guarded = Guarded(function)
        for index, job in enumerate(jobs):
            try:
                with single_threaded():
                    result = guarded(job)
            except KeyboardInterrupt:
                raise InterruptedRunError("interrupted; what was finished is kept") from None
            if isinstance(result, Failure):
                raise result.to_error()
            yield index, result

    def close(self) -> None:
        """Nothing to let go of."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
