"""Official files that were cut off or overwritten: the readers give what the file held, or one line that names it."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archlock.errors import TaskError
from archlock.tasks.nasbench360.arrays import field, npy_file, npz_arrays, pickled_file

VALUES = np.arange(24, dtype=np.float64).reshape(4, 6)


def write_npy(path: Path) -> None:
    np.save(path, VALUES)


def write_npz(path: Path) -> None:
    np.savez_compressed(path, data=VALUES)


def write_gzipped_pickle(path: Path) -> None:
    path.write_bytes(gzip.compress(pickle.dumps({"data": VALUES}, 4)))


Reader = Callable[[Path], np.ndarray]
READERS: dict[str, tuple[Callable[[Path], None], Reader, bool]] = {
    "a.npy": (write_npy, lambda path: npy_file(path, "ecg"), False),
    "a.npz": (write_npz, lambda path: npz_arrays(path, "ecg", ("data",))[0], True),
    "a.gz": (write_gzipped_pickle, lambda path: field(pickled_file(path, "ecg"), "data", "ecg: a.gz"), True),
}
"""File name to its writer, its reader, and whether the format has a checksum over the values."""


@pytest.mark.parametrize("name", READERS)
def test_a_whole_file_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    write, read, _ = READERS[name]
    write(tmp_path / name)
    assert np.array_equal(read(tmp_path / name), VALUES)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(READERS)),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=3),
    share=st.sampled_from([1.0, 1.0, 0.99, 0.6, 0.05, 0.0]),
)
def test_a_damaged_file_is_read_as_it_was_or_named(
    tmp_path: Path, name: str, changes: list[tuple[float, int]], share: float
) -> None:
    write, read, checked = READERS[name]
    path = tmp_path / name
    write(path)
    content = bytearray(path.read_bytes())
    for where, byte in changes:
        content[int(where * len(content))] = byte
    path.write_bytes(content[: int(share * len(content))])
    try:
        values = read(path)
    except TaskError as error:
        assert str(error).startswith(f"ecg: {name}")  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert not checked or np.array_equal(values, VALUES)


def test_a_wrong_checksum_is_noticed_though_the_data_end_before_it(tmp_path: Path) -> None:
    path = tmp_path / "large.gz"
    content = bytearray(gzip.compress(pickle.dumps(np.random.default_rng(0).random(100_000), 4), 1))
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(TaskError, match=r"ecg: large\.gz: .*CRC"):
        pickled_file(path, "ecg")


def test_a_key_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz")
    with pytest.raises(TaskError, match=r"key 'dat' is missing\. Did you mean 'data'"):
        npz_arrays(tmp_path / "a.npz", "ecg", ("dat",))
    with pytest.raises(TaskError, match=r"key 'dat' is missing\. Did you mean 'data'"):
        field({"data": VALUES}, "dat", "ecg: a.gz")
