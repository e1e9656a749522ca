"""What an evaluation on the `imc` space is in these benchmarks: a short training on real pictures, and a modelled cost.

Pictures of 16 x 16, one fixed seed and the same steps for every network, so that only the searches differ. Imported by
the scripts beside it; not one of its own.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch

from archlock.hwcost import estimate, load_hardware, trace
from archlock.iospec import IOSpec
from archlock.seeding import derive_seed, torch_generator
from archlock.spaces.protocol import Genotype
from archlock.spaces.registry import load_space
from archlock.spaces.text import format_genotype
from archlock.tasks.registry import load_task
from archlock.tasks.task import Split
from archlock.training.fit import Schedule, evaluate, fit

SIDE = 16
SCHEDULE = Schedule(steps=20, batch=24, learning_rate=0.01)
JUDGED = 256
"""Validation samples of a micro-training."""

Costs = dict[tuple[IOSpec, Genotype], tuple[float, float]]
"""Seconds and joules of one input."""


class Bench:
    """Evaluates genotypes of the space on a task and a hardware profile, each once.

    Args:
        images: an .npz of pictures with labels.
        hardware: name of a profile.
        costs: what is known of costs; they are the same for all tasks with the same inputs and classes.
        cache: folder of the accuracies that are known.
    """

    def __init__(self, images: Path, hardware: str, costs: Costs, cache: Path | None = None) -> None:
        self.name, self.task = images.stem, load_task(f"npz:{images}", input_shape=(3, SIDE, SIDE))
        self.space, self.hardware = load_space("imc"), load_hardware(hardware)
        self.cache = cache / f"{images.stem}.json" if cache else None
        self.costs = costs
        self.accuracies: dict[str, float] = {}
        self.seconds = 0.0
        if self.cache is not None and self.cache.exists():
            self.accuracies = json.loads(self.cache.read_text())

    def cost(self, genotype: Genotype) -> tuple[float, float]:
        """Modelled seconds and joules of one input."""
        key = (self.task.io, genotype)
        if key not in self.costs:
            workload = trace(self.space.build(genotype, self.task.io), (1, *self.task.io.input_shape))
            cost = estimate(workload, self.hardware)
            self.costs[key] = (cost.latency_s, cost.energy_j)
        return self.costs[key]

    def accuracy(self, genotype: Genotype) -> float:
        """Validation accuracy of a canonical genotype after the short training."""
        name = format_genotype(genotype)
        if name not in self.accuracies:
            begun = time.process_time()
            torch.manual_seed(derive_seed(0, "weights"))
            network = self.space.build(genotype, self.task.io)
            fit(network, replace(self.task, validation=self.judged), SCHEDULE, torch_generator(0, "batches"))
            self.accuracies[name] = evaluate(network, self.task, self.judged)
            self.seconds += time.process_time() - begun
        return self.accuracies[name]

    @cached_property
    def judged(self) -> Split:
        """The validation samples that decide."""
        return self.task.validation.take(torch.arange(min(JUDGED, len(self.task.validation))))

    def save(self) -> None:
        """Write what is known, so that a run that was stopped goes on."""
        if self.cache is not None:
            self.cache.parent.mkdir(parents=True, exist_ok=True)
            self.cache.write_text(json.dumps(self.accuracies))
