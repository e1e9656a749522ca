"""A user's table: what the schema gives, and an error of one line for everything that it does not allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from archlock.tables import TableError, load_table_file
from archlock.testing import arrays_of, small_table

Arrays = dict[str, NDArray[Any]]


def written(folder: Path, arrays: Arrays) -> Path:
    path = folder / "mine.npz"
    np.savez(path, **arrays)
    return path


def test_a_table_is_read_with_twins_merged_and_higher_better(tmp_path: Path, own_table: Arrays) -> None:
    table = load_table_file(written(tmp_path, own_table))
    assert (table.name, table.space, table.tasks, len(table)) == ("mine", "my_space", ("cats", "depth"), 8)
    truth = own_table["truth"]
    assert table.truth["cats"][1] == pytest.approx((truth[1, 0] + truth[3, 0]) / 2)
    assert table.truth["depth"][0] == -truth[0, 1]
    assert list(table.valid) == ["cats"]
    assert not table.early
    assert table.column("depth").unit == "m"


@pytest.mark.parametrize("valid_tasks", [(), ("task1",), ("task0", "task1", "task2")])
def test_what_is_written_is_what_is_read(tmp_path: Path, valid_tasks: tuple[str, ...]) -> None:
    made = small_table(rows=60, tasks=3, space="elsewhere")
    made = replace(made, valid={task: made.valid[task] for task in valid_tasks})
    read = load_table_file(written(tmp_path, arrays_of(made)), "small")
    for name in ("genotypes", "classes", "representatives"):
        assert np.array_equal(getattr(read, name), getattr(made, name))
    assert (read.name, read.space, read.tasks, read.units) == (made.name, made.space, made.tasks, made.units)
    for kind in ("truth", "valid", "early"):
        columns, expected = getattr(read, kind), getattr(made, kind)
        assert list(columns) == list(expected)
        assert all(np.allclose(columns[task], expected[task], rtol=1e-14, atol=0) for task in columns)


def test_neighbours_of_a_class_are_those_of_all_its_rows(tmp_path: Path, own_table: Arrays) -> None:
    table = load_table_file(written(tmp_path, own_table))
    # Class 1 is the rows (0, 1) and (1, 0): all but (2, 2) are one gene away from either.
    genes = table.class_genotypes
    assert {tuple(genes[other]) for other in table.neighbours[1]} == {(0, 0), (0, 2), (1, 1), (1, 2), (2, 0), (2, 1)}


def test_without_twins_each_row_of_an_unknown_space_is_a_class(tmp_path: Path, own_table: Arrays) -> None:
    del own_table["twins"]
    assert len(load_table_file(written(tmp_path, own_table))) == 9


def test_a_registered_space_gives_the_twins_and_checks_the_genotypes(tmp_path: Path, own_table: Arrays) -> None:
    del own_table["twins"]
    own_table["space"] = np.array("nasbench201")
    own_table["genotypes"] = np.array([[0, 3, idle, 1, 0, last] for idle in (0, 1, 2) for last in (2, 3, 4)])
    # The third gene leads from a node that nothing reaches.
    assert len(load_table_file(written(tmp_path, own_table))) == 3
    own_table["genotypes"][4, 0] = 7
    with pytest.raises(TableError, match="not of space 'nasbench201'"):
        load_table_file(written(tmp_path, own_table))


def test_a_question_about_an_unknown_task_names_the_nearest(tmp_path: Path, own_table: Arrays) -> None:
    table = load_table_file(written(tmp_path, own_table))
    with pytest.raises(TableError, match="Did you mean 'depth'"):
        table.column("dept")
    with pytest.raises(TableError, match="no valid values here; they are there for cats"):
        table.column("depth", "valid")


def put(key: str, value: Any) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.update({key: np.array(value)})


def drop(key: str) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.__delitem__(key) if key in arrays else None


def spoil(key: str, at: tuple[int, ...], value: float) -> Callable[[Arrays], None]:
    return lambda arrays: arrays[key].__setitem__(at, value)


FAULTS = [
    (put("archlock_table", 2), "only schema version 1"),
    (drop("archlock_table"), "not a table of archlock's schema"),
    (drop("truth"), "no array 'truth'"),
    (put("thruth", 1), "unknown array 'thruth'. Did you mean 'truth'"),
    (spoil("truth", (4, 1), np.nan), "'truth': 1 rows are NaN or infinite, the first is row 4"),
    (spoil("valid", (2, 0), np.inf), "'valid': 1 rows are NaN or infinite, the first is row 2"),
    (put("truth", np.zeros((9, 3))), r"shape \(9, 3\), expected \(9, 2\)"),
    (put("truth", [["a", "b"]] * 9), "expected numbers"),
    (put("genotypes", np.zeros((9, 2), dtype=int)), "row 1 is a genotype that stands in an earlier row"),
    (put("genotypes", np.eye(9, 2) + 0.5), "expected whole numbers"),
    (put("genotypes", [[0, -1]]), "expected 0 to"),
    (put("genotypes", [0, 1]), "expected \\(any, any\\)"),
    (put("tasks", ["cats", "cats"]), "one or more different tasks"),
    (put("tasks", [1, 2]), "expected text"),
    (put("valid_tasks", ["dogs"]), "'dogs', which is not in 'tasks'"),
    (put("better", ["higher", "more"]), "'more', expected 'higher' or 'lower'"),
    (put("twins", [0, 0, 2, 1, 4, 5, 6, 7, 8]), "not the smallest row of its class"),
    (put("twins", [0, 1, 2, 1, 4, 5, 6, 7, 99]), "expected 0 to 8"),
    (put("space", ""), "'space' is empty"),
]


@pytest.mark.parametrize(("change", "message"), FAULTS, ids=[message[:40] for _, message in FAULTS])
def test_a_fault_is_named_in_one_line(
    tmp_path: Path, own_table: Arrays, change: Callable[[Arrays], None], message: str
) -> None:
    change(own_table)
    path = written(tmp_path, own_table)
    with pytest.raises(TableError, match=message) as caught:
        load_table_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_objects_are_never_unpickled(tmp_path: Path, own_table: Arrays) -> None:
    own_table["about"] = np.array([object()], dtype=object)
    own_table["units"] = np.array([{"%": 1}, {}], dtype=object)
    with pytest.raises(TableError, match="'units' cannot be read"):
        load_table_file(written(tmp_path, own_table))


@pytest.mark.parametrize("keep", [0, 3, 200, 1500])
def test_a_file_that_is_cut_off_is_no_table(tmp_path: Path, own_table: Arrays, keep: int) -> None:
    path = written(tmp_path, own_table)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TableError, match=r"not a numpy archive, or cut off|cannot be read"):
        load_table_file(path)


def test_what_is_no_archive_is_said_so(tmp_path: Path) -> None:
    single = tmp_path / "single.npy"
    np.save(single, np.zeros(3))
    with pytest.raises(TableError, match="a single array"):
        load_table_file(single)
    with pytest.raises(TableError, match="no such file"):
        load_table_file(tmp_path / "absent.npz")
    with pytest.raises(TableError, match="cannot be read: Is a directory"):
        load_table_file(tmp_path)
