"""Calibrates quick audits: coverage of their intervals on disjoint cases, and every estimate's rank correlation.

    python benchmarks/audit_calibration.py --out CASES.jsonl [--anchors 100] [--cases 205] [--workers 2]
    python benchmarks/audit_calibration.py --out CASES.jsonl --fit configs/calibrations

A case is a model, a target and a seed, all drawn from the case's own number: a random network of the hybrid space,
trained on a random source for a random number of steps, or not at all; a generated target of random difficulty and seed
that is not its source. Anchors are numbered from 0, judged cases from 1,000,000 on, so that no model and no
target is in both. The file keeps every case; a run goes on where it was stopped. ``--fit`` writes ``quick.yaml``,
``estimators.yaml`` and ``reference.yaml``: of the predictor's rank correlation, see `audit_reference`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from audit_reference import left_out_scores, population
from scipy.stats import kendalltau

from archlock.attacks import attack
from archlock.attacks.method import Situation
from archlock.auditing.budgets import BUDGETS
from archlock.auditing.prediction.calibration import (
    LEAST_ANCHORS,
    LEVEL,
    PREDICTED_FROM,
    AnchorCases,
    Calibration,
    fit_kind,
    judged,
)
from archlock.auditing.prediction.encoding import encode_workload
from archlock.auditing.prediction.foresight import ESTIMATOR, ReferencePopulation, embedding_of
from archlock.auditing.prediction.foresight import SHIPPED as REFERENCE
from archlock.auditing.prediction.measured import SHIPPED as RANKS
from archlock.auditing.prediction.measured import EstimatorRanks
from archlock.auditing.prediction.population import own_scores
from archlock.auditing.prediction.predicting import SHIPPED as CALIBRATION
from archlock.auditing.prediction.predicting import about_case, inputs_of
from archlock.auditing.record import MeasuredRank
from archlock.auditing.subject import HeldModel
from archlock.auditing.units import Case, quick_look, source_value
from archlock.documents import to_yaml
from archlock.executors import make_executor
from archlock.hwcost import trace
from archlock.loading import LoadedModel
from archlock.scores import FloatArray, Score
from archlock.seeding import derive_seed, numpy_generator, torch_generator
from archlock.spaces.registry import load_space
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.training.fit import Schedule, fit

SPACE = "hybrid"
SHAPE = (3, 16, 16)
SOURCES = ("digits", "textures", "shapes", "glyphs", "counting", "colours")
TARGETS = ("glyphs", "counting", "textures", "colours", "shapes", "rhythms")
ATTACKS = ("linear-probe", "hidden-probe", "fine-tune", "adapters")
STEPS = (0, 50, 150, 400)
JUDGED_FROM = 1_000_000
RESAMPLES = 1_000
NOTE = "hybrid networks at 3x16x16, trained on built-in tasks for 0 to 400 steps; generated targets of 600 samples"
RANKS_NOTE = f"random {NOTE}; each network with a target of its own, so that targets differ in difficulty, too"


def main() -> None:
    """Measure cases, or fit and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--anchors", type=int, default=100)
    parser.add_argument("--cases", type=int, default=205)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--fit", type=Path)
    arguments = parser.parse_args()
    if arguments.fit is None:
        numbers = [*range(arguments.anchors), *range(JUDGED_FROM, JUDGED_FROM + arguments.cases)]
        measure_all(arguments.out, numbers, arguments.workers)
        return
    cases = list(kept_cases(arguments.out).values())
    classified = [case for case in cases if case["kind"] == "classification"]
    scores = left_out_scores(classified)
    foreseen = {case["number"]: float(score) for case, score in zip(classified, scores, strict=True)}
    calibration, measured = calibrate(cases), ranks(cases, foreseen)
    reference = population(classified, scores, SHAPE, f"{len(classified)} {NOTE}")
    arguments.fit.mkdir(parents=True, exist_ok=True)
    for name, document in ((CALIBRATION, calibration), (RANKS, measured), (REFERENCE, reference)):
        (arguments.fit / Path(name).name).write_text(to_yaml(document.model_dump(mode="json")))
    show(calibration, measured, reference)


