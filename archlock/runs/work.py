"""Units of work: done once, remembered at once, looked up ever after. This is all that resuming a run is."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from archlock.errors import InterruptedRunError
from archlock.runs.artifacts import pack_weights, unpack_weights
from archlock.runs.progress import Progress, SilentProgress
from archlock.runs.records import Json, Key, KeyT, encode_key, encode_result
from archlock.runs.repeatable import global_randomness
from archlock.runs.store import RunStore

if TYPE_CHECKING:
    from torch import Tensor

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


class Executor(Protocol):
    """What a workshop needs of an executor; those of `archlock.executors` are such."""

    def map(self, function: Callable[[JobT], ResultT], jobs: Sequence[JobT]) -> Iterator[tuple[int, ResultT]]:
        """Yield (index of the job, its result) as jobs end."""


@dataclass(frozen=True)
class Produced:
    """A unit's result with weights: ``value`` is plain JSON, ``weights`` are saved under the unit's key."""

    value: Any
    weights: Mapping[str, Tensor] | None = None


@dataclass(frozen=True)
class _Unit(Generic[JobT]):
    key: Key
    seed: int
    job: JobT


@dataclass(frozen=True)
class _Outcome:
    """What travels back from a worker: text and bytes, never live tensors, which would need shared memory."""

    result: str
    weights: bytes | None
    seconds: float


@dataclass(frozen=True)
class _Work(Generic[JobT]):
    """The function as the executor runs it, in this process or another."""

    function: Callable[[JobT], Any]

    def __call__(self, unit: _Unit[JobT]) -> _Outcome:
        began = time.perf_counter()
        with global_randomness(unit.seed):
            produced = self.function(unit.job)
        value, weights = (produced.value, produced.weights) if isinstance(produced, Produced) else (produced, None)
        packed = None if weights is None else pack_weights(weights)
        return _Outcome(encode_result(unit.key, value), packed, time.perf_counter() - began)


class Workshop:
    """Does units of work through an executor and remembers each in a store as soon as it is done.

    A run is a function of its settings and seed that does all its costly work here. Called again with the same store
    it finds the finished units and computes the rest, so an interruption at any moment costs only the units in flight.

    Args:
        store: where results are remembered.
        executor: where work runs.
        progress: who is told.
        seed: of the run. A unit should draw from generators made of its job; what it draws from global generators
            of torch, numpy or random all the same is seeded from this and its key, so that no result depends on the
            number of workers or the order of work.
    """

    def __init__(self, store: RunStore, executor: Executor, progress: Progress | None = None, *, seed: int = 0) -> None:
        self.store = store
        self._executor = executor
        self._progress: Progress = progress or SilentProgress()
        self._seed = seed
        self._stage_of: dict[str, str] = {}

    def do(self, stage: str, function: Callable[[JobT], Any], jobs: Mapping[KeyT, JobT]) -> dict[KeyT, Json]:
        """Results of jobs by key, in the order of ``jobs``, each computed only if the store lacks it.

        Args:
            stage: name of this part of the run.
            function: a module-level function of one job; it returns plain JSON (a dataclass of such becomes a dict),
                or `Produced`.
            jobs: key to job; keys are unique in the run. A job is small and can be pickled.

        Returns:
            Plain JSON, the same whether computed now or found: tuples are lists, dataclasses dicts.

        Raises:
            ValueError: a key that another stage of this run has used.
            InterruptedRunError: the user pressed Ctrl-C; what was done is in the store.
            ArchlockError: as raised by the function; RunFailedError for any other exception of it.
        """
        from archlock.seeding import derive_seed

        self._claim(stage, jobs)
        found = {key: self.store.get(key) for key in jobs}
        missing = [key for key in jobs if found[key] is None]
        self._progress.start(stage, len(jobs), len(jobs) - len(missing))
        units = [_Unit(key, derive_seed(self._seed, "unit", encode_key(key)), jobs[key]) for key in missing]
        try:
            for index, outcome in self._executor.map(_Work(function), units):
                found[missing[index]] = self._remember(stage, missing[index], outcome)
                self._progress.advance()
        except KeyboardInterrupt:
            raise InterruptedRunError(f"interrupted in stage {stage}; what was finished is kept") from None
        finally:
            self._progress.finish()
        return found

    def weights(self, key: Key) -> dict[str, Tensor]:
        """Weights that a unit produced; raises `RunFolderError` where it has none."""
        return self.store.load_weights(weights_name(key))

    def _remember(self, stage: str, key: Key, outcome: _Outcome) -> Json:
        # Weights first: a unit that is in the log has its weights on disk, whenever the process dies.
        if outcome.weights is not None:
            self.store.save_weights(weights_name(key), unpack_weights(outcome.weights, encode_key(key)))
        result = json.loads(outcome.result)
        self.store.put(key, stage, result, outcome.seconds)
        return result

    def _claim(self, stage: str, jobs: Mapping[KeyT, JobT]) -> None:
        for key in jobs:
            name = encode_key(key)
            owner = self._stage_of.setdefault(name, stage)
            if owner != stage:
                raise ValueError(f"unit {name} of stage {stage}: stage {owner} has a unit of that key")


def weights_name(key: Key) -> str:
    """File name of a unit's weights: readable, safe, and different for different keys."""
    parts = key if isinstance(key, tuple) else (key,)
    words = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(map(str, parts))).strip("-")[:60]
    return f"unit-{words}-{hashlib.sha256(encode_key(key).encode()).hexdigest()[:12]}"
