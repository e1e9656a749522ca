"""A user's table on disk, made by the test."""

from __future__ import annotations

import numpy as np
import pytest

from archlock.testing import small_table


@pytest.fixture(scope="session")
def arrays():
    """Arrays of a user's file: 4,096 cells, one row in eight a twin; values are those of `small_table` by row."""
    table = small_table(rows=4096, tasks=3)
    rows = table.classes
    return {
        "archlock_table": np.array(1),
        "space": np.array("transnas_micro"),
        "genotypes": table.genotypes,
        "tasks": np.array(table.tasks),
        "truth": np.stack([table.truth[task][rows] for task in table.tasks], axis=1),
        "valid": np.stack([table.valid[task][rows] for task in table.tasks], axis=1),
        "twins": table.representatives[rows],
    }


@pytest.fixture(scope="session")
def table_file(arrays, tmp_path_factory):
    """The file."""
    path = tmp_path_factory.mktemp("table") / "mine.npz"
    np.savez(path, **arrays)
    return path
