"""Plain data comes out of pickles as it went in; everything else is refused by name and nothing runs."""

from __future__ import annotations

import datetime
import io
import os
import pickle
import pickletools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from archlock.errors import TaskError
from archlock.tasks.nasbench360.arrays import npy_file, pickled_file
from archlock.tasks.nasbench360.plainpickle import read_pickle

PROTOCOLS = st.integers(0, pickle.HIGHEST_PROTOCOL)
SIMPLE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(), st.integers(-(2**80))
)
PLAIN = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(st.text(), inner), st.tuples(inner), st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=20,
)
NUMBERS = st.sampled_from(["u1", "<i4", ">i4", "<i8", ">f8", "<f4", "b1", "<f2", "<U3", "S4", "<c8"])


def read(data: bytes) -> object:
    return read_pickle(io.BytesIO(data), "task: file")


@settings(deadline=None, max_examples=25)
@given(value=PLAIN, protocol=st.integers(3, pickle.HIGHEST_PROTOCOL))
def test_plain_data_round_trips(value: object, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_round_trips_shared_values(protocol: int) -> None:
    shared = ["a", 2.5, 10**30]
    value = {"one": shared, "two": shared, "bytes": b"\x00\xff", "flags": (True, False, None), "empty": ([], {}, ())}
    again = read(pickle.dumps(value, protocol))
    assert again == value
    assert again["one"] is again["two"]  # type: ignore[index]


@settings(deadline=None, max_examples=25)
@given(data=st.data(), protocol=PROTOCOLS, transposed=st.booleans())
def test_arrays_round_trip(data: st.DataObject, protocol: int, transposed: bool) -> None:
    shape = data.draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    array = data.draw(arrays.arrays(np.dtype(data.draw(NUMBERS)), shape))
    array = array.T if transposed else array
    stream = pickle.dumps({"array": array, "again": array}, protocol)
    ours, expected = read(stream)["array"], pickle.loads(stream)["array"]  # type: ignore[index]
    assert (ours.dtype, ours.shape) == (expected.dtype, array.shape)
    assert ours.tobytes() == expected.tobytes()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_of_objects_and_scalars(protocol: int) -> None:
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.arange(3.0), np.arange(5.0)]
    again = read(pickle.dumps([ragged, np.float32(1.5), np.int64(7)], protocol))
    assert [part.tolist() for part in again[0]] == [[0, 1, 2], [0, 1, 2, 3, 4]]  # type: ignore[index]
    assert again[1:] == [1.5, 7]  # type: ignore[index]


def test_python_2_arrays_hold_their_bytes_as_text() -> None:
    # What Python 2 wrote for {'data': numpy.array([200, 7], dtype='uint8')}, protocol 2.
    stream = (
        b"\x80\x02}q\x00U\x04dataq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b"
        b"\x87Rq\x04(K\x01K\x02\x85cnumpy\ndtype\nq\x05U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff"
        b"\xff\xffK\x00tb\x89U\x02\xc8\x07tbs."
    )
    assert read(stream)["data"].tolist() == [200, 7]  # type: ignore[index]


class Attack:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_call_is_refused_by_name_and_never_made(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "made"
    with pytest.raises(TaskError, match=r"task: file: asks for '(posix|nt)\.mkdir', which is never loaded"):
        read(pickle.dumps({"data": [1, Attack(target)]}, protocol))
    assert not target.exists()


@pytest.mark.parametrize("value", [Fraction(1, 2), datetime.date(2020, 1, 1), {1, 2}, np.datetime64("2020-01-01")])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(TaskError, match="never loaded"):
        read(pickle.dumps(value))


def test_structured_types_are_refused() -> None:
    with pytest.raises(TaskError, match="never loaded"):
        read(pickle.dumps(np.zeros(2, dtype=[("a", "f4")])))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_stream_gives_data_or_one_clear_error(data: st.DataObject) -> None:
    stream = bytearray(pickle.dumps({"data": np.arange(6.0), "label": ["N", "A"]}, data.draw(PROTOCOLS)))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(stream[: data.draw(st.integers(0, len(stream)))]))
    except TaskError as error:
        assert str(error).startswith("task: file: ")  # noqa: PT017


def test_every_instruction_is_read_or_refused() -> None:
    read_ones = {opcode.name for opcode in pickletools.opcodes}
    assert {"GLOBAL", "REDUCE", "INST", "OBJ", "NEWOBJ", "EXT1", "PERSID", "BUILD"} <= read_ones
    for stream in (b"(i__main__\nA\n.", b"\x82\x01.", b"Pid\n.", b"cos\nsystem\n(S'x'\no."):
        with pytest.raises(TaskError, match="never loaded"):
            read(stream)


def test_npy_files_with_objects_are_read_as_plain_data_only(tmp_path: Path) -> None:
    path = tmp_path / "held.npy"
    np.save(path, {"data": np.ones((2, 3)), "label": np.array([1, 2])})  # type: ignore[arg-type]
    assert npy_file(path, "task").item()["label"].tolist() == [1, 2]
    np.save(path, np.array([Attack(tmp_path / "made")], dtype=object))
    with pytest.raises(TaskError, match=r"held\.npy: asks for"):
        npy_file(path, "task")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("order", ["C", "F"])
def test_plain_npy_files_are_read_as_numpy_reads_them(tmp_path: Path, order: str) -> None:
    array = np.asarray(np.arange(24, dtype=">i2").reshape(2, 3, 4), order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "plain.npy", array)
    assert np.array_equal(npy_file(tmp_path / "plain.npy", "task"), array)


def test_a_file_that_is_no_pickle_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s2_cifar100.gz"
    path.write_bytes(b"not gzipped")
    with pytest.raises(TaskError, match=r"task: s2_cifar100\.gz: damaged or not a pickle: Not a gzipped file"):
        pickled_file(path, "task")
