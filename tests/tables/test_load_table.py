"""The published tables as they are loaded: sizes, twins, orientation, neighbours. They need $ARCHLOCK_DATA."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from archlock.tables import Table, TableError, load_table

SIZES = {
    "nasbench201": (15_625, 6_466, 3),
    "nasbench360": (15_625, 6_466, 5),
    "transnas_micro": (4_096, 1_948, 7),
    "transnas_macro": (3_256, 3_256, 7),
}


@pytest.fixture(params=list(SIZES))
def table(request: pytest.FixtureRequest) -> Table:
    data = os.environ.get("ARCHLOCK_DATA")
    if not data:
        pytest.skip("ARCHLOCK_DATA is not set")
    try:
        return load_table(request.param, Path(data))
    except TableError as error:
        if "no such file" in str(error):
            pytest.skip(str(error))
        raise


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


def test_values_cannot_be_changed_by_a_caller(table: Table) -> None:
    with pytest.raises(ValueError, match="read-only"):
        table.truth[table.tasks[0]][0] = 0.0
    assert load_table(table.name, Path(os.environ["ARCHLOCK_DATA"])) is table
