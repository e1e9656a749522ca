"""Accuracy of the relation model from few labels, beside extremely randomised trees and ridge regression.

    ARCHLOCK_DATA=FOLDER python benchmarks/predictor_accuracy.py [--labels 60] [--seeds 5] [--judged 800]

Tables: NAS-Bench-201 after 12 epochs (validation columns, isomorphic twins averaged) and TransNAS-Bench-101 macro
(primary validation metric), the columns that methods may be chosen on. Features are the operations, one-hot; tasks
are told apart by one-hot embeddings, as the tables hold no pictures. Each task's labels are on its own random
architectures. The peers get features and embedding side by side, and the same normal scores of the labels; their
pair probabilities are sigmoids with a temperature fitted on predictions from five folds.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_predict

from archlock.predictors import RelationModel, TaskEvidence, normal_scores
from archlock.predictors.calibration import fit_temperature, pair_margins
from archlock.predictors.quality import Group, SplitQuality, summarise
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator

Scorer = Callable[[FloatArray, FloatArray], FloatArray]
NASBENCH201_COLUMNS = ("nb201_cifar10valid_valid_12", "nb201_cifar100_valid_12", "nb201_imagenet16_valid_12")


@dataclass(frozen=True)
class Table:
    """Features (n, f) and values (tasks, n) of one benchmark's development part."""

    name: str
    features: FloatArray
    values: FloatArray


def nasbench201(root: Path) -> Table:
    """12-epoch validation accuracies; rows are classes of isomorphic cells."""
    with np.load(root / "nasbench201" / "nasbench201.npz", allow_pickle=False) as file:
        kept, twin = np.unique(file["iso_rep"], return_inverse=True)
        features = np.eye(5)[file["arch_ops"][kept]].reshape(len(kept), -1)
        values = [np.bincount(twin, weights=file[column]) / np.bincount(twin) for column in NASBENCH201_COLUMNS]
    return Table("NAS-Bench-201, 12 epochs", features, np.stack(values))


def transnas_macro(root: Path) -> Table:
    """Primary validation metrics of the macro networks on seven tasks."""
    with np.load(root / "transnasbench101" / "transnasbench101.npz", allow_pickle=False) as file:
        codes = file["macro_codes"]
        values = [file[column][: len(codes)] for column in file["primary_valid"].tolist()]
    return Table("TransNAS macro", np.eye(5)[codes].reshape(len(codes), -1), np.stack(values).astype(np.float64))


def relation(features: FloatArray, evidence: Sequence[TaskEvidence]) -> Scorer:
    """Ours."""
    model = RelationModel.fit(features, evidence)
    return lambda wanted, embedding: model.score(wanted, embedding)[0]


def peer(regressor: RegressorMixin) -> Callable[[FloatArray, Sequence[TaskEvidence]], Scorer]:
    """A scikit-learn regressor on [features, embedding], turned into a relation by the difference of predictions."""

    def fit(features: FloatArray, evidence: Sequence[TaskEvidence]) -> Scorer:
        rows = np.concatenate([joined(features[item.indices], item.embedding) for item in evidence])
        values = np.concatenate([normal_scores(item.values) for item in evidence])
        task = np.repeat(np.arange(len(evidence)), [len(item.values) for item in evidence])
        left_out = cross_val_predict(regressor, rows, values, cv=5)
        temperature = fit_temperature(pair_margins(left_out, values, task), len(values))
        fitted = regressor.fit(rows, values)
        return lambda wanted, embedding: temperature * fitted.predict(joined(wanted, embedding))

    return fit


def joined(features: FloatArray, embedding: FloatArray) -> FloatArray:
    """Features and embedding side by side."""
    return np.hstack([features, np.tile(embedding, (len(features), 1))])


METHODS = {
    "relation model": relation,
    "extra trees": peer(ExtraTreesRegressor(200, random_state=0)),
    "ridge": peer(RidgeCV(np.logspace(-1, 3, 9))),
}


def measure(table: Table, labels: int, seeds: int, judged: int, held_out_task: bool) -> dict[str, list[SplitQuality]]:
    """Quality per method and seed, on architectures never labelled; each seed holds another task out if asked to."""
    embeddings = np.eye(len(table.values))
    found: dict[str, list[SplitQuality]] = {name: [] for name in METHODS}
    for seed in range(seeds):
        rng = numpy_generator(seed, "predictor accuracy", table.name)
        order = rng.permutation(len(table.features))
        test, pool = order[:judged], order[judged:]
        bought = [rng.choice(pool, labels, replace=False) for _ in embeddings]
        held = [seed % len(embeddings)] if held_out_task else list(range(len(embeddings)))
        evidence = [
            TaskEvidence(embeddings[task], rows, table.values[task, rows], "label")
            for task, rows in enumerate(bought)
            if not held_out_task or task not in held
        ]
        for name, fit in METHODS.items():
            score = fit(table.features, evidence)
            groups = [Group(score(table.features[test], embeddings[t]), table.values[t, test]) for t in held]
            quality = summarise(groups, "all values are equal")
            if isinstance(quality, SplitQuality):
                found[name].append(quality)
    return found


def line(name: str, results: Sequence[SplitQuality]) -> str:
    """Mean and standard deviation over seeds."""
    cells = [(r.pair_accuracy, r.kendall_tau, r.calibration_error, r.log_loss) for r in results]
    shown = (f"{mean:.3f} ±{sd:.3f}" for mean, sd in zip(np.mean(cells, axis=0), np.std(cells, axis=0), strict=True))
    return f"  {name:<16}" + "".join(f"{cell:>15}" for cell in shown)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--judged", type=int, default=800)
    options = parser.parse_args()
    root = os.environ.get("ARCHLOCK_DATA")
    if not root:
        sys.exit("predictor_accuracy: set ARCHLOCK_DATA to the folder of the tables")
    for load in (nasbench201, transnas_macro):
        table = load(Path(root))
        for held_out_task in (False, True):
            what = "a held-out task" if held_out_task else "held-out architectures"
            print(f"{table.name}: {what}, {options.labels} labels per task, {options.seeds} seeds")
            print(f"  {'':<16}{'pair accuracy':>15}{'Kendall tau':>15}{'calib. error':>15}{'log loss':>15}")
            start = process_time()
            for name, results in measure(table, options.labels, options.seeds, options.judged, held_out_task).items():
                print(line(name, results))
            print(f"  ({process_time() - start:.0f} s of processor time)")


if __name__ == "__main__":
    main()