def show(calibration: Calibration, measured: EstimatorRanks, reference: ReferencePopulation) -> None:
    """Coverage of each kind, every estimate by its rank correlation, and the predictor's within kinds of targets."""
    for kind, found in calibration.kinds.items():
        print(f"{kind}: {found.anchors} anchors, half width {found.half_width:.3f}, coverage of the nominal {LEVEL:.0%}"
              f" interval {found.coverage} over {found.cases} cases")  # fmt: skip
    for kind, known in measured.kinds.items():
        for name, rank in sorted(known.items(), key=lambda item: -item[1].kendall_tau):
            print(f"{kind:15} {name:16} Kendall tau {rank.kendall_tau:+.3f} ({rank.low:+.3f} to {rank.high:+.3f}), "
                  f"{rank.cases} cases")  # fmt: skip
    rank = reference.left_out
    print(f"predictor within each of {len(reference.tasks)} kinds of targets: Kendall tau {rank.kendall_tau:+.3f} "
          f"({rank.low:+.3f} to {rank.high:+.3f}), {rank.cases} cases, each left out")  # fmt: skip


def measure_all(out: Path, numbers: list[int], workers: int) -> None:
    """Append what the file lacks: whole cases, or what is known of their models beside the attacks."""
    kept = kept_cases(out)
    missing = [kept.get(number, {"number": number}) for number in numbers if "facts" not in kept.get(number, {})]
    with make_executor("processes", workers) as executor, out.open("a") as file:
        for _, found in executor.map(completed, missing):
            file.write(json.dumps(found) + "\n")
            file.flush()


def kept_cases(path: Path) -> dict[int, dict[str, Any]]:
    """What the file holds, by number; a later line about a case replaces an earlier one."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {case["number"]: case for case in map(json.loads, lines)}


@dataclass(frozen=True)
class Drawn:
    """Everything about a case that its number decides."""

    subject: HeldModel
    source: TaskSettings
    target: TaskSettings
    steps: int

    def quick(self) -> Case:
        """The case as a quick audit has it."""
        return Case(self.subject, self.source, self.target, BUDGETS["quick"])


def drawn(number: int) -> Drawn:
    """A random source, target and length of training, and the model of the same number."""
    rng = numpy_generator(number, "calibration case")
    source = TaskSettings(name=str(rng.choice(SOURCES)))
    wanted = str(rng.choice([name for name in TARGETS if name != source.name]))
    target = TaskSettings(name=wanted, difficulty=float(rng.uniform(0, 1)), seed=int(rng.integers(1, 10_000)))
    steps = int(rng.choice(STEPS))
    return Drawn(trained(number, source, steps), source, target, steps)


def completed(case: Mapping[str, Any]) -> dict[str, Any]:
    """A case with its quick look, the strongest attack, and what is known of model and target."""
    torch.set_num_threads(1)
    given = drawn(case["number"])
    return {**(case if "reached" in case else attacked(case["number"], given)), **described(given)}


def attacked(number: int, given: Drawn) -> dict[str, Any]:
    """A quick look, and the strongest attack at the standard budget on all of the data."""
    quick = given.quick()
    standard = replace(quick, budget=BUDGETS["standard"])
    loot, task = standard.loot(), standard.task()
    budget = BUDGETS["standard"].at(1.0)
    results = [attack(loot, name, task, budget, number) for name in ATTACKS]
    best = max((one for one in results if one is not None), key=lambda one: one.best.validation)
    return {
        "number": number,
        "source": given.source.title,
        "target": given.target.title,
        "kind": task.kind.value,
        "steps": given.steps,
        "look": quick_look(quick),
        "attack": best.attack,
        "reached": best.value,
    }


def described(given: Drawn) -> dict[str, Any]:
    """What a case is described by: facts, zero-cost scores, encoding and task embedding."""
    case = given.quick()
    model, task = given.subject.load(), case.task()
    assert model.network is not None
    workload = trace(model.network.eval(), (1, *SHAPE))
    parameters = sum(parameter.numel() for parameter in model.network.parameters())
    shape = dict(zip(("channels", "height", "width"), SHAPE, strict=True))
    sizes = {"samples": len(load_task(given.target).train), "seen": len(task.train)}
    facts = {"parameters": parameters, "macs": workload.macs, **shape, "source": source_value(case_of_source(given))}
    scores = own_scores(case.loot(), Situation(task, case.budget.at(1.0), case.budget.seeds[0]))
    return {
        "facts": facts | sizes,
        "proxies": {name: score.value if isinstance(score, Score) else score.reason for name, score in scores.items()},
        "encoding": rounded(encode_workload(workload)),
        "embedding": rounded(embedding_of(load_task(given.target, input_shape=SHAPE))),
    }


def case_of_source(given: Drawn) -> Case:
    """The source as a quick audit tests it."""
    return Case(given.subject, given.source, given.source, BUDGETS["quick"])


def rounded(values: FloatArray) -> list[float]:
    """To six significant digits, as the file keeps them."""
    return [float(f"{value:.6g}") for value in values]


def trained(number: int, source: TaskSettings, steps: int) -> HeldModel:
    """A random network of the hybrid space, trained on the source."""
    space, task = load_space(SPACE), load_task(source, input_shape=SHAPE)
    genotype = space.sample(numpy_generator(number, "calibration network"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(number, "weights"))
        network = space.build(genotype, task.io)
    if steps:
        fit(network, task, Schedule(steps), torch_generator(number, "train"))
    model = LoadedModel(
        f"case {number}", "archlock", network, SHAPE, task.io.outputs, "", space=SPACE, genotype=genotype
    )
    return HeldModel(model)


def calibrate(cases: Sequence[Mapping[str, Any]]) -> Calibration:
    """Fit on the anchors of each kind, judge on the rest."""
    kinds = {}
    for kind, names in PREDICTED_FROM.items():
        anchors, others = (gathered(cases, kind, names, judged=later) for later in (False, True))
        if len(anchors) >= LEAST_ANCHORS:
            kinds[kind] = judged(fit_kind(names, anchors), others)
    return Calibration(level=LEVEL, attacks=ATTACKS, note=NOTE, spaces=(SPACE,), kinds=kinds)


def gathered(cases: Sequence[Mapping[str, Any]], kind: str, names: tuple[str, ...], *, judged: bool) -> AnchorCases:
    """Cases of a kind, anchors or those to judge on; looks that lack an estimate are left out."""
    rows = [
        (found, case)
        for case in cases
        if case["kind"] == kind and (case["number"] >= JUDGED_FROM) is judged
        if (found := inputs_of(case["look"], names)) is not None
    ]
    inputs = np.array([row for row, _ in rows]).reshape(len(rows), len(names))
    figures = tuple({**about(case), **dict(zip(names, map(float, row), strict=True))} for row, case in rows)
    return AnchorCases(inputs, np.array([case["reached"] for _, case in rows]), figures)


def about(case: Mapping[str, Any]) -> dict[str, float | None]:
    """A case's model and target in figures, as an audit has them."""
    facts = case["facts"]
    shape = (facts["channels"], facts["height"], facts["width"])
    return about_case(facts["parameters"], facts["macs"], shape, facts["source"], facts["samples"], facts["seen"])


