"""The contract of locking methods, and a small table to run it on: no file is needed and no label can leak."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from archlock.locking.tabular.features import pool_of
from archlock.locking.tabular.problem import Ablation, Method, Mode
from archlock.locking.tabular.protocol import Rules, Values, bought_values, make_problem, noisy_values, source_bar
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator
from archlock.tables.table import Table, make_table

EDGES, OPTIONS = 6, 4


def small_table(rows: int = 320, tasks: int = 4, seed: int = 0, space: str = "transnas_micro") -> Table:
    """A made-up table of cells: values follow the operations, tasks agree in part, and every row has noise.

    One row in eight is a twin of the row before it. The tasks are ``task0``, ``task1`` and so on; validation values
    are the truth with noise of their own.
    """
    rng = numpy_generator(seed, "small table")
    chosen = np.sort(rng.choice(OPTIONS**EDGES, size=rows, replace=False))
    genotypes = np.stack(np.unravel_index(chosen, (OPTIONS,) * EDGES), axis=1).astype(np.int64)
    twins = np.arange(rows)
    twins[8::8] -= 1
    one_hot = np.eye(OPTIONS)[genotypes].reshape(rows, -1)
    shared = rng.standard_normal((one_hot.shape[1], 1))
    truth = 10 * one_hot @ (shared + rng.standard_normal((one_hot.shape[1], tasks))) + rng.standard_normal(
        (rows, tasks)
    )
    valid = truth + rng.standard_normal((rows, tasks))
    return make_table(
        "small", space, genotypes, twins, _columns(truth), valid=_columns(valid),
        units=dict.fromkeys(_columns(truth), "%"),
    )  # fmt: skip


def _columns(values: FloatArray) -> dict[str, FloatArray]:
    return {f"task{column}": values[:, column] for column in range(values.shape[1])}


def check_replay(
    method: Method,
    mode: Mode,
    *,
    robust: bool = False,
    valid: bool = False,
    ablated: tuple[Ablation, ...] = (),
    labels: int = 20,
    seed: int = 0,
    table: Table | None = None,
    published: Mapping[str, FloatArray] | None = None,
) -> None:
    """The replay test: with every value that was not read replaced by noise, picks and readings stay the same.

    Args:
        method: under test.
        mode: as of `Rules`, like the next four.
        robust: judge after the best edit.
        valid: validation values are bought.
        ablated: parts that are replaced by random choices.
        labels: budget on each readable task.
        seed: of the trial.
        table: a small made-up one unless given; its first two tasks are the source and the target.
        published: features of published scores, as for `pool_of`.

    Raises:
        AssertionError: the method has seen something that is not among its labels, or draws from elsewhere than its
            generator, or exceeds its budgets.
    """
    table = table or small_table()
    rules = Rules(mode, labels, robust, valid, ablated)
    pool, bar = pool_of(table, published), source_bar(table, table.tasks[0], rules)
    values = bought_values(table, table.tasks, valid)

    def run(shown: Values) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]]]:
        problem = make_problem(pool, shown, table.tasks[0], table.tasks[1], bar, rules, seed, table.name)
        proposal = method(problem)
        return proposal.picks, {task: tuple(read) for task, read in problem.labels.items()}

    picks, read = run(values)
    noise = numpy_generator(seed, "replay noise")
    again = run(noisy_values(values, read, noise))
    assert again == (picks, read), f"picks or readings depend on values that were not read: {(picks, read)} {again}"
    assert all(len(them) <= labels for them in read.values()), f"more than {labels} labels: {read}"
