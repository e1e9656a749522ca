"""Tables that cannot be used, as a user meets them: one line that names the fault, the right exit code, no trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from archlock.cli.main import run
from archlock.tables import TableError, load_table, load_table_file
from archlock.testing import arrays_of, small_table

Arrays = dict[str, NDArray[Any]]
Captured = pytest.CaptureFixture[str]
ROWS = 60
MADE = arrays_of(small_table(rows=ROWS, tasks=3))


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARCHLOCK_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def written(path: Path, **changes: NDArray[Any]) -> Path:
    np.savez(path, **(MADE | changes))
    return path


def with_nan(key: str) -> Arrays:
    holed = MADE[key].copy()
    holed[7, 1] = np.nan
    return {key: holed}


FAULTS: list[tuple[Arrays, str]] = [
    (with_nan("truth"), "array 'truth': 1 rows are NaN or infinite, the first is row 7"),
    (with_nan("valid"), "array 'valid': 1 rows are NaN or infinite, the first is row 7"),
    ({"archlock_table": np.array(2)}, "only schema version 1 can be read"),
    ({"archlock_table": np.array("1")}, "only schema version 1 can be read"),
    ({"truth": np.full((ROWS, 3), np.longdouble("1e4000"))}, f"{ROWS} rows are NaN or infinite"),
    ({"early_tasks": np.array(["task0"])}, "'early_tasks' names columns of 'early', which is not there"),
    ({"trueth": MADE["truth"]}, "Did you mean 'truth'"),
]


def one_line(captured: Captured) -> str:
    """The only line on stderr, with nothing on stdout."""
    out, err = captured.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize(("changes", "said"), FAULTS, ids=[said[:34] for _, said in FAULTS])
def test_a_table_with_a_fault_is_neither_imported_nor_searched(
    tmp_path: Path, data: Path, capsys: Captured, changes: Arrays, said: str
) -> None:
    file = str(written(tmp_path / "bad.npz", **changes))
    assert run(["data", "import", file, "--name", "bad"]) == 2
    assert said in one_line(capsys)
    assert not data.exists()
    out = tmp_path / "out.jsonl"
    assert run(["bench", "lock", "--table", file, "--mode", "known", "--workers", "1", "--out", str(out)]) == 2
    line = one_line(capsys)
    assert said in line
    assert file in line
    assert not out.exists()


def config(tmp_path: Path, **changes: object) -> str:
    chosen = {"table": "mine", "source": "task0", "target": "task1", "at_least": 0, "labels": 20, "method": "random"}
    path = tmp_path / "lock.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in (chosen | changes).items()))
    return str(path)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"table": "mien"}, 2, "lock.yaml:1: table: no table 'mien'. Did you mean 'mine'"),
        ({"table": "absent.npz"}, 2, "lock.yaml:1: table: absent.npz: no such file"),
        ({"target": "tsk1"}, 2, "lock.yaml:3: target: table mine: no task 'tsk1'. Did you mean 'task1'"),
        ({"target": "task0"}, 2, "target 'task0' is the source"),
        ({"at_least": 1e9}, 1, "no architecture reaches 1e+09 on task0"),
        ({"at_least": ".nan"}, 2, "lock.yaml:4: at_least: expected a finite number"),
        ({"labels": "many"}, 2, "lock.yaml:5: labels:"),
    ],
)
def test_a_search_that_cannot_be_done_says_which_line_is_wrong(
    tmp_path: Path, capsys: Captured, changes: dict[str, object], code: int, said: str
) -> None:
    assert run(["data", "import", str(written(tmp_path / "mine.npz")), "--name", "mine"]) == 0
    capsys.readouterr()
    assert run(["search", config(tmp_path, **changes), "--out", str(tmp_path / "run")]) == code
    assert said in one_line(capsys)
    assert not (tmp_path / "run").exists()


def test_a_table_that_was_replaced_by_another_version_ends_the_next_search(
    tmp_path: Path, data: Path, capsys: Captured
) -> None:
    assert run(["data", "import", str(written(tmp_path / "mine.npz")), "--name", "mine"]) == 0
    load_table("mine")
    written(data / "tables" / "mine.npz", archlock_table=np.array(7))
    capsys.readouterr()
    assert run(["search", config(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert "array 'archlock_table' is 7, but only schema version 1" in one_line(capsys)


def test_a_table_is_searched_where_it_lies(tmp_path: Path, capsys: Captured) -> None:
    file = written(tmp_path / "here.npz")
    out = tmp_path / "run"
    assert run(["search", config(tmp_path, table=str(file)), "--out", str(out), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    table = load_table(str(file))
    assert load_table(str(file)) is table
    rows = [pick["row"] for pick in record["picks"]]
    assert [pick["target"]["value"] for pick in record["picks"]] == [
        table.truth["task1"][table.classes[row]] for row in rows
    ]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    compressed=st.booleans(),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=3),
    share=st.sampled_from([1.0, 1.0, 1.0, 0.999, 0.7, 0.1]),
)
def test_a_damaged_file_is_the_same_table_or_one_clear_error(
    tmp_path: Path, compressed: bool, changes: list[tuple[float, int]], share: float
) -> None:
    path = tmp_path / "damaged.npz"
    (np.savez_compressed if compressed else np.savez)(path, **MADE)
    content = bytearray(path.read_bytes())
    for where, byte in changes:
        content[int(where * len(content))] = byte
    path.write_bytes(content[: int(share * len(content))])
    try:
        table = load_table_file(path)
    except TableError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert np.array_equal(table.genotypes, MADE["genotypes"])
    for column, task in enumerate(table.tasks):
        assert np.allclose(table.truth[task][table.classes], MADE["truth"][:, column], rtol=1e-14, atol=0)


@pytest.mark.parametrize("flag", [1, 0x40])
def test_an_array_behind_a_password_is_damage(tmp_path: Path, flag: int) -> None:
    path = written(tmp_path / "locked.npz")
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = content.find(signature)
        while start >= 0:
            content[start + at] |= flag
            start = content.find(signature, start + 4)
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"locked\.npz: array 'archlock_table' cannot be read"):
        load_table_file(path)
