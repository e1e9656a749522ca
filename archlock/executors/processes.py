"""Work in worker processes of this machine."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from threading import current_thread, main_thread
from types import TracebackType
from typing import Generic, Self, TypeVar

from archlock.errors import InterruptedRunError, RunFailedError, UsageError
from archlock.executors.failures import Failure, Guarded
from archlock.executors.threads import single_threaded
from archlock.executors.worker import start_worker

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")

_DIED = (
    "a worker process died, out of memory or by a crash in native code; what was finished is kept: resume with "
    "fewer workers (a script that starts workers also needs an `if __name__ == '__main__':` guard)"
)


@dataclass(frozen=True)
class _SingleThreaded(Generic[JobT, ResultT]):
    """A function that runs on one thread; sees to libraries that were loaded after the worker began."""

    function: Callable[[JobT], ResultT]

    def __call__(self, job: JobT) -> ResultT:
        """The function's result."""
        with single_threaded():
            return self.function(job)


class ProcessExecutor:
    """`Executor` on worker processes, started at the first unit and kept until `close`.

    Workers are forked from a server process that has imported torch and little else: they start at once, share its
    memory, and inherit neither threads nor open files of this process. Where the system has no fork server, each
    worker starts afresh.

    Args:
        workers: number of processes, at least 1.

    Raises:
        UsageError: fewer than one worker.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise UsageError(f"workers: expected at least 1, not {workers}")
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._lifeline: Connection | None = None

    def map(self, function: Callable[[JobT], ResultT], jobs: Sequence[JobT]) -> Iterator[tuple[int, ResultT]]:
        """Yield (index, result) in the order in which jobs end; see `Executor.map`."""
        if not jobs:
            return
        futures: dict[Future[ResultT | Failure], int] = {}
        try:
            futures = self._submit(_SingleThreaded(function), jobs)
            yield from _as_they_end(futures)
        except KeyboardInterrupt:
            self._stop()
            raise InterruptedRunError("interrupted; what was finished is kept") from None
        except BrokenProcessPool:
            self._stop()
            raise RunFailedError(_DIED) from None
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """Wait for running units and let go of the workers; the executor may be used again."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._stop()

    def _submit(
        self, function: Callable[[JobT], ResultT], jobs: Sequence[JobT]
    ) -> dict[Future[ResultT | Failure], int]:
        guarded: Guarded[JobT, ResultT] = Guarded(function)
        with _no_interrupts():
            pool = self._pool or self._start()
            return {pool.submit(guarded, job): index for index, job in enumerate(jobs)}

    def _start(self) -> ProcessPoolExecutor:
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            context.set_forkserver_preload(["archlock.executors.preloading"])
        worker_end, self._lifeline = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self.workers, context, start_worker, (worker_end,))
        return self._pool

    def _stop(self) -> None:
        """End the workers at once, whatever they are doing: they leave when their lifeline is cut."""
        if self._lifeline is not None:
            self._lifeline.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = self._lifeline = None


def _as_they_end(indices: dict[Future[ResultT | Failure], int]) -> Iterator[tuple[int, ResultT]]:
    """Results of futures as they end. After a failure none starts; those under way come first, then it is raised."""
    pending = set(indices)
    failure: Exception | None = None
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=indices.__getitem__):
            try:
                result = future.result()
            except BrokenProcessPool as error:
                failure = failure or error
                continue
            except Exception as error:  # of pickle, where a function, a job or a result cannot be sent
                result = Failure.of(error)
            if isinstance(result, Failure):
                failure = failure or result.to_error()
                pending = {other for other in pending if not other.cancel()}
            else:
                yield indices[future], result
    if failure is not None:
        raise failure


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back while workers start, and hand it on afterwards.

    The blocked signal mask is what workers inherit. It does not hold this process: the signal may reach one of its
    other threads, so the handler is exchanged too.
    """
    handler = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or handler is None or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # begun later it would unblock the signal again
    held: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
    if held and callable(handler):
        handler(held[0], None)
