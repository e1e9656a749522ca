"""How a run tells what it is doing, and an honest estimate of the time left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Protocol

from archlock.runs.records import UnitRecord


class Progress(Protocol):
    """Is told of stages and of units of work; shows them, or not. It must never fail a run."""

    def start(self, stage: str, total: int, done: int = 0) -> None:
        """A stage of ``total`` units begins, ``done`` of them known from before."""

    def advance(self, units: int = 1) -> None:
        """Units of the stage were computed."""

    def finish(self) -> None:
        """The stage has ended."""

    def message(self, text: str) -> None:
        """One line worth knowing."""


class SilentProgress:
    """Shows nothing."""

    def start(self, stage: str, total: int, done: int = 0) -> None:
        """Shows nothing."""

    def advance(self, units: int = 1) -> None:
        """Shows nothing."""

    def finish(self) -> None:
        """Shows nothing."""

    def message(self, text: str) -> None:
        """Shows nothing."""


@dataclass(frozen=True)
class PlannedStage:
    """What a plan expects of a stage.

    Attributes:
        name: as the run will call it.
        units: units of work in all.
        seconds_per_unit: a prior, wall-clock seconds per unit with all workers, used until units were measured.
    """

    name: str
    units: int
    seconds_per_unit: float


def measured_plan(plan: Sequence[PlannedStage], seconds: Mapping[str, float], workers: int) -> list[PlannedStage]:
    """A plan whose priors are replaced by what an earlier part of the run measured, for a resumed run.

    Args:
        plan: what was planned.
        seconds: mean seconds per unit where it ran, by stage; see `mean_seconds`.
        workers: units that run at the same time now.
    """
    return [
        replace(stage, seconds_per_unit=seconds[stage.name] / workers) if stage.name in seconds else stage
        for stage in plan
    ]


def mean_seconds(units: Iterable[UnitRecord]) -> dict[str, float]:
    """Mean seconds per unit by stage of finished units."""
    by_stage: dict[str, list[float]] = {}
    for unit in units:
        by_stage.setdefault(unit.stage, []).append(unit.seconds)
    return {stage: fmean(seconds) for stage, seconds in by_stage.items()}


@dataclass
class _Stage:
    planned_units: int
    prior_s: float
    done: int = 0
    computed: int = 0
    elapsed_s: float = 0.0


class TimeLeft:
    """Estimate of a run's remaining wall-clock seconds.

    Remaining units times the mean wall-clock seconds of the units computed in this run, stage by stage; until a
    stage has computed a unit, its planned prior stands in. Units found from an earlier run count as done but never as
    fast. When a stage begins, what was planned for stages before it no longer counts: duplicates are skipped, so a
    stage may end with fewer units than planned.

    Times come in as readings of a monotonic clock in seconds, so that tests need no waiting.
    """

    def __init__(self, plan: Sequence[PlannedStage] = ()) -> None:
        self._stages = {stage.name: _Stage(stage.units, stage.seconds_per_unit) for stage in plan}
        self._order = [stage.name for stage in plan]
        self._current: str | None = None
        self._left_here = 0
        self._last_s = 0.0

    def start(self, stage: str, total: int, done: int, now_s: float) -> None:
        """A stage of ``total`` units begins, ``done`` of them known; a stage may begin many times."""
        if stage not in self._stages:
            self._stages[stage] = _Stage(0, 0.0)
            here = self._order.index(self._current) + 1 if self._current else 0
            self._order.insert(here, stage)
        self._current, self._left_here, self._last_s = stage, total - done, now_s
        self._stages[stage].done += done

    def advance(self, units: int, now_s: float) -> None:
        """Units of the current stage were computed."""
        if self._current is None or units < 1:
            return
        stage = self._stages[self._current]
        stage.done += units
        stage.computed += units
        stage.elapsed_s += now_s - self._last_s
        self._left_here = max(0, self._left_here - units)
        self._last_s = now_s

    def finish(self) -> None:
        """The current stage has ended, for now."""
        self._left_here = 0

    def seconds_per_unit(self, name: str) -> float:
        """Measured mean of a stage, or its prior."""
        stage = self._stages[name]
        return stage.elapsed_s / stage.computed if stage.computed else stage.prior_s

    def seconds(self, now_s: float) -> float:
        """Estimated seconds until the run ends, at least 0."""
        begun = self._order.index(self._current) if self._current else 0
        total_s = sum(self._units_left(name) * self.seconds_per_unit(name) for name in self._order[begun:])
        since_last_s = now_s - self._last_s if self._left_here else 0.0
        running_s = self.seconds_per_unit(self._current) if self._current else 0.0
        return max(0.0, total_s - min(since_last_s, running_s))

    def _units_left(self, name: str) -> int:
        stage = self._stages[name]
        here = self._left_here if name == self._current else 0
        return max(here, stage.planned_units - stage.done)


def about(seconds: float) -> str:
    """A duration as a person would say it: ``about 40 s``, ``about 3 min``, ``about 1.5 h``."""
    if seconds < 1:
        return "about 1 s"
    if seconds < 90:
        return f"about {seconds:.0f} s" if seconds < 10 else f"about {round(seconds, -1):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
