"""Exceptions of units of work, carried from where they happened to whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from traceback import format_exception
from typing import Generic, TypeVar

from archlock import errors
from archlock.errors import ArchlockError, RunFailedError

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Failure:
    """An exception as text, which survives the way between processes whatever its constructor takes.

    Attributes:
        kinds: (module, class) of the exception's type and of its bases, nearest first.
        message: one line.
        trace: traceback of where it happened.
    """

    kinds: tuple[tuple[str, str], ...]
    message: str
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """What to remember of an exception."""
        kinds = tuple((kind.__module__, kind.__qualname__) for kind in type(error).__mro__)
        return cls(kinds, " ".join(str(error).split()), "".join(format_exception(error)))

    def to_error(self) -> ArchlockError:
        """The exception again: an `ArchlockError` keeps its type, others become `RunFailedError`."""
        error = next((made for kind in self.kinds if (made := self._remade(*kind))), None)
        if error is None:
            name = self.kinds[0][1]
            error = RunFailedError(
                f"a unit of work failed: {name}: {self.message}" if self.message else f"a unit of work failed: {name}"
            )
        error.__cause__ = UnitError(self.trace)
        return error

    def _remade(self, module: str, name: str) -> ArchlockError | None:
        """An error of that class, if it is one of archlock's and takes a message alone."""
        if (module, name) == (ArchlockError.__module__, ArchlockError.__qualname__) and self.kinds[0] != (module, name):
            return None
        try:
            kind = getattr(errors if module == errors.__name__ else import_module(module), name)
            return kind(self.message) if issubclass(kind, ArchlockError) else None
        except (ImportError, AttributeError, TypeError):
            return None


class UnitError(Exception):
    """Cause of a failed unit: the traceback of where it happened, for ``--debug``."""


@dataclass(frozen=True)
class Guarded(Generic[JobT, ResultT]):
    """A function that returns its exceptions; nothing but Ctrl-C gets past it."""

    function: Callable[[JobT], ResultT]

    def __call__(self, job: JobT) -> ResultT | Failure:
        """The function's result, or its failure."""
        try:
            return self.function(job)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return Failure.of(error)
