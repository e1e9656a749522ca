"""What surgery on cells and skeletons brings back, by a table: target percentile before and after each edit.

    ARCHLOCK_DATA=FOLDER python benchmarks/cell_surgery.py [--table nasbench201] [--kind early] [--locks 60]

For every pair of tasks the admissible classes (source percentile of at least 95) with the lowest target percentiles are
edited as `archlock.attacks.edits` does. The values are those of networks trained from scratch: what an edit could reach
with enough training, not what a thief's fine-tuning reaches. Beside the edits stand the best of them, and the best of
all one-edge (one-module) changes.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from archlock.attacks import edit_names, edits
from archlock.errors import ArchlockError
from archlock.scores import FloatArray
from archlock.spaces.registry import load_space
from archlock.tables import Table, load_table

ADMISSIBLE = 95.0


def percentiles(values: FloatArray) -> FloatArray:
    """Share of the others that each class beats, in percent; shape (C,)."""
    return np.asarray(100 * (rankdata(values) - 1) / (len(values) - 1), dtype=np.float64)


def edited_classes(table: Table, chosen: FloatArray) -> dict[str, list[int]]:
    """Edit to the class that it makes of each chosen one; the class itself where the edit has nothing to change."""
    space = load_space(table.space)
    rows = {space.canonical(tuple(row)): table.classes[at] for at, row in enumerate(table.genotypes.tolist())}
    found: dict[str, list[int]] = {name: [] for name in edit_names(space)}
    for index in chosen:
        genotype = space.canonical(tuple(table.class_genotypes[index].tolist()))
        for name, classes in found.items():
            edited = edits(space, genotype, (name,)).get(name)
            classes.append(int(index if edited is None else rows[space.canonical(edited)]))
    return found


def measure(table: Table, values: Mapping[str, FloatArray], locks: int) -> dict[str, list[float]]:
    """Mean target percentile of the best locks of each pair, by edit."""
    places = {task: percentiles(column) for task, column in values.items()}
    rows: dict[str, list[float]] = {}
    for source, target in itertools.permutations(places, 2):
        admissible = np.flatnonzero(places[source] >= ADMISSIBLE)
        own = places[target]
        chosen = admissible[np.argsort(own[admissible], kind="stable")[:locks]]
        after = {name: own[classes] for name, classes in edited_classes(table, chosen).items()}
        after |= {
            "released": own[chosen],
            "best of these": np.max([own[chosen], *after.values()], axis=0),
            "best one-gene change": np.array([own[[one, *table.neighbours[one]]].max() for one in chosen]),
        }
        for name, reached in after.items():
            rows.setdefault(name, []).append(float(np.mean(reached)))
    return rows


def main() -> None:
    """Print one line per edit: mean over pairs of tasks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="nasbench201")
    parser.add_argument("--kind", choices=("early", "truth"), default="early")
    parser.add_argument("--locks", type=int, default=60)
    options = parser.parse_args()
    try:
        table = load_table(options.table)
    except ArchlockError as error:
        sys.exit(f"cell_surgery: {error}")
    values = getattr(table, options.kind)
    if len(values) < 2:
        sys.exit(f"cell_surgery: table {options.table} has no {options.kind} values of two tasks")
    rows = measure(table, values, options.locks)
    pairs = len(rows["released"])
    print(f"{options.table} ({options.kind}): target percentile, mean over {pairs} pairs of {options.locks} locks each")
    for name, reached in sorted(rows.items(), key=lambda row: np.mean(row[1])):
        print(f"  {name:22s} {np.mean(reached):5.1f}")


if __name__ == "__main__":
    main()
