"""Latency tables of both forms: what is read, what is counted as failed, and what bad files are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.errors import UsageError
from archlock.hwcost.devices import Encoding, LatencyTable, load_table

GOOD = "arch,phone,board\n0-1-2,1.5,3\n1-1-2,2.5,-1\n2-0-0,,4\n0-0-0,1,5\n"


def written(folder: Path, text: str, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_is_read_and_its_failures_are_masked_and_counted(tmp_path: Path) -> None:
    table = load_table(written(tmp_path, GOOD))
    assert table.devices == ("phone", "board")
    assert table.failed() == {"phone": 1, "board": 1}
    assert table.latency_ms[table.measured].tolist() == [1.5, 3, 2.5, 4, 1, 5]
    assert table.known_encoding().codes.shape == (4, 3)


@pytest.mark.parametrize("head", ["op_0,op_1", "x0,x1", "arch_ops[0],arch_ops[1]", "Layer 1,Layer 2"])
def test_an_encoding_can_be_several_columns(tmp_path: Path, head: str) -> None:
    table = load_table(written(tmp_path, f"index,{head},gpu\n7,0,1,2.0\n8,1,0,3.0\n"))
    assert table.devices == ("gpu",)
    assert table.known_encoding().codes.tolist() == [[0, 1], [1, 0]]


def test_columns_of_any_name_can_be_named_as_the_encoding(tmp_path: Path) -> None:
    path = written(tmp_path, "width,depth,gpu\nw32,d1,2.0\nw64,d1,3.0\n")
    with pytest.raises(UsageError, match=r"mine\.csv:1: no encoding among the columns width, depth, gpu"):
        load_table(path)
    assert load_table(path, encoding_columns=["width", "depth"]).devices == ("gpu",)
    with pytest.raises(UsageError, match=r"mine\.csv:1: no column 'widht'. Did you mean 'width'\?"):
        load_table(path, encoding_columns=["widht"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + "1-1-2,3,4\n", r"mine\.csv:6: repeats the architecture of line 3"),
        (GOOD + "1-0-2,3\n", r"mine\.csv:6: 2 cells, the header has 3"),
        (GOOD + "1-0-2,fast,4\n", r"mine\.csv:6: phone: 'fast' is no latency"),
        (GOOD + "1-0,3,4\n", r"architecture '1-0' has 2 parts, the first has 3"),
        ("arch,phone,phone\n0,1,2\n", r"mine\.csv:1: the column 'phone' is given twice"),
        ("arch,op_0\n0-1,2\n", r"mine\.csv:1: no device"),
        (GOOD.replace(",", ";"), r"mine\.csv:1: cells are separated by ';'; expected commas"),
        ("arch,phone\n", r"no rows"),
        ("", r"no rows"),
    ],
)
def test_a_bad_csv_is_told_where_it_is_bad(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load_table(written(tmp_path, text))


def test_archives_of_both_published_schemas_are_read(tmp_path: Path) -> None:
    latency = np.array([[1.0, -1.0], [2.0, 3.0]])
    np.savez(tmp_path / "a.npz", devices=np.array(["x", "y"]), latency_ms=latency, arch_ops=np.array([[0, 1], [1, 1]]))
    np.savez(tmp_path / "b.npz", columns=np.array(["x_latency", "x_energy"]), cifar10=latency, cifar100=2 * latency)
    first, second = load_table(tmp_path / "a.npz"), load_table(tmp_path / "b.npz", task="cifar100")
    assert first.failed() == {"y": 1}
    assert second.devices == ("x",)
    assert second.latency_ms.tolist() == [[2.0], [4.0]]
    with pytest.raises(UsageError, match="does not say what its architectures are"):
        second.known_encoding()
    joined = load_table(tmp_path / "b.npz", encoding=tmp_path / "a.npz")
    assert joined.known_encoding().codes.tolist() == [[0, 1], [1, 1]]


def test_categories_bear_the_names_that_the_archive_gives_them(tmp_path: Path) -> None:
    parts = {"devices": np.array(["x"]), "latency_ms": np.ones((2, 1)), "arch_ops": np.array([[0, 2], [2, 2]])}
    np.savez(tmp_path / "a.npz", **parts, op_names=np.array(["skip", "pool", "conv"]))
    np.savez(tmp_path / "b.npz", **parts, op_names=np.array(["skip"]))
    assert load_table(tmp_path / "a.npz").known_encoding().words(0) == ("skip", "conv")
    assert load_table(tmp_path / "b.npz").known_encoding().words(0) == ("0", "2")


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"latency_ms": np.ones((2, 1))}, "expected the arrays 'devices' and 'latency_ms', found latency_ms"),
        ({"devices": np.array(["x"]), "latency_ms": np.ones((2, 3))}, r"shape \(2, 3\) for 1 devices"),
        ({"devices": np.array(["x", "x"]), "latency_ms": np.ones((2, 2))}, "'x' is given twice"),
        ({"devices": np.array(["x"]), "latency_ms": np.array([[None]])}, "damaged, or no .npz archive of plain"),
        ({"devices": np.array(["x"]), "latency": np.ones((2, 1)), "arch_ops": np.ones((3, 2))}, "3 encodings for 2"),
    ],
)
def test_a_bad_archive_is_told_what_is_bad(tmp_path: Path, arrays: dict[str, np.ndarray], told: str) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(UsageError, match=told):
        load_table(tmp_path / "bad.npz")


@pytest.mark.parametrize("name", ["gone.npz", "gone.csv", "table.txt"])
def test_a_file_that_is_not_there_or_of_another_kind(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=name):
        load_table(tmp_path / name)


def test_an_unknown_device_is_answered_with_the_nearest() -> None:
    table = LatencyTable.of("t", ["pixel3", "raspi4"], np.ones((3, 2)))
    with pytest.raises(UsageError, match="Did you mean 'pixel3'"):
        table.column("pixel")


@given(st.integers(1, 5), st.integers(2, 5), st.booleans(), st.randoms(use_true_random=False))
def test_a_one_hot_matrix_gives_back_its_positions(
    positions: int, options: int, constant: bool, random: object
) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    codes = rng.integers(options, size=(60, positions + 1))
    hot = (codes[:, :, None] == np.arange(options)).reshape(len(codes), -1).astype(float)
    matrix = np.hstack([hot, np.ones((len(hot), 1))]) if constant else hot
    found = Encoding.of_matrix(matrix).codes
    # A finer or coarser split into blocks is possible where an option never occurs; what must hold is the partition.
    assert len(np.unique(found, axis=0)) == len(np.unique(codes, axis=0))


def test_measures_are_cut_into_eighths_and_stay_in_order() -> None:
    numbers = np.random.default_rng(0).normal(size=(200, 3))
    codes = Encoding.of_matrix(numbers).codes
    assert len(np.unique(codes)) == 8
    assert all((np.diff(codes[np.argsort(numbers[:, place]), place]) >= 0).all() for place in range(3))


def test_nasbench201_strings_are_one_word_per_edge() -> None:
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
    assert Encoding.of_texts([text], "t").words(0) == (
        "nor_conv_3x3", "none", "skip_connect", "none", "none", "avg_pool_3x3",
    )  # fmt: skip