def ranks(cases: Sequence[Mapping[str, Any]], foreseen: Mapping[int, float]) -> EstimatorRanks:
    """Kendall's tau of every estimate with the strongest attack, over all cases that have the estimate.

    Args:
        cases: of any kinds.
        foreseen: number of a case to the predictor's score, had without the case.
    """
    kinds: dict[str, dict[str, MeasuredRank]] = {}
    for kind in dict.fromkeys(case["kind"] for case in cases):
        own = [(estimates_of(case, foreseen), case["reached"]) for case in cases if case["kind"] == kind]
        names = dict.fromkeys(name for found, _ in own for name in found)
        known = {name: [(found[name], reached) for found, reached in own if name in found] for name in names}
        kinds[kind] = {name: ranked(pairs) for name, pairs in known.items() if len(pairs) >= LEAST_ANCHORS}
    return EstimatorRanks(note=RANKS_NOTE, kinds=kinds)


def estimates_of(case: Mapping[str, Any], foreseen: Mapping[int, float]) -> dict[str, float]:
    """Estimates, zero-cost scores and the predictor's score of a case, those that it has; higher transfers better."""
    scores = {f"proxy:{name}": value for name, value in case["proxies"].items()}
    found = {**case["look"]["estimates"], **scores, ESTIMATOR: foreseen.get(case["number"])}
    return {name: value for name, value in found.items() if isinstance(value, float)}


def ranked(pairs: Sequence[tuple[float, float]]) -> MeasuredRank:
    """Kendall's tau of (estimate, reached), with a percentile interval bootstrapped over the cases."""
    both = np.array(pairs)
    rng = np.random.default_rng(0)
    drawn = [kendalltau(*both[rng.integers(len(both), size=len(both))].T).statistic for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    tau = kendalltau(*both.T).statistic
    return MeasuredRank(kendall_tau=float(tau), low=float(low), high=float(high), level=LEVEL, cases=len(both))


if __name__ == "__main__":
    main()
