"""The published tables as they are loaded: sizes, twins, orientation, neighbours. They need $ARCHLOCK_DATA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from archlock.tables import Table, load_table

SIZES = {
    "nasbench201": (15_625, 6_466, 3),
    "nasbench360": (15_625, 6_466, 5),
    "transnas_micro": (4_096, 1_948, 7),
    "transnas_macro": (3_256, 3_256, 7),
}


@pytest.fixture(params=list(SIZES))
def table(request: pytest.FixtureRequest, shared_data: Path) -> Table:
    loaded = load_table(request.param, shared_data)
    assert isinstance(loaded, Table)
    return loaded


def test_sizes_are_those_of_the_protocol(table: Table) -> None:
    rows, classes, tasks = SIZES[table.name]
    assert (len(table.genotypes), len(table), len(table.tasks)) == (rows, classes, tasks)
    assert all(values.shape == (classes,) for values in table.truth.values())


def test_classes_are_numbered_by_their_smallest_row(table: Table) -> None:
    first = [int(np.flatnonzero(table.classes == one)[0]) for one in range(0, len(table), 97)]
    assert table.representatives[::97].tolist() == first


def test_neighbours_are_mutual_and_never_the_class_itself(table: Table) -> None:
    for one in range(0, len(table), 53):
        assert one not in table.neighbours[one]
        assert all(one in table.neighbours[other] for other in table.neighbours[one])


def test_neighbours_are_the_rows_that_differ_in_one_gene(table: Table) -> None:
    for one in range(0, len(table), max(1, len(table) // 20)):
        own = table.genotypes[table.classes == one]
        edits = (table.genotypes[:, None, :] != own[None]).sum(axis=2) == 1
        expected = set(table.classes[edits.any(axis=1)].tolist()) - {one}
        assert set(table.neighbours[one].tolist()) == expected


def test_values_cannot_be_changed_by_a_caller(table: Table, shared_data: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        table.truth[table.tasks[0]][0] = 0.0
    assert load_table(table.name, shared_data) is table


def test_truth_is_the_mean_over_twins(table: Table, shared_data: Path) -> None:
    cells = table.name.startswith("nasbench")
    path = "nasbench201/nasbench201.npz" if cells else "transnasbench101/transnasbench101.npz"
    key = "nats_{}_test_200" if cells else "{}__test_top1"
    offset = 3_256 if table.name == "transnas_micro" else 0
    task = table.tasks[0]
    with np.load(shared_data / path) as file:
        values = file[key.format(task)][offset : offset + len(table.classes)].astype(np.float64)
    for one in range(0, len(table), 41):
        assert table.truth[task][one] == pytest.approx(values[table.classes == one].mean(), abs=1e-12)
