"""A made-up table as the file that a user would have of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archlock.tables.table import Table


def arrays_of(table: Table) -> dict[str, NDArray[Any]]:
    """Arrays of a file of the schema in docs/tables.md that `archlock.tables.load_table_file` reads as this table.

    Every row has the value of its class. Early values are left out.

    Returns:
        key to array, as `numpy.savez` takes them.
    """
    rows = table.classes
    arrays: dict[str, NDArray[Any]] = {
        "archlock_table": np.array(1),
        "space": np.array(table.space),
        "genotypes": table.genotypes,
        "tasks": np.array(table.tasks),
        "units": np.array([table.units.get(task, "") for task in table.tasks]),
        "truth": np.stack([table.truth[task][rows] for task in table.tasks], axis=1),
        "twins": table.representatives[rows],
    }
    if table.valid and tuple(table.valid) != table.tasks:
        arrays["valid_tasks"] = np.array(list(table.valid))
    if table.valid:
        arrays["valid"] = np.stack([values[rows] for values in table.valid.values()], axis=1)
    return arrays
