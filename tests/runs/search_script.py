"""A small deterministic search as a program, to be killed by tests: ``search_script.py FOLDER SERIAL|PROCESSES``."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from archlock.errors import ArchlockError
from archlock.executors import make_executor
from archlock.runs import Produced, RunFolder, RunStore, Workshop
from archlock.runs.work import Executor

SETTINGS = '{"seed": 5, "population": 6}'


@dataclass(frozen=True)
class Step:
    start: float
    nap_s: float


def descend(step: Step) -> Produced:
    """A unit with weights that also draws from the global generator, as layers do."""
    time.sleep(step.nap_s)
    weights = torch.randn(3) * step.start
    return Produced({"loss": float(weights.square().sum()), "start": step.start}, {"weights": weights})


def search(store: RunStore, executor: Executor, nap_s: float = 0.0) -> dict[str, list[float]]:
    """Three generations; each starts from what the one before it found."""
    workshop = Workshop(store, executor, seed=5)
    best, history = 1.0, []
    for generation in range(3):
        jobs = {("descend", generation, index): Step(best + index, nap_s) for index in range(6)}
        results = workshop.do(f"generation {generation}", descend, jobs)
        best = min(result["loss"] for result in results.values())
        history += [result["loss"] for result in results.values()]
    return {"history": history, "weights": workshop.weights(("descend", 2, 5))["weights"].tolist()}


def main(path: Path, kind: str) -> int:
    """Begin the search or go on with it."""
    try:
        begun = (path / "manifest.json").exists()
        run = RunFolder.open(path) if begun else RunFolder.create(path, SETTINGS, versions={})
        with run, make_executor(kind, 2) as executor:
            search(run, executor, nap_s=0.15)
    except ArchlockError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
